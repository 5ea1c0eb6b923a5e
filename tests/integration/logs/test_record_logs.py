"""`POST /v1/logs/{kind}` through the real handler."""

from datetime import timedelta

import pytest

from chancery.logs.collections import BY_KIND
from chancery.logs.kinds import KINDS
from tests.builders import http, principal, set_settings

MINIMAL = {
    "event": {"eventType": "activity_started"},
    "error": {"error": {"type": "TypeError", "message": "contact is null"}},
    "app": {"message": "Server running"},
    "activity": {"activityId": "run-1"},
    "user-activity": {"userId": "sarah", "eventType": "page.viewed"},
    "performance": {"endpoint": "/api/v1/contacts", "durationMs": 12.5},
    "feature-usage": {"feature": "bulk-import"},
}
EVERY = {
    "level": "WARNING",
    "message": "Disk at 91 %",
    "template": "Disk at %d %%",
    "logger": "crm.ops",
    "error": {"type": "A", "message": "b", "stack": "c", "causes": [{"type": "D", "message": "e", "stack": "f"}]},
    "eventType": "disk.checked",
    "summary": "The disk was checked",
    "actorType": "agent",
    "actorId": "checker",
    "userId": "sarah",
    "sessionId": "session-1",
    "activityId": "run-1",
    "goalId": "goal-1",
    "endpoint": "/api/v1/contacts",
    "method": "GET",
    "statusCode": 200,
    "durationMs": 12,
    "feature": "bulk-import",
    "data": {"free": [1, 2.5, None, "text"]},
    "attributes": {"host": "web-1"},
    "release": "crm@2.4.1",
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    "correlationId": "request-1",
}


