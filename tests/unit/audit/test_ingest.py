"""From input to record."""

from datetime import UTC, datetime, timedelta

import pytest

from chancery.audit.ingest import Defaults, EventValidator, IncomingEvent, RecordBuilder
from chancery.audit.submitter import caller, producer
from chancery.core.errors import TooLarge, ValidationFailed
from chancery.core.formats.correlation import Correlation
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.redaction import REDACTED
from tests.builders import NOON, SUBMITTER, event

VALIDATOR = EventValidator(lambda: NOON)
BUILDER = RecordBuilder(lambda: NOON, lambda: "01J00000000000000000000000")


def made(body: object, defaults: Defaults = Defaults()) -> dict:
    valid = VALIDATOR.validate(IncomingEvent(body, defaults))
    return BUILDER.build(valid, valid.event.tenant_id, SUBMITTER)


def refused(body: object) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as failure:
        made(body)
    return {error.pointer: error.detail for error in failure.value.errors}


def test_an_event_becomes_a_record_with_the_added_fields():
    stored = made(event(tenantId="acme"))

    assert stored["refId"] == stored["eventId"] == "01J00000000000000000000000"
    assert stored["createdOn"] == stored["recordedOn"] == NOON
    assert stored["tenantId"] == "acme"
    assert stored["actorType"] == "human"


@pytest.mark.parametrize(
    ("submitter", "recorded_by"),
    [
        (caller(Principal("sub-1", Role.DM_USER)), {"subject": "sub-1", "role": "dm_user"}),
        (producer("agency.portal", "111122223333"), {"source": "agency.portal", "account": "111122223333"}),
        (producer(None, None), {"source": "unknown", "account": "unknown"}),
        (producer("a\0b\u202ec", "1"), {"source": "abc", "account": "1"}),
        (producer("Bearer mF_9.B5f-4.1JqM", "1"), {"source": f"{REDACTED}", "account": "1"}),
    ],
)
def test_a_record_has_who_submitted_it_beside_who_acted(submitter, recorded_by):
    valid = VALIDATOR.validate(IncomingEvent(event(actorId="somebody-else")))

    stored = BUILDER.build(valid, "acme", submitter)

    assert stored["recordedBy"] == recorded_by
    assert stored["actorId"] == "somebody-else"


def test_a_bare_verb_is_normalised_with_its_resource_type():
    assert made(event(action="approved"))["action"] == "blog_post.approved"


def test_the_time_of_an_event_is_stored_in_utc_to_the_millisecond():
    stored = made(event(createdOn="2026-02-01T10:00:00.123987+02:00"))

    assert stored["createdOn"] == datetime(2026, 2, 1, 8, 0, 0, 123000, UTC)


def test_fields_without_a_value_are_left_out_but_the_tenant_of_a_platform_record_is_null():
    stored = made({**event(), "description": None, "before": None})

    assert "description" not in stored
    assert "before" not in stored
    assert stored["tenantId"] is None


