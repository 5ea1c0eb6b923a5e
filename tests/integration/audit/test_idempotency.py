"""The same request again: by its Idempotency-Key, and by its eventId."""

import hmac

import pytest

from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.idempotency import Answer, IdempotencyKeys
from chancery.core.web.request import Request
from tests.builders import event


def test_the_same_key_and_body_replay_the_first_answer(post, connect):
    first = post(event(), headers={"Idempotency-Key": "k-1"})
    again = post(event(), headers={"Idempotency-Key": "k-1"})

    assert first == again
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_the_same_key_with_another_body_is_422(post, connect):
    post(event(), headers={"Idempotency-Key": "k-1"})

    status, problem, _ = post(event(resourceId="other"), headers={"Idempotency-Key": "k-1"})

    assert status == 422
    assert problem["errors"][0]["pointer"] == "/Idempotency-Key"
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_a_key_belongs_to_its_caller(post, connect):
    post(event(), headers={"Idempotency-Key": "k-1"})

    assert post(event(resourceId="other"), "producer", headers={"Idempotency-Key": "k-1"})[0] == 201
    assert connect("reader").audit_logs.count_documents({}) == 2


def test_a_request_that_crashed_before_its_answer_was_stored_is_answered_again_without_a_second_record(post, connect):
    first = post({"records": [event(), event(resourceId="b")]}, headers={"Idempotency-Key": "k-1"})
    connect("admin").idempotency_keys.update_one({}, {"$unset": {"answer": 1}})

    again = post({"records": [event(), event(resourceId="b")]}, headers={"Idempotency-Key": "k-1"})

    assert again == first
    assert connect("reader").audit_logs.count_documents({}) == 2


def test_a_request_that_is_not_valid_gives_its_key_back(post, connect):
    headers = {"Idempotency-Key": "k-1"}

    assert post(event(actorId=None), headers=headers)[0] == 422
    assert post(event(), headers=headers)[0] == 201
    assert post(event(resourceId="other"), headers=headers)[0] == 422
    assert connect("reader").audit_logs.count_documents({}) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb"])
def test_a_key_that_is_no_key_is_refused(post, key):
    assert post(event(), headers={"Idempotency-Key": key})[0] == 422


def test_an_event_id_that_comes_again_is_the_same_record_and_with_other_content_is_422(post, connect):
    first = post(event(eventId="e-1"))
    again = post(event(eventId="e-1"))
    other = post(event(eventId="e-1", resourceId="other"))

    assert again[1] == first[1]
    assert other[0] == 422
    assert other[1]["errors"][0]["pointer"] == "/eventId"
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_a_repetition_may_come_in_another_trace(post, connect):
    def headers(number: int) -> dict[str, str]:
        trace = f"00-{number:032x}-00f067aa0ba902b7-01"
        return {"traceparent": trace, "X-Correlation-Id": str(number), "Idempotency-Key": f"k-{number % 2}"}

    first = post(event(eventId="e-1"), headers=headers(1))
    connect("admin").idempotency_keys.update_one({}, {"$unset": {"answer": 1}})  # as if it had died before

    assert post(event(eventId="e-1"), headers=headers(3))[:2] == first[:2]
    assert post(event(eventId="e-1"), headers=headers(4))[:2] == first[:2]
    assert post(event(eventId="e-1", traceId="of-its-own"), headers=headers(5) | {"Idempotency-Key": "k"})[0] == 422


def test_an_answer_belongs_to_the_claim_it_was_worked_out_for(connect):
    keys = IdempotencyKeys(connect("writer"))

    def overtaken(_):
        connect("admin").idempotency_keys.delete_one({})  # released by a twin, and claimed for another request
        keys.once(request(b"Y"), lambda _: Answer(201, {"of": "Y"}))
        return Answer(201, {"of": "X"})

    keys.once(request(b"X"), overtaken)

    assert keys.once(request(b"Y"), lambda _: pytest.fail("answered before")).body == {"of": "Y"}


@pytest.mark.parametrize(
    ("caller", "headers"),
    [
        ({"tenants": ("globex",)}, {"X-Tenant-Id": "acme"}),
        ({"tenants": ()}, {"X-Tenant-Id": "acme"}),
        ({"tenants": ()}, {}),
    ],
)
def test_a_token_without_the_tenant_gets_no_stored_answer(post, connect, caller, headers):
    sent = {"Idempotency-Key": "k-1"}
    assert post(event(), "dm_user", headers=sent, tenants=("acme",))[0] == 201

    status, problem, _ = post(event(), "dm_user", headers=sent | headers, **caller)

    assert (status, "refId" in problem) == (403, False)
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_a_caller_who_has_lost_a_role_gets_no_answer_that_it_allowed(post):
    body, sent = event(tenantId="globex"), {"Idempotency-Key": "k-1"}
    caller = {"principalId": "omar", "tenants": ("acme",)}

    assert post(body, "super_admin", headers=sent, **caller)[0] == 201
    assert post(body, "dm_user", headers=sent, **caller)[0] == 403


def test_the_database_has_no_key_and_the_event_id_follows_from_nothing_a_caller_knows(post, connect):
    for subject in ("sarah", "omar"):
        post(event(), headers={"Idempotency-Key": "order-4711"}, principalId=subject)

    claims = list(connect("admin").idempotency_keys.find())
    assert "order-4711" not in str(claims)
    stored = {item["eventId"] for item in connect("reader").audit_logs.find()}
    expected = {f"idempotency-{hmac.digest(claim['salt'], b'0', 'sha256').hex()[:40]}" for claim in claims}
    assert (stored, len(stored)) == (expected, 2)


def request(body: bytes = b"{}", key: str | None = "k-1", subject: str = "me", tenant: str = "acme") -> Request:
    headers = {} if key is None else {"idempotency-key": key}
    return Request("POST", "/v1/things", headers, {}, body, Principal(subject, Role.USER, (tenant,)))


def test_a_repetition_gets_the_first_claim_and_a_request_without_a_key_one_of_its_own(connect):
    claims = []

    def dying(claim):
        claims.append(claim)
        return Answer(500, {})  # is not stored

    keys = IdempotencyKeys(connect("writer"))
    for key in ("k-1", "k-1", None, None):
        keys.once(request(key=key), dying)

    first, again, *others = claims
    assert first == again
    assert first.request_id is not None and first.event_id(1) not in (None, first.event_id())
    assert others[0].salt != others[1].salt
    assert [(claim.request_id, claim.event_id()) for claim in others] == [(None, None)] * 2


def test_the_owner_of_a_key_is_the_callers_home_tenant_and_subject(connect):
    keys = IdempotencyKeys(connect("writer"))
    owners = [{}, {"subject": "another"}, {"tenant": "globex"}]

    answers = [keys.once(request(**owner), lambda _, at=at: Answer(201, {"of": at})) for at, owner in enumerate(owners)]

    assert [answer.body for answer in answers] == [{"of": 0}, {"of": 1}, {"of": 2}]
    assert keys.once(request(), lambda _: pytest.fail("answered before")).body == {"of": 0}


def test_the_same_event_id_in_two_tenants_is_two_records(post, connect):
    post(event(eventId="e-1"))
    post(event(eventId="e-1"), tenants=("globex",))

    assert connect("reader").audit_logs.count_documents({}) == 2
