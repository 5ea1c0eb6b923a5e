"""POST /v1/audit-logs through the real handler."""

import json

import pytest
from pymongo.errors import OperationFailure

from chancery.audit.digest import stored_digest
from chancery.core.web.request import MAX_BODY
from tests.builders import event, http, principal, set_settings
from tests.fakes import LambdaContext

PATH = "/v1/audit-logs"


def test_one_event_is_stored_and_answered_with_its_receipt(post, connect, bus):
    status, receipt, headers = post(event())

    stored = connect("reader").audit_logs.find_one({"tenantId": "acme", "refId": receipt["refId"]})
    assert status == 201
    assert headers["Location"] == f"../v1/audit-logs/{receipt['refId']}"
    assert set(receipt) == {"refId", "createdOn", "recordedOn", "digest"}
    assert stored["digest"] == receipt["digest"]
    assert [fact["refId"] for fact in bus.of("Audit Event Recorded")] == [receipt["refId"]]


def test_a_record_names_the_caller_of_its_token_whoever_acted(post, connect):
    receipt = post(event(actorId="somebody-else"), role="dm_user")[1]

    stored = connect("reader").audit_logs.find_one({"tenantId": "acme", "refId": receipt["refId"]})
    assert stored["recordedBy"] == {"subject": principal("dm_user")["principalId"], "role": "dm_user"}
    assert stored["digestVersion"] == 2
    assert stored["digest"] == stored_digest(stored)


def test_an_event_sent_again_by_another_caller_is_the_record_of_the_first(post, connect):
    first = post(event(eventId="e-1"), role="dm_user")[1]

    status, again, _ = post(event(eventId="e-1"), role="producer")

    assert (status, again) == (201, first)
    assert [stored["recordedBy"]["role"] for stored in connect("reader").audit_logs.find()] == ["dm_user"]


@pytest.mark.parametrize("field", ["recordedBy", "digestVersion", "digest", "salts", "refId", "recordedOn"])
def test_a_field_that_chancery_sets_is_refused_from_a_caller(post, connect, field):
    status, problem, _ = post(event(**{field: {"subject": "boss", "role": "super_admin"}}))

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [f"/{field}"])
    assert connect("reader").audit_logs.count_documents({}) == 0


RESERVED = [
    ({"action": "tenant.crossed", "resourceType": "tenant"}, "/action"),
    ({"action": "crossed", "resourceType": "tenant"}, "/action"),
    ({"action": "archive.restore_requested", "resourceType": "archive"}, "/action"),
    ({"action": "contract.issued", "resourceType": "blog_post"}, "/action"),
    ({"action": "audit_log.shredded", "resourceType": "audit_log"}, "/action"),
    ({"eventId": "idempotency-0123"}, "/eventId"),
    ({"eventId": "contract-issued-01J00000000000000000000000"}, "/eventId"),
    ({"eventId": "contract-template-published-01J00000000000000000000000"}, "/eventId"),
]


@pytest.mark.parametrize("role", ["user", "producer", "super_admin"])
@pytest.mark.parametrize(("changes", "pointer"), RESERVED)
def test_what_is_reserved_is_refused_from_every_caller(post, connect, role, changes, pointer):
    status, answer, _ = post({"records": [event(**changes), event()]}, role=role)

    problem = answer["results"][0]["problem"]
    assert (status, [error["pointer"] for error in problem["errors"]]) == (207, [pointer])
    assert "reserved" in problem["errors"][0]["detail"]
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_many_events_are_answered_in_order(post, connect):
    status, answer, _ = post({"records": [event(resourceId=f"post-{at}") for at in range(500)]})

    stored = {item["refId"]: item["resourceId"] for item in connect("reader").audit_logs.find()}
    assert status == 201
    assert [stored[item["refId"]] for item in answer["results"]] == [f"post-{at}" for at in range(500)]


def test_a_bad_item_fails_alone_with_its_own_problem(post, connect):
    status, answer, _ = post(
        {"records": [event(), event(actorId=None), event(action="ai_chat_thread.created"), event()]}
    )

    assert status == 207
    assert [item["status"] for item in answer["results"]] == [201, 422, 422, 201]
    assert answer["results"][1]["problem"]["errors"] == [{"pointer": "/actorId", "detail": "is required"}]
    assert connect("reader").audit_logs.count_documents({}) == 2