def test_defaults_fill_in_and_never_overrule():
    defaults = Defaults("from-bus", NOON - timedelta(hours=1), Correlation("trace", "order"))

    filled = made(event(), defaults)
    own = made(event(eventId="mine", traceId="t", correlationId="c", createdOn="2026-01-01T00:00:00Z"), defaults)

    assert [filled[name] for name in ("eventId", "traceId", "correlationId")] == ["from-bus", "trace", "order"]
    assert filled["createdOn"] == NOON - timedelta(hours=1)
    assert [own[name] for name in ("eventId", "traceId", "correlationId")] == ["mine", "t", "c"]
    assert own["createdOn"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_personal_data_goes_from_diffs_and_the_address_of_the_record_stays():
    body = event(before={"email": "a@b.c", "ipAddress": "10.0.0.1"}, metadata={"request": {"headers": {"cookie": "x"}}})

    stored = made(body)

    assert stored["before"] == {"email": REDACTED, "ipAddress": REDACTED}
    assert stored["metadata"] == {"request": {"headers": {"cookie": REDACTED}}}
    assert stored["ipAddress"] == "203.0.113.7"


def test_a_credential_in_plain_text_fields_is_cut_out():
    stored = made(event(description="used Bearer mF_9.B5f-4.1JqM to sign in"))

    assert stored["description"] == f"used {REDACTED} to sign in"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"actorId": None}, "/actorId"),
        ({"actorId": ""}, "/actorId"),
        ({"actorId": "a\0b"}, "/actorId"),
        ({"actorType": "robot"}, "/actorType"),
        ({"action": "Approved!"}, "/action"),
        ({"action": "a.b.c"}, "/action"),
        ({"action": "a" * 1000}, "/action"),
        ({"action": "a" * 128}, "/action"),
        ({"resourceType": "Blog Post"}, "/resourceType"),
        ({"resourceId": 7}, "/resourceId"),
        ({"before": "text"}, "/before"),
        ({"before": {"n": 2**63}}, "/before/n"),
        ({"metadata": {"a\0": 1}}, "/metadata/a\0"),
        ({"ipAddress": "not an address"}, "/ipAddress"),
        ({"createdOn": "yesterday"}, "/createdOn"),
        ({"createdOn": "2026-01-01T00:00:00"}, "/createdOn"),
        ({"createdOn": "2027-01-01T00:00:00Z"}, "/createdOn"),
        ({"createdOn": "1969-12-31T23:59:59Z"}, "/createdOn"),
        ({"description": "x" * 10_001}, "/description"),
        ({"userAgent": "a\0b"}, "/userAgent"),
        ({"onBehalfOfId": ""}, "/onBehalfOfId"),
        ({"onBehalfOfId": "a\0b"}, "/onBehalfOfId"),
        ({"onBehalfOfId": REDACTED}, "/onBehalfOfId"),
        ({"onBehalfOfName": "x" * 501}, "/onBehalfOfName"),
        ({"surprise": 1}, "/surprise"),
        ({"recordedBy": {"subject": "boss", "role": "super_admin"}}, "/recordedBy"),
        ({"recorded_by": {}}, "/recorded_by"),
        ({"digestVersion": 1}, "/digestVersion"),
        ({"salts": {}}, "/salts"),
        ({"refId": "01J00000000000000000000000"}, "/refId"),
        ({"digest": "0" * 64}, "/digest"),
        ({"action": "ai_chat_thread.created"}, "/action"),
        ({"action": "created", "resourceType": "ai_chat_thread"}, "/action"),
    ],
)
def test_a_wrong_field_is_named(changes, pointer):
    assert set(refused(event(**changes))) == {pointer}


def test_every_wrong_field_is_named_at_once():
    assert set(refused(event(actorId=None, action="?", before={"n": 2**60}))) == {"/actorId", "/action", "/before/n"}


def test_an_excluded_event_is_refused_with_the_reason():
    assert "every user message" in refused(event(action="ai_chat_thread.created"))["/action"]


def test_an_error_never_quotes_the_invalid_value():
    details = refused(event(actorType="hunter2", ipAddress="s3cr3t-value", createdOn="pa55word"))

    assert not [text for text in details.values() if "hunter2" in text or "s3cr3t" in text or "pa55word" in text]


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_anything_but_an_object_is_refused(body):
    assert set(refused(body)) == {""}


def test_dotted_and_dollar_keys_are_taken_as_they_are():
    odd = {"$where": "sleep(1000)", "a.b": {"$set": {"x": 1}}}

    assert made(event(before=odd))["before"] == odd


ID_FIELDS = ("eventId", "tenantId", "actorId", "actorRole", "resourceId", "traceId", "correlationId")


@pytest.mark.parametrize("field", [*ID_FIELDS, "action", "resourceType"])
@pytest.mark.parametrize("value", ["Bearer mF_9.B5f-4.1JqM", "4111111111111111", "a?token=abc"])
def test_an_id_that_looks_like_a_secret_is_refused_and_not_repeated(field, value):
    wrong = refused(event(**{field: value}))

    assert list(wrong) == [f"/{field}"]
    assert "send another id" in wrong[f"/{field}"] and value not in wrong[f"/{field}"]


@pytest.mark.parametrize("field", ID_FIELDS)
def test_an_id_that_was_redacted_on_its_way_is_no_id(field):
    with pytest.raises(ValidationFailed):
        VALIDATOR.validate(IncomingEvent(event(**{field: REDACTED}), may_hold_credentials=False))

    assert made(event(actorName=REDACTED))["actorName"] == REDACTED


def test_a_field_has_one_name():
    assert set(refused({**event(actorId=None), "actor_id": "u-1"})) == {"/actorId", "/actor_id"}


def test_a_record_of_a_large_request_is_measured():
    large = event(metadata={"text": "x" * 2 * 1024 * 1024})

    with pytest.raises(TooLarge):
        VALIDATOR.validate(IncomingEvent(large, request_bytes=3 * 1024 * 1024))
    assert VALIDATOR.validate(IncomingEvent(large)).event.metadata == large["metadata"]


def test_fields_that_the_event_leaves_out_are_defaulted():
    given = {"createdOn": "2026-01-01T00:00:00Z", "traceId": "t", "correlationId": "c"}

    assert VALIDATOR.validate(IncomingEvent(event())).defaulted_fields() == set(given)
    assert VALIDATOR.validate(IncomingEvent(event(**given))).defaulted_fields() == set()