def names(kind):
    return {field.alias for field in BY_KIND[kind.name].model.model_fields.values()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_line_with_the_required_fields_alone_is_stored(post, lines, kind):
    status, receipt, _ = post(kind.name, MINIMAL[kind.name])

    (line,) = lines(kind.name)
    assert status == 201
    assert (
        line.items() >= {**MINIMAL[kind.name], "tenantId": "acme", "createdBy": "user-1", "level": kind.level}.items()
    )
    assert receipt["refId"] == line["refId"]
    stored_for = line["expiresOn"] - line["createdOn"]  # the request came a moment before it was stored
    assert timedelta(days=kind.retention_days) <= stored_for < timedelta(days=kind.retention_days, minutes=5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_of_a_kind_is_stored_as_it_was_sent(post, lines, kind):
    body = {name: value for name, value in EVERY.items() if name in names(kind)}

    assert post(kind.name, body)[0] == 201
    assert lines(kind.name)[0].items() >= {**body, "level": "warn"}.items()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_fields_of_other_kinds_are_refused_by_name(post, lines, kind):
    foreign = {name: value for name, value in EVERY.items() if name not in names(kind)}

    status, problem, _ = post(kind.name, {**MINIMAL[kind.name], **foreign})

    assert status == 422
    assert {error["pointer"] for error in problem["errors"]} == {f"/{name}" for name in foreign}
    assert lines(kind.name) == []


def test_an_unknown_kind_is_no_route(call):
    request = http("POST", "/v1/logs/audit", {"message": "x"}, caller=principal())

    assert call("record_logs", request)[0] == 404


def test_a_batch_stores_its_valid_lines_and_names_the_others(post, lines):
    status, body, _ = post("app", {"records": [{"message": "a"}, {"massage": "b"}, "text", {"message": "c"}]})

    assert status == 207
    assert [result["status"] for result in body["results"]] == [201, 422, 422, 201]
    assert {error["pointer"] for error in body["results"][1]["problem"]["errors"]} == {"/message", "/massage"}
    assert [line["message"] for line in lines()] == ["a", "c"]


def test_five_hundred_lines_are_stored_in_their_order(post, lines):
    sent = [{"message": str(number)} for number in range(500)]

    status, body, _ = post("app", {"records": sent})

    assert status == 201
    by_id = {line["refId"]: line["message"] for line in lines()}
    assert [by_id[result["refId"]] for result in body["results"]] == [line["message"] for line in sent]


def test_more_than_five_hundred_lines_are_refused(post, lines):
    assert post("app", {"records": [{"message": "x"}] * 501})[0] == 422
    assert lines() == []


def test_a_line_with_an_id_is_stored_once_however_often_it_is_sent(post, lines):
    body = {"id": "line-1", "message": "once"}

    sent = [post("app", body) for _ in range(2)] + [post("app", {"records": [body, body]})]

    assert [status for status, _, _ in sent] == [201, 201, 201]
    ref_ids = [sent[0][1]["refId"], sent[1][1]["refId"], *(item["refId"] for item in sent[2][1]["results"])]
    assert ref_ids == [lines()[0]["refId"]] * 4
    assert len(lines()) == 1


def test_the_same_id_is_another_line_in_another_tenant_and_kind(post, lines):
    body = {"id": "line-1", "message": "x"}

    post("app", body)
    post("app", body, tenants=("globex",))
    post("error", body)

    assert {line["tenantId"] for line in lines("app")} == {"acme", "globex"}
    assert len(lines("error")) == 1


def test_an_idempotency_key_makes_a_batch_without_ids_idempotent(post, lines, connect):
    body = {"records": [{"message": "a"}, {"message": "a"}]}
    key = {"Idempotency-Key": "k-1"}
    first = post("app", body, headers=key)
    connect("admin").idempotency_keys.update_one({}, {"$unset": {"answer": ""}})  # killed before it answered

    assert post("app", body, headers=key)[:2] == first[:2]
    assert len(lines()) == 2
    assert post("app", {"message": "b"}, headers=key)[0] == 422


def test_lines_without_id_and_key_are_lines_of_their_own(post, lines):
    post("app", {"message": "a"})
    post("app", {"message": "a"})

    assert len(lines()) == 2


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("WARN", "warn"),
        ("Warning", "warn"),
        ("CRITICAL", "fatal"),
        ("silly", "trace"),
        ("http", "info"),
        ("err", "error"),
    ],
)
def test_levels_of_other_loggers_are_understood(post, lines, given, stored):
    post("app", {"message": "x", "level": given})

    assert lines()[0]["level"] == stored


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"level": "loud"}, "/level"),
        ({"level": 30}, "/level"),
        ({"message": "x" * 32_769}, "/message"),
        ({"message": "a\0b"}, "/message"),
        ({"error": {"type": "T", "causes": [{}] * 21}}, "/error/causes"),
        ({"error": {"kind": "T"}}, "/error/kind"),
        ({"statusCode": 1000}, "/statusCode"),
        ({"durationMs": -1}, "/durationMs"),
        ({"attributes": {"n": 2**60}}, "/attributes/n"),
        ({"data": {"a\0": 1}}, "/data/a\0"),
        ({"createdOn": "2026-03-01 12:00"}, "/createdOn"),
        ({"createdOn": "1969-12-31T00:00:00Z"}, "/createdOn"),
        ({"createdOn": "2999-01-01T00:00:00Z"}, "/createdOn"),
        ({"refId": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "/refId"),
        ({"batch": "x"}, "/batch"),
    ],
)
def test_a_wrong_field_is_named(post, lines, changes, pointer):
    status, problem, _ = post("app", {"message": "x", **changes})

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])
    assert lines() == []


def test_an_error_log_needs_an_error_or_a_message(post, lines):
    assert post("error", {"level": "error"})[0] == 422
    assert post("error", {"message": "Payment failed"})[0] == 201


def test_the_limits_of_a_message_and_a_stack_are_stored_whole(post, lines):
    message, stack = "ü" * 32_768, "s" * 65_536

    assert post("app", {"message": message, "error": {"stack": stack}})[0] == 201
    assert (lines()[0]["message"], lines()[0]["error"]["stack"]) == (message, stack)


