"""What intake would refuse of an event is degraded, marked and sent; the rest is rejected and counted."""

import enum
import ipaddress
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from uuid import UUID

import pytest

from chancery.audit.catalog import catalogue
from chancery.audit.ingest import EventValidator, IncomingEvent
from chancery.core.errors import ValidationFailed
from chancery_client.redaction import REDACTED
from tests.unit.client.bus import write

Point = namedtuple("Point", "x y")
CARD = "4111111111111111"
FFFD = "\N{REPLACEMENT CHARACTER}"


@dataclass
class Price:
    amount: int = 5


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@pytest.fixture
def sent(make, bus):
    """Writes an event with some fields changed; returns it as it was sent, once intake has accepted it."""

    def send(**changes):
        client = make()
        write(client, **changes)
        assert client.flush(60)
        (detail,) = bus.details
        assert client.stats.sent == 1
        assert client.stats.degraded == ("_degraded" in detail.get("metadata", {}))
        EventValidator().validate(IncomingEvent(detail))
        return detail

    return send


def degraded(detail):
    return detail.get("metadata", {}).get("_degraded", {})


@pytest.mark.parametrize("name", ["actor_id", "resource_id", "actor_role", "correlation_id", "trace_id", "event_id"])
@pytest.mark.parametrize(
    ("given", "stored", "changes"),
    [
        (7, "7", ["text"]),
        (-1, "-1", ["text"]),
        (2**53, "9007199254740992", ["text"]),
        (2**70, "1180591620717411303424", ["replaced"]),
        (1.5, "1.5", ["text"]),
        (True, "true", ["text"]),
        (Number.ONE, "1", ["text"]),
        (["a", 1], '["a",1]', ["text"]),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001", []),
        (Decimal("1.10"), "1.10", []),
        (Colour.RED, "red", []),
        (b"raw", "raw", []),
        ("a\0b", f"a{FFFD}b", ["replaced"]),
        ("a\x01b", f"a{FFFD}b", ["replaced"]),
        ("a\x9fb\N{ZERO WIDTH SPACE}", f"a{FFFD}b{FFFD}", ["replaced"]),
        ("a\ud800b", "a?b", ["replaced"]),
        ("report ❤\ufe0f", f"report ❤{FFFD}", ["replaced"]),
        ("a\u2800b\u3164c\U000e0100", f"a{FFFD}b{FFFD}c{FFFD}", ["replaced"]),
        ("grüße 🎉", "grüße 🎉", []),
    ],
    ids=repr,
)
def test_an_id_of_another_type_or_with_other_characters_is_sent_as_text(sent, name, given, stored, changes):
    detail = sent(**{name: given})

    field = {"actor_id": "actorId", "resource_id": "resourceId"}.get(name) or name.split("_")[0] + name.split("_")[
        1
    ].title()
    assert detail[field] == stored
    assert degraded(detail) == {change: [field] for change in changes}


@pytest.mark.parametrize(("name", "longest"), [("actorId", 255), ("resourceId", 512), ("correlationId", 255)])
def test_an_id_that_is_too_long_is_cut_and_ends_with_a_hash_of_the_whole(sent, name, longest):
    given = "é" * (longest + 1)

    detail = sent(**{name: given})

    assert detail[name] == "é" * (longest - 17) + "~" + sha256(given.encode()).hexdigest()[:16]
    assert degraded(detail) == {"cut": [name]}


@pytest.mark.parametrize("name", ["actorId", "resourceId", "actorRole", "traceId"])
@pytest.mark.parametrize("given", [CARD, f"card {CARD}", int(CARD), "Bearer mF_9.B5f-4.1JqM", REDACTED], ids=str)
def test_an_id_that_looks_like_a_credential_is_sent_as_a_short_hash(sent, name, given):
    detail = sent(**{name: given})

    assert detail[name] == f"redacted~{sha256(str(given).encode()).hexdigest()[:8]}"
    assert degraded(detail)["hashed"] == [name]


@pytest.mark.parametrize("given", ["idempotency-1", "contract-issued-01J"])
def test_an_event_id_that_is_reserved_is_replaced_by_a_new_one(sent, given):
    assert not sent(event_id=given)["eventId"].startswith(given[:8])