@pytest.mark.parametrize(
    "body", [{"records": []}, {"records": [{}] * 501}, {"records": {}}, {"records": [{}], "more": 1}]
)
def test_a_batch_of_the_wrong_shape_is_refused_whole(post, connect, body):
    status, problem, _ = post(body)

    assert status == 422
    assert problem["errors"]
    assert connect("reader").audit_logs.count_documents({}) == 0


@pytest.mark.parametrize("body", ["", "{", "[1", "\ud800", '{"a": NaN}', "null", "[]"])
def test_a_malformed_event_is_refused_and_nothing_is_stored(post, connect, body):
    status, problem, headers = post(body)

    assert status == 422
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["instance"] == PATH
    assert connect("reader").audit_logs.count_documents({}) == 0


def test_a_body_that_is_too_large_is_413(post):
    status, problem, _ = post("x" * (MAX_BODY + 1))

    assert status == 413
    assert problem["title"] == "Body too large"


def test_deep_nesting_is_refused_by_name(post):
    deep = "1"
    for _ in range(900):
        deep = '{"a":' + deep + "}"
    body = json.dumps(event(after=None))[:-1] + f', "after": {deep}}}'

    status, problem, _ = post(body)

    assert status == 422
    assert "nested deeper" in json.dumps(problem)


def test_operators_and_dotted_keys_are_stored_as_they_are(post, connect):
    odd = {"$where": "while(true){}", "a.b": {"$gt": ""}, "__proto__": {"x": 1}}

    status, receipt, _ = post(event(before=odd))

    assert status == 201
    assert connect("reader").audit_logs.find_one({"refId": receipt["refId"]})["before"] == odd


def test_an_auditor_cannot_write_and_a_producer_can(post):
    assert post(event(), "auditor")[0] == 403
    assert post(event(), "producer")[0] == 201


def test_writing_for_a_tenant_that_is_not_in_the_token_is_403(post, connect):
    status, problem, _ = post(event(tenantId="globex"))

    assert status == 403
    assert problem["errors"][0]["pointer"] == "/tenantId"
    assert connect("reader").audit_logs.count_documents({}) == 0


def test_an_admin_writes_for_a_tenant_and_the_crossing_is_audited(post, connect, bus):
    assert post(event(tenantId="globex"), "super_admin", tenants=())[0] == 201

    assert connect("reader").audit_logs.find_one()["tenantId"] == "globex"
    (crossed,) = bus.of("Record Audit Event")
    assert (crossed["action"], crossed["tenantId"], crossed["actorId"]) == ("tenant.crossed", "globex", "super_admin-1")


def test_a_tenant_in_another_spelling_is_no_way_around_the_audit(post, connect, bus):
    status, problem, _ = post({**event(), "tenant_id": "globex"}, "super_admin", tenants=())

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, ["/tenant_id"])
    assert connect("reader").audit_logs.count_documents({}) == 0


def test_json_in_json_in_text_is_searched(post, connect):
    inner = json.dumps([json.dumps({"password": "hunter2", "note": "4111 1111 1111 1111"})])

    post(event(metadata={"payload": inner}, description="GET /?token=hunter2"))

    stored = connect("reader").audit_logs.find_one()
    assert "hunter2" not in str(stored) and "4111" not in str(stored)


def test_an_error_repeats_no_credential_of_path_or_names(call):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    event_ = http("GET", f"/v1/audit-logs/{secret}", caller=principal("user"), query={secret: "1"})

    status, problem, _ = call("read_audit_logs", event_)

    assert status in (404, 422)
    assert secret not in json.dumps(problem)


def test_a_crossing_that_cannot_be_audited_does_not_happen(post, connect, bus):
    bus.unavailable = True

    status, _, headers = post(event(tenantId="globex"), "super_admin", tenants=())

    assert status == 503
    assert headers["Retry-After"] == "5"
    assert connect("reader").audit_logs.count_documents({}) == 0