def test_a_line_that_is_too_large_is_413_and_the_others_of_its_batch_are_stored(post, lines):
    large = {"message": "x", "data": {"text": "x" * 300_000}}

    status, body, _ = post("app", {"records": [{"message": "a"}, large]})

    assert (status, [result["status"] for result in body["results"]]) == (207, [201, 413])
    assert [line["message"] for line in lines()] == ["a"]


def test_no_credential_is_stored_wherever_it_stands(post, lines):
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    line = {
        "message": f"token={token}",
        "error": {"message": token, "stack": f"at login({token})", "causes": [{"message": token}]},
        "attributes": {"authorization": "Bearer abc.def.ghi", "email": "sarah@example.com"},
        "data": {"nested": [{"password": "hunter2"}]},
    }

    assert post("app", line)[0] == 201
    stored = str(lines())
    assert not [secret for secret in (token, "abc.def", "sarah@example.com", "hunter2") if secret in stored]


def test_an_id_with_a_credential_is_refused_and_not_changed(post, lines):
    status, problem, _ = post("app", {"message": "x", "userId": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"})

    assert (status, problem["errors"][0]["pointer"]) == (422, "/userId")
    assert lines() == []


def test_identifiers_are_stored_in_one_form_and_hidden_characters_are_refused(post, lines):
    assert post("app", {"message": "x", "userId": "Zoe\u0308", "id": "e\u0301"})[0] == 201
    assert post("app", {"message": "x", "userId": "Zo\u00eb", "id": "\u00e9"})[0] == 201
    status, problem, _ = post("app", {"message": "x", "userId": "zo\u200be", "sessionId": "s\u202e", "logger": "fine"})

    assert [line["userId"] for line in lines()] == ["Zo\u00eb"]
    assert (status, sorted(error["pointer"] for error in problem["errors"])) == (422, ["/sessionId", "/userId"])


@pytest.mark.parametrize("field", ["message", "logger", "userId"])
def test_an_object_in_place_of_text_is_refused_and_not_repeated(post, lines, field):
    status, problem, _ = post("app", {"message": "x", field: {"password": "hunter2"}})

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [f"/{field}"])
    assert "hunter2" not in str(problem)


def test_members_of_an_error_that_it_should_not_have_are_refused_and_not_repeated(post, lines):
    status, problem, _ = post("error", {"error": {"type": "T", "password": "hunter2"}})

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, ["/error/password"])
    assert "hunter2" not in str(problem)


def test_a_tenants_own_rules_redact_its_lines(post, lines, connect):
    set_settings(connect("writer"), redaction={"names": ["memberNumber"]})

    post("app", {"message": "x", "attributes": {"memberNumber": "M-1"}})
    post("app", {"message": "x", "attributes": {"memberNumber": "M-1"}}, tenants=("globex",))

    assert {line["tenantId"]: line["attributes"]["memberNumber"] for line in lines()} == {
        "acme": "[REDACTED]",
        "globex": "M-1",
    }


def test_the_trace_of_the_request_is_the_default(post, lines):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Correlation-Id": "c-1"}

    post(
        "app",
        {"records": [{"message": "a"}, {"message": "b", "traceId": "own", "correlationId": "own"}]},
        headers=headers,
    )

    assert [(line["traceId"], line["correlationId"]) for line in lines()] == [(trace, "c-1"), ("own", "own")]


def test_a_caller_writes_for_its_own_tenant_only(post, lines):
    assert post("app", {"message": "x", "tenantId": "globex"})[0] == 403
    assert post("app", {"message": "x"}, role="auditor")[0] == 403
    assert lines() == []


def test_a_super_admin_writes_for_every_tenant_and_the_crossing_is_audited(post, lines, bus):
    body = {"records": [{"message": "a", "tenantId": "globex"}, {"message": "b"}]}

    assert post("app", body, role="super_admin", tenants=())[0] == 201
    assert {line["tenantId"] for line in lines()} == {"globex", None}
    assert [event["action"] for event in bus.of("Record Audit Event")] == ["tenant.crossed"]