def test_an_event_id_that_looks_like_a_credential_is_replaced_by_a_new_one(sent):
    detail = sent(event_id=CARD)

    assert len(detail["eventId"]) == 26
    assert degraded(detail) == {"hashed": ["eventId"]}


@pytest.mark.parametrize(
    ("changes", "field", "stored"),
    [
        ({"actor_id": None}, "actorId", "unknown"),
        ({"actor_id": ""}, "actorId", "unknown"),
        ({"resource_id": None}, "resourceId", "-"),
        ({"resource_id": ""}, "resourceId", "-"),
        ({"resource_type": "BlogPost"}, "resourceType", "blog_post"),
        ({"resource_type": 5}, "resourceType", "blog_post"),
    ],
)
def test_a_missing_id_and_a_resource_type_that_the_action_names_are_filled_in(sent, changes, field, stored):
    detail = sent(**{"resource_id": "r-1"} | changes)

    assert detail[field] == stored
    assert degraded(detail)["replaced"] == [field]


def test_a_resource_type_that_is_not_given_is_that_of_the_action(sent):
    detail = sent(resource_type=None)

    assert (detail["resourceType"], degraded(detail)) == ("blog_post", {})


@pytest.mark.parametrize(
    ("given", "stored", "changes"),
    [
        ("x" * 10_000, "x" * 10_000, []),
        ("x" * 10_001, "x" * 10_000, ["cut"]),
        ("🎉" * 20_000, "🎉" * 10_000, ["cut"]),
        ("a\0b", f"a{FFFD}b", ["replaced"]),
        ("a\0" * 6_000, f"a{FFFD}" * 5_000, ["replaced", "cut"]),
        ("a\x01\nb", "a\x01\nb", []),
        (7, "7", ["text"]),
        (False, "false", ["text"]),
        (["a", 1], '["a",1]', ["text"]),
        ({"b": {"c": None}}, '{"b":{"c":null}}', ["text"]),
        ({"password": "hunter2"}, '{"password":"[REDACTED]"}', ["text"]),
        (b"bytes", "bytes", []),
        (b"\xff\xfe", "<2 bytes>", ["replaced"]),
        (object(), "<object>", ["replaced"]),
        ("", "", []),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_description_of_any_length_and_type_is_sent(sent, given, stored, changes):
    detail = sent(description=given)

    assert detail["description"] == stored
    assert degraded(detail) == {change: ["description"] for change in changes}


@pytest.mark.parametrize(
    ("name", "longest"), [("actorName", 500), ("resourceName", 500), ("tenantName", 500), ("userAgent", 2048)]
)
def test_a_name_that_is_too_long_is_cut(sent, name, longest):
    detail = sent(**{name: "n" * (longest + 1)})

    assert detail[name] == "n" * longest
    assert degraded(detail) == {"cut": [name]}


def test_a_credential_is_redacted_before_its_text_is_cut(sent):
    detail = sent(description="x" * 9_980 + " Bearer mF_9.B5f-4.1JqM.mF_9.B5f-4.1JqM")

    assert "mF_9" not in detail["description"]


@pytest.mark.parametrize("name", ["before", "after", "metadata"])
@pytest.mark.parametrize(
    ("given", "stored", "change"),
    [
        ({"id": 2**53 - 1}, {"id": 2**53 - 1}, None),
        ({"id": 2**53}, {"id": str(2**53)}, "replaced"),
        ({"id": -(2**53)}, {"id": str(-(2**53))}, "replaced"),
        ({"id": 2**64}, {"id": str(2**64)}, "replaced"),
        ({"id": [{"n": 1e300}]}, {"id": [{"n": "1e+300"}]}, "replaced"),
        ({"id": float("nan")}, {"id": None}, None),
        ({"a\0b": 1}, {f"a{FFFD}b": 1}, "replaced"),
        ({"a\0": 1, f"a{FFFD}": 2}, {f"a{FFFD}_": 1, f"a{FFFD}": 2}, "replaced"),
        ({"link": {"$ref": "c", "$id": 1}}, {"link": {"\N{FULLWIDTH DOLLAR SIGN}ref": "c", "$id": 1}}, "replaced"),
        (
            {"$ref": {"password": "x"}, "$id": 1},
            {"\N{FULLWIDTH DOLLAR SIGN}ref": {"password": REDACTED}, "$id": 1},
            "replaced",
        ),
        ({"$ref": "#/schemas/A"}, {"$ref": "#/schemas/A"}, None),
        (["a"], {"value": ["a"]}, "wrapped"),
        ("published", {"value": "published"}, "wrapped"),
        (5, {"value": 5}, "wrapped"),
        ({1}, {"value": [1]}, "wrapped"),
        (Point(1, 2), {"value": [1, 2]}, "wrapped"),
        (Price(), {"amount": 5}, None),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, {"at": "2026-01-02T00:00:00+00:00"}, None),
        ({"price": Decimal("1.10"), "ratio": Fraction(1, 2)}, {"price": "1.10", "ratio": 0.5}, None),
        ({"blob": b"\xff"}, {"blob": "<1 bytes>"}, "replaced"),
        ({"text": "a\ud800"}, {"text": "a?"}, "replaced"),
        ({1: 2, None: 3, (1,): 4}, {"1": 2, "null": 3, "[1]": 4}, "replaced"),
        ({}, {}, None),
    ],
    ids=repr,
)
def test_a_free_form_value_is_sent_within_the_limits(sent, name, given, stored, change):
    detail = sent(**{name: given})

    found = {key: value for key, value in detail[name].items() if key != "_degraded"}
    assert found == stored
    assert degraded(detail) == ({change: [name]} if change else {})


@pytest.mark.parametrize("levels", [64, 65, 90, 300])
def test_a_free_form_value_of_any_depth_is_sent(sent, levels):
    nested: dict = {}
    for _ in range(levels - 1):
        nested = {"a": nested}

    detail = sent(after=nested)

    assert ("after" in degraded(detail).get("replaced", [])) == (levels > 64)


@pytest.mark.parametrize(
    ("given", "stored", "change"),
    [
        (ipaddress.ip_address("1.2.3.4"), "1.2.3.4", None),
        (ipaddress.ip_address("2001:db8::1"), "2001:db8::1", None),
        ("fe80::1%eth0", "fe80::1%eth0", None),
        ("203.0.113.7:8443", "203.0.113.7", "cut"),
        ("[2001:db8::1]:8443", "2001:db8::1", "cut"),
        ("[2001:db8::1]", "2001:db8::1", "cut"),
        ("testclient", None, "removed"),
        ("unix:", None, "removed"),
        ("1.2.3", None, "removed"),
        ("1.2.3.4, 5.6.7.8", None, "removed"),
        ("1.2.3.4\0", None, "removed"),
        ("", None, "removed"),
        ("x" * 99, None, "removed"),
        ("Bearer mF_9.B5f-4.1JqM", None, "removed"),
        (CARD, None, "removed"),
        ({"a": "hunter2"}, None, "removed"),
        (16909060, None, "removed"),
        (ipaddress.ip_network("10.0.0.0/8"), None, "replaced"),
    ],
    ids=str,
)
def test_an_address_is_sent_and_any_other_value_left_out(sent, given, stored, change):
    detail = sent(ip_address=given)

    assert detail.get("ipAddress") == stored
    assert change is None or "ipAddress" in degraded(detail)[change]


@pytest.mark.parametrize("given", ["user", "Human", 5, ["human"], {"a": 1}], ids=repr)
def test_an_actor_type_that_does_not_exist_is_left_out(sent, given):
    detail = sent(actor_type=given)

    assert "actorType" not in detail
    assert degraded(detail) == {"removed": ["actorType"]}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (datetime(2026, 1, 1, 12, tzinfo=UTC), "2026-01-01T12:00:00.000Z"),
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T10:00:00.000Z"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000Z"),
        ("2026-01-01T12:00:00.123456+02:00", "2026-01-01T10:00:00.123Z"),
    ],
)
def test_a_time_is_sent_in_utc(sent, given, stored):
    detail = sent(created_on=given)

    assert detail["createdOn"] == stored
    assert degraded(detail) == {}