def test_trace_and_correlation_come_from_the_headers_unless_the_body_has_its_own(post, connect):
    headers = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Correlation-Id": "order-7"}

    post(event(resourceId="from-headers"), headers=headers)
    post(event(resourceId="own", traceId="mine"), headers=headers)

    found = {item["resourceId"]: item for item in connect("reader").audit_logs.find()}
    assert found["from-headers"]["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert found["from-headers"]["correlationId"] == "order-7"
    assert found["own"]["traceId"] == "mine"


def test_a_trace_is_the_same_however_a_body_writes_it(post, connect):
    post(event(traceId="1-5759E988-BD862E3FE1BE46A994272793".lower()))
    post(event(traceId="5759E988BD862E3FE1BE46A994272793"))

    assert connect("reader").audit_logs.distinct("traceId") == ["5759e988bd862e3fe1be46a994272793"]


def test_everything_that_is_wrong_is_named_at_once(post):
    wrong = event(actorId=None, action="ai_chat_thread.created", createdOn="1960-01-01T00:00:00Z", surprise=1)

    _, problem, _ = post(wrong)

    assert {error["pointer"] for error in problem["errors"]} == {"/actorId", "/action", "/createdOn", "/surprise"}


@pytest.mark.parametrize(
    "change",
    [
        {"createdOn": moment}
        for moment in (1767225600, "1767225600", "2026-01-01 00:00:00Z", "0001-01-01T00:00:00+12:00")
    ]
    + [{"ipAddress": address} for address in ("dead", "999.1.1.1", "1.2.3.4:80")]
    + [{"metadata": {"a": [{"$ref": "coll", "$id": 1}]}}, {"tenantId": "null"}],
)
def test_ambiguous_values_are_refused(post, connect, change):
    status, problem, _ = post(event(**change), "super_admin", tenants=())

    assert status == 422
    assert problem["errors"][0]["pointer"].startswith(f"/{next(iter(change))}")
    assert connect("reader").audit_logs.count_documents({}) == 0


def test_a_record_that_could_not_be_answered_again_is_refused_alone(post, connect):
    large = event(metadata={"list": [""] * 700_000})

    status, answer, _ = post({"records": [large, event()]})
    alone = post(large)

    assert (status, [item["status"] for item in answer["results"]]) == (207, [413, 201])
    assert alone[0] == 413
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_an_event_of_the_maximum_size_is_stored_and_read_whatever_its_size_in_bson(post, call):
    nested = event(metadata={"list": [0] * 1_000_000})  # 13 bytes of BSON for two of JSON

    status, receipt, _ = post(nested)

    assert status == 201
    request = http("GET", f"{PATH}/{receipt['refId']}", caller=principal())
    assert len(call("read_audit_logs", request, "reader")[1]["metadata"]["list"]) == 1_000_000


@pytest.mark.parametrize("tenant", ["x" * 256, "a\x7fb"])
def test_an_invalid_tenant_header_is_refused_with_any_body(post, tenant):
    headers = {"X-Tenant-Id": tenant, "Idempotency-Key": "k-1"}

    for role in ("user", "super_admin"):
        status, problem, _ = post(event(), role, headers=headers)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/X-Tenant-Id")


def test_the_header_names_the_platform_as_the_parameter_does(post, connect):
    post(event(), "super_admin", headers={"X-Tenant-Id": "null"}, tenants=())

    assert connect("reader").audit_logs.find_one()["tenantId"] is None


@pytest.mark.parametrize("tenant", ["x" * 300, "AKIA" + "IOSFODNN7EXAMPLE", 5])
def test_a_tenant_that_cannot_be_one_fails_its_own_record_only(post, connect, bus, tenant):
    status, answer, _ = post({"records": [event(tenantId=tenant), event(tenantId="globex")]}, "super_admin", tenants=())

    assert (status, [item["status"] for item in answer["results"]]) == (207, [422, 201])
    assert answer["results"][0]["problem"]["errors"][0]["pointer"] == "/tenantId"
    assert [item["tenantId"] for item in bus.of("Record Audit Event")] == ["globex"]


def test_crossings_into_many_tenants_are_audited_together(post, connect, bus, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "chancery.core.aws.event_bus.Bus.publish", lambda _, kind, details: calls.append((kind, details))
    )

    post({"records": [event(tenantId=f"t-{at}") for at in range(30)]}, "super_admin", tenants=())

    crossed = [details for kind, details in calls if kind == "Record Audit Event"]
    assert [len(details) for details in crossed] == [30]
    assert {detail["tenantId"] for detail in crossed[0]} == {f"t-{at}" for at in range(30)}


def test_when_the_bus_is_unavailable_the_record_is_stored_and_its_outbox_entry_is_not_marked(post, connect, bus):
    bus.unavailable = True

    status, receipt, _ = post(event())

    assert status == 201
    assert connect("reader").audit_logs.find_one()["refId"] == receipt["refId"]
    assert connect("admin").audit_outbox.find_one()["refIds"] == [receipt["refId"]]
    assert connect("admin").audit_outbox_marks.count_documents({}) == 0


def test_a_tenant_that_is_strict_takes_catalogued_actions_only(post, connect):
    set_settings(connect("writer"), strictCatalog=True)

    status, problem, _ = post(event(action="blog_post.exploded"))

    assert status == 422
    assert "not in the catalogue" in problem["errors"][0]["detail"]
    assert post(event())[0] == 201
    assert post(event(action="blog_post.exploded"), tenants=("globex",))[0] == 201


def test_no_secret_of_a_request_reaches_log_or_database(post, connect, capsys, caplog):
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    body = event(before={"password": "hunter2"}, description=f"used {token}", surprise={"email": "a@b.example"})

    post(body, headers={"Authorization": f"Bearer {token}"})
    post({**body, "surprise": None})
    post(event(before={"password": "hunter2"}, description=f"used {token}"))

    seen = capsys.readouterr().out + caplog.text + str(list(connect("admin").audit_logs.find()))
    assert "hunter2" not in seen
    assert token not in seen
    assert "a@b.example" not in seen


def test_credentials_that_could_change_records_are_refused_at_start(call):
    status, problem, _ = call("record_audit_logs", http("POST", PATH, event(), caller=principal()), "admin")

    assert status == 500
    assert "give it a role that may not" in problem["detail"]


@pytest.mark.parametrize(
    "change", ["update", "replace", "delete", "find_and_modify", "drop", "coll_mod", "out", "rename"]
)
def test_the_writer_gets_error_13_on_every_change(connect, post, change):
    post(event())
    writer = connect("writer")
    changes = {
        "update": lambda: writer.audit_logs.update_one({}, {"$set": {"action": "x.y"}}),
        "replace": lambda: writer.audit_logs.replace_one({}, {}),
        "delete": lambda: writer.audit_logs.delete_one({}),
        "find_and_modify": lambda: writer.audit_logs.find_one_and_delete({}),
        "drop": lambda: writer.audit_logs.drop(),
        "coll_mod": lambda: writer.command({"collMod": "audit_logs", "validator": {}}),
        "out": lambda: list(writer.audit_logs.aggregate([{"$out": "audit_logs"}])),
        "rename": lambda: writer.audit_logs.rename("gone"),
    }

    with pytest.raises(OperationFailure) as refused:
        changes[change]()

    assert refused.value.code == 13


def test_the_reader_cannot_insert(connect):
    with pytest.raises(OperationFailure) as refused:
        connect("reader").audit_logs.insert_one({})

    assert refused.value.code == 13


@pytest.mark.parametrize("headers", [None, {"Idempotency-Key": "k-1"}])
def test_all_operations_of_a_request_share_the_time_of_the_invocation(post, connect, monkeypatch, headers):
    monkeypatch.setattr(LambdaContext, "get_remaining_time_in_millis", lambda _: 900)

    status, problem, answered = post(event(), headers=headers)

    assert (status, answered["Retry-After"]) == (503, "5")
    assert problem["detail"].endswith("try again.")
    assert connect("reader").audit_logs.count_documents({}) == 0