@pytest.mark.parametrize(
    "given",
    [
        "yesterday",
        "",
        1767225600,
        float("nan"),
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.min,
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00Z",
        ["2026"],
        date(2026, 1, 1),
    ],
    ids=str,
)
def test_a_time_that_intake_would_refuse_is_replaced_by_the_present(sent, given):
    before = datetime.now(UTC) - timedelta(seconds=1)

    detail = sent(created_on=given)

    assert datetime.fromisoformat(detail["createdOn"]) >= before
    assert degraded(detail) == {"replaced": ["createdOn"]}


def test_unknown_fields_are_moved_into_the_metadata_redacted_by_their_names(sent):
    detail = sent(order_id=5, password="hunter2", ref_id="x", metadata={"orderId": "own"})

    changes = {"moved": ["orderId", "password", "refId"]}
    assert detail["metadata"] == {"orderId": "own", "password": REDACTED, "refId": "x", "_degraded": changes}


def test_of_the_largest_values_of_an_event_that_is_too_large_size_and_hash_are_sent(sent):
    detail = sent(before={"text": "a" * 200_000}, after={"text": "b" * 300_000}, metadata={"page": 1})

    after = b'{"text":"' + b"b" * 300_000 + b'"}'
    assert detail["after"] == {"bytes": len(after), "sha256": sha256(after).hexdigest()}
    assert detail["before"] == {"text": "a" * 200_000}
    assert detail["metadata"] == {"page": 1, "_degraded": {"removed": ["after"]}}


EXCLUDED = next(iter(catalogue().exclusions))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tenant_id": "platform"}, "tenantId is not valid"),
        ({"tenant_id": "null"}, "tenantId is not valid"),
        ({"tenant_id": "a\u3164"}, "tenantId is not valid"),
        ({"tenant_id": "x" * 256}, "tenantId is not valid"),
        ({"tenant_id": "a\0b"}, "tenantId is not valid"),
        ({"tenant_id": ""}, "tenantId is not valid"),
        ({"tenant_id": CARD}, "tenantId is not valid"),
        ({"tenant_id": ["acme"]}, "tenantId is not valid"),
        ({"tenant_id": 1.0}, "tenantId is not valid"),
        ({"tenant_id": object()}, "tenantId is not valid"),
        ({"tenant_id": "a\ud800"}, "tenantId is not valid"),
        ({"action": None}, "action is missing"),
        ({"action": "Blog Post"}, "action is not valid"),
        ({"action": "approved\n"}, "action is not valid"),
        ({"action": 5}, "action is not valid"),
        ({"action": "a." + "b" * 127}, "action is not valid"),
        ({"action": "a" * 100, "resource_type": "b" * 64}, "action is too long with its resource type"),
        ({"action": "approved", "resource_type": None}, "resourceType is missing"),
        ({"action": "approved", "resource_type": "No Type"}, "resourceType is not valid"),
        ({"action": EXCLUDED, "resource_type": None}, "action is deliberately not logged"),
        ({"action": "archive.created", "resource_type": None}, "action is reserved for Chancery itself"),
        ({"action": "viewed", "resource_type": "log"}, "action is reserved for Chancery itself"),
    ],
)
def test_what_no_change_would_make_right_is_rejected_and_counted(make, bus, caplog, changes, reason):
    client = make()

    write(client, **changes)
    write(client, "right")

    assert client.flush(60)
    assert bus.ids == ["right"]
    assert (client.stats.accepted, client.stats.sent, client.stats.rejected) == (2, 1, 1)
    assert f"AUDIT_EVENTS_REJECTED 1 {reason}" in caplog.text


@pytest.mark.parametrize("given", [7, UUID(int=7)], ids=repr)
def test_a_tenant_id_may_be_of_another_type(sent, given):
    assert sent(tenant_id=given)["tenantId"] == str(given)


def test_intake_refuses_what_the_client_degrades():
    """Otherwise these tests would prove nothing."""
    event = {"actorId": "u-1", "action": "a.b", "resourceType": "a", "resourceId": "r-1"}
    wrong = [{"actorId": 7}, {"description": "x" * 10_001}, {"after": ["a"]}, {"ipAddress": "testclient"}]

    for change in wrong:
        with pytest.raises(ValidationFailed):
            EventValidator().validate(IncomingEvent(event | change))
