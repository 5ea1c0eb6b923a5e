"""A tenant's own rules hold wherever its records are written: every route and every event, rejects and dead letters."""

from hashlib import sha256
from typing import Any

import boto3
import orjson
import pytest
from bson import json_util
from moto import mock_aws

from chancery.contracts import default_template
from chancery.core.aws.declarations import BusEvents
from chancery.wiring.registry import QUEUES
from chancery.wiring.routes import ROUTES
from tests.builders import envelope, event, http, message, principal, set_settings
from tests.contracts import values
from tests.database import collection_names
from tests.fakes import LambdaContext
from tools.generate.names import variable

BUCKET = "content"
RULES = {
    "freeText": {"emailAddresses": True, "phoneNumbers": True, "ibans": True},
    "names": ["locker number"],
    "patterns": [{"name": "member number", "pattern": r"KD-\d{5}"}],
}
NAMED, MATCHED, MAIL, PHONE, IBAN = (
    "b52-x9",
    "KD-12345",
    "ada@mail.example",
    "+49 30 901820",
    "GB82 WEST 1234 5698 7654 32",
)
SECRETS = (NAMED, MATCHED, MAIL, PHONE, IBAN)
OBJECT = {"lockerNumber": NAMED, "a": [MATCHED, {MATCHED: MAIL}], "call": PHONE, "bank": f"to {IBAN}."}
TEXT = f"locker number: {NAMED}, member {MATCHED} ({MAIL}, {PHONE}, {IBAN})"
CALL = {"toolCallId": "c-1", "activityRunId": "r-1", "toolName": "t", "fullInput": OBJECT, "fullOutput": TEXT}
OUTPUT = {"activityId": "a", "activityRunId": "r", "type": "blog_post", "content": TEXT, "metadata": {"x": OBJECT}}
LINE = {"message": TEXT, "attributes": OBJECT, "error": {"message": TEXT, "stack": TEXT}}
SKILL = {"name": "A skill", "category": "sop", "content": TEXT}
EVENT = event(before=OBJECT, after=OBJECT, metadata={"m": [OBJECT]}, description=TEXT, actorName=TEXT, userAgent=TEXT)
RECORD = {
    "body": {"stringValue": TEXT},
    "attributes": [
        {"key": "exception.stacktrace", "value": {"stringValue": TEXT}},
        {"key": "lockerNumber", "value": {"stringValue": NAMED}},
        {"key": "call", "value": {"arrayValue": {"values": [{"stringValue": PHONE}, {"stringValue": MATCHED}]}}},
    ],
}
RECORDS = {"resourceLogs": [{"scopeLogs": [{"logRecords": [RECORD]}]}]}

EXCHANGE = {
    "requestId": "r-1",
    "systemCode": "sap",
    "httpMethod": "POST",
    "requestUrl": f"https://sap.example/{MATCHED}?q={MAIL}",
    "requestHeaders": {"X-Locker-Number": NAMED, "X-Member": MATCHED},
    "requestBody": OBJECT,
}

REQUESTS = {  # what is sent to each route that stores something of its body; it is stored redacted
    "POST /v1/audit-logs": ("record_audit_logs", "/v1/audit-logs", EVENT),
    "POST /v1/tool-calls": ("record_tool_calls", "/v1/tool-calls", CALL),
    "POST /v1/activity-outputs": ("manage_activity_outputs", "/v1/activity-outputs", OUTPUT),
    "POST /v1/activity-outputs/{refId}/approve": (
        "manage_activity_outputs",
        "/v1/activity-outputs/{}/approve",
        {"comment": TEXT},
    ),
    "POST /v1/activity-outputs/{refId}/reject": (
        "manage_activity_outputs",
        "/v1/activity-outputs/{}/reject",
        {"comment": TEXT},
    ),
    "POST /v1/onboarding-research": ("record_content", "/v1/onboarding-research", {"runId": "r", "rawNotes": TEXT}),
    "POST /v1/strategies-content": ("record_content", "/v1/strategies-content", {"strategyId": "s", "fullText": TEXT}),
    "POST /v1/skills": ("manage_skills", "/v1/skills", SKILL),
    "PUT /v1/skills/{refId}": ("manage_skills", "/v1/skills/{}", SKILL),
    "POST /v1/logs/{kind}": ("record_logs", "/v1/logs/app", LINE),
    "POST /v1/exchanges": ("record_exchanges", "/v1/exchanges", EXCHANGE),
    "PATCH /v1/exchanges/{requestId}": (
        "record_exchanges",
        "/v1/exchanges/r-1",
        {"status": "FAILED", "responseBody": TEXT, "error": {"message": TEXT, "stackTrace": TEXT}},
    ),
    "POST /v1/activities/{activityId}/stream": (
        "append_activity_streams",
        "/v1/activities/a/stream",
        {"deltas": [{"sequence": 1, "delta": TEXT[:20]}, {"sequence": 2, "delta": TEXT[20:]}]},
    ),
    "POST /v1/otlp/v1/logs": ("record_otlp_logs", "/v1/otlp/v1/logs", RECORDS),
}
EXACT = {  # routes that refuse, since all that they store is exact
    "POST /v1/activity-outputs/{refId}/publish",
    "POST /v1/audit-exports",
    "POST /v1/contracts",
    "POST /v1/contract-templates",  # belongs to no tenant
    "POST /v1/integrations/systems",
    "PUT /v1/integrations/systems/{code}",
    "POST /v1/integrations/systems/{code}/endpoints",
    "PUT /v1/integrations/systems/{code}/endpoints/{endpoint}",
    "PUT /v1/feed/consumers/{name}",
    "POST /v1/destinations",
    "PUT /v1/destinations/{refId}",
    "POST /v1/destinations/{refId}/test",
    "POST /v1/integrations/{system}/{endpoint}/calls",  # what is sent is encrypted, since it must not be changed
}
EVENTS = {
    "audit-events": ("consume_audit_events", "Record Audit Event", EVENT),
    "tool-calls": ("consume_tool_calls", "Record Tool Call", CALL),
    "logs": ("consume_logs", "Record Log Entry", {"kind": "error", **LINE}),
    "exchanges": ("consume_exchanges", "Record Exchange", {**EXCHANGE, "status": "SUCCESS", "responseBody": TEXT}),
}


@pytest.fixture
def cloud(monkeypatch):
    for queue in QUEUES:
        monkeypatch.setenv(variable(f"{queue.name}-queue-url"), f"https://{queue.name}")
    monkeypatch.setenv("CHANCERY_DEAD_LETTER_QUEUE_URL", "https://dead-letters")
    for name in ("CONTENT", "CONTRACT", "EXPORT"):
        monkeypatch.setenv(f"CHANCERY_{name}_BUCKET", BUCKET)
    monkeypatch.setenv("CHANCERY_PLATFORM_NAME", "DM Agency Platform")
    monkeypatch.setenv("CHANCERY_MAX_RECEIVES", "3")
    with mock_aws():
        s3, kms = (boto3.client(name, region_name="us-east-1") for name in ("s3", "kms"))
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        monkeypatch.setenv("CHANCERY_SENSITIVE_KEY", kms.create_key()["KeyMetadata"]["KeyId"])
        monkeypatch.setattr("chancery.core.aws.clients.client", {"s3": s3, "kms": kms}.__getitem__)
        yield s3


@pytest.fixture
def own(connect, cloud):
    set_settings(connect("writer"), redaction=RULES)


@pytest.fixture
def send(call, own):
    def request(function: str, method: str, path: str, body: Any, role: str = "user", headers=None, **caller):
        return call(function, http(method, path, body, caller=principal(role, **caller), headers=headers))

    return request


@pytest.fixture
def draft(send):
    """The refId of a draft of acme's."""
    return lambda: send("manage_activity_outputs", "POST", "/v1/activity-outputs", OUTPUT)[1]["refId"]


@pytest.fixture
def everything(connect, cloud, bus, retry_queue, capsys):
    """All that is stored, published, sent and logged, but for the settings."""

    def read() -> str:
        database = connect("admin")
        names = collection_names(database) - {"tenant_settings"}
        stored = [json_util.dumps(list(database[name].find())) for name in names]
        listed = cloud.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        objects = [cloud.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode("latin1") for item in listed]
        sent = [orjson.dumps(bus.published).decode(), *retry_queue.sent]
        return "\n".join([*stored, *objects, *sent, capsys.readouterr().out])

    return read


def holds_none(text: str) -> bool:
    return [secret for secret in SECRETS if secret in text] == [] and "[REDACTED]" in text


def _is_of_others(source: Any) -> bool:
    """Whether a queue has events that others publish; what Chancery publishes is redacted."""
    return isinstance(source, BusEvents) and not source.own


def test_every_path_is_listed_here():
    routes = {f"{route.method} {route.path}" for route in ROUTES if route.body and route.body.stored}
    queues = {queue.name for queue in QUEUES if any(_is_of_others(source) for source in queue.sources)}

    assert routes == REQUESTS.keys() | EXACT
    assert queues == EVENTS.keys()


@pytest.mark.parametrize("role", ["user", "super_admin"])
@pytest.mark.parametrize("route", REQUESTS)
def test_a_route_stores_a_tenants_values_redacted(send, draft, everything, route, role):
    function, path, body = REQUESTS[route]
    method, headers, ref_id = route.split()[0], None, ""
    if "outputs/{}" in path:
        ref_id = draft()
    elif "skills/{}" in path:
        ref_id = send(function, "POST", "/v1/skills", SKILL)[1]["refId"]
        headers = {"If-Match": "*"}
    elif method == "PATCH":
        send(function, "POST", "/v1/exchanges", EXCHANGE)
    if role == "super_admin" and "otlp" in route:
        headers = {"X-Tenant-Id": "acme"}
    elif role == "super_admin" and method in ("POST", "PATCH") and not ref_id:
        body = {**body, "tenantId": "acme"}

    caller = {"name": f"Ada {MAIL}"} | ({"tenants": ()} if role == "super_admin" else {})
    status, answer, _ = send(function, method, path.format(ref_id), body, role, headers, **caller)

    assert status in (200, 201), answer
    assert holds_none(everything() + orjson.dumps(answer).decode())


def test_each_event_of_a_batch_is_redacted_by_its_own_tenants_rules(send, connect):
    events = [event(tenantId=tenant, description=TEXT, metadata=OBJECT) for tenant in ("acme", "globex", "acme")]

    status, _, _ = send("record_audit_logs", "POST", "/v1/audit-logs", {"records": events}, "super_admin", tenants=())

    stored = {
        tenant: json_util.dumps(list(connect("reader").audit_logs.find({"tenantId": tenant})))
        for tenant in ("acme", "globex")
    }
    assert status == 201
    assert holds_none(stored["acme"])
    assert all(secret in stored["globex"] for secret in SECRETS)


def test_a_record_of_plain_values_is_redacted_where_no_prefilter_would_look(send, everything):
    assert send("record_audit_logs", "POST", "/v1/audit-logs", event(metadata={"n": "KD-77777"}))[0] == 201
    assert "KD-77777" not in everything()


def consume(load_function, function: str, *messages):
    return load_function(function).handler({"Records": list(messages)}, LambdaContext())


@pytest.mark.parametrize("queue", EVENTS)
def test_an_event_is_stored_redacted_and_so_it_is_rejected(
    environment, own, load_function, everything, retry_queue, queue
):
    function, kind, body = EVENTS[queue]
    good = message(envelope({**body, "tenantId": "acme"}, **{"detail-type": kind}))
    wrong = message(envelope({**body, "tenantId": "acme", "colour": OBJECT}, **{"detail-type": kind}))

    assert consume(load_function, function, good, wrong) == {"batchItemFailures": []}

    assert any("colour" in sent for sent in retry_queue.sent)
    assert holds_none(everything())


@pytest.mark.parametrize("queue", EVENTS)
def test_a_dead_letter_is_redacted(environment, own, load_function, everything, retry_queue, monkeypatch, queue):
    function, kind, body = EVENTS[queue]
    for store in (
        "audit.recorder.AuditRecorder",
        "content.tool_calls.recorder.ToolCallRecorder",
        "logs.recorder.LogRecorder",
        "integrations.exchanges.log.ExchangeLog",
    ):
        monkeypatch.setattr(f"chancery.{store}.record", lambda *_: 1 / 0)

    consume(
        load_function, function, message(envelope({**body, "tenantId": "acme"}, **{"detail-type": kind}), receives=3)
    )

    assert len(retry_queue.sent) == 1
    assert holds_none(everything())


def test_an_upload_is_redacted(send, cloud, load_function, everything, retry_queue):
    body = orjson.dumps({"rows": [OBJECT], "text": TEXT, "more": "x" * 70_000})
    about = {"bytes": len(body), "sha256": sha256(body).hexdigest()}
    upload_id = send("record_tool_calls", "POST", "/v1/tool-calls/uploads", about)[1]["id"]
    cloud.put_object(Bucket=BUCKET, Key=f"uploads/tenant-acme/{upload_id}", Body=body)
    call = {**CALL, "fullOutput": None, "outputUploadId": upload_id}
    assert (
        send("record_tool_calls", "POST", "/v1/tool-calls", {k: v for k, v in call.items() if v is not None})[0] == 201
    )

    assert consume(load_function, "redact_tool_uploads", message(retry_queue.sent[-1])) == {"batchItemFailures": []}

    assert holds_none(everything())


@pytest.mark.parametrize("secret", [MATCHED, MAIL, IBAN, PHONE, f"locker number: {NAMED}"])
def test_a_contract_with_such_a_value_is_refused_by_kind(send, connect, secret):
    default_template.install(connect("writer"))

    status, problem, _ = send(
        "issue_contracts", "POST", "/v1/contracts", {"values": values(tenantName=secret)}, "dm_user"
    )

    kind = {MATCHED: "member number", MAIL: "an e-mail address", IBAN: "IBAN", PHONE: "a phone number"}.get(
        secret, "an own name"
    )
    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == ["/values/tenantName"]
    assert kind in problem["errors"][0]["detail"]
    assert secret not in problem["errors"][0]["detail"]


def test_a_contract_for_a_bakery_is_issued(send, connect):
    default_template.install(connect("writer"))

    body = {"values": values(tenantName="Cookies: The Bakery")}
    status, contract, _ = send("issue_contracts", "POST", "/v1/contracts", body, "dm_user")

    assert status == 201, contract
    assert contract["values"]["tenantName"] == "Cookies: The Bakery"


def test_a_pattern_that_matches_hashes_refuses_the_contract_instead_of_changing_its_record(send, connect):
    default_template.install(connect("writer"))
    set_settings(connect("writer"), redaction={"patterns": [{"name": "hex", "pattern": "[0-9a-f]{16}"}]})

    status, problem, _ = send("issue_contracts", "POST", "/v1/contracts", {"values": values()}, "dm_user")

    assert (status, problem["errors"][0]["pointer"]) == (422, "/values")
    assert connect("reader").contract_pdfs.count_documents({}) == 0


@pytest.mark.parametrize("role", ["user", "super_admin"])
@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"https://example.com/{MATCHED}", "a member number"),
        (f"https://example.com/?q={MAIL}", "an e-mail address"),
        ("https://example.com/?token=hunter2-hunter2", "a token"),
        ("https://example.com/" + "ghp_" + "a1B2c3" * 6, "a GitHub token"),
    ],
)
def test_a_published_link_is_refused_rather_than_changed(send, draft, connect, url, kind, role):
    ref_id, path = draft(), "/v1/activity-outputs"
    caller = {"tenants": ()} if role == "super_admin" else {}
    assert send("manage_activity_outputs", "POST", f"{path}/{ref_id}/approve", None, role, **caller)[0] == 200

    body = {"publishedUrl": url}
    status, problem, _ = send("manage_activity_outputs", "POST", f"{path}/{ref_id}/publish", body, role, **caller)

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == ["/publishedUrl"]
    assert kind in problem["errors"][0]["detail"] and url not in str(problem)
    assert connect("reader").activity_outputs.find_one()["status"] == "approved"


def test_a_published_link_with_long_numbers_stays(send, draft):
    ref_id, path = draft(), "/v1/activity-outputs"
    url = "https://www.example.com/permalink.php?story_fbid=4539148803436467&id=1"
    send("manage_activity_outputs", "POST", f"{path}/{ref_id}/approve", None)

    status, output, _ = send("manage_activity_outputs", "POST", f"{path}/{ref_id}/publish", {"publishedUrl": url})

    assert (status, output["publishedUrl"]) == (200, url)


def test_an_export_by_such_a_filter_is_refused(send):
    body = {"actorId": MATCHED}

    status, problem, _ = send("manage_audit_exports", "POST", "/v1/audit-exports", body)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/actorId")
    assert "a member number" in problem["errors"][0]["detail"]


@pytest.mark.parametrize("field", ["actorId", "resourceId", "eventId", "correlationId"])
def test_an_id_may_be_an_address_and_none_that_a_pattern_matches(send, field):
    assert send("record_audit_logs", "POST", "/v1/audit-logs", event(**{field: MAIL}))[0] == 201

    status, problem, _ = send("record_audit_logs", "POST", "/v1/audit-logs", event(**{field: MATCHED}))

    assert status == 422
    assert problem["errors"] == [
        {
            "pointer": f"/{field}",
            "detail": "holds what looks like a member number, which is never stored; send another id",
        }
    ]


def test_exact_fields_of_an_object_are_refused_with_their_place(send):
    body = {**OUTPUT, "metadata": {"platform": MATCHED}}

    status, problem, _ = send("manage_activity_outputs", "POST", "/v1/activity-outputs", body)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/metadata/platform")


def test_the_address_of_an_audit_record_stays_or_is_refused(send, connect):
    assert send("record_audit_logs", "POST", "/v1/audit-logs", event(ipAddress="192.168.100.200"))[0] == 201
    set_settings(connect("writer"), redaction={"patterns": [{"name": "IPv4", "pattern": r"\d+\.\d+\.\d+\.\d+"}]})

    status, problem, _ = send("record_audit_logs", "POST", "/v1/audit-logs", event(ipAddress="192.168.100.200"))

    assert (status, problem["errors"][0]["pointer"]) == (422, "/ipAddress")
    assert connect("reader").audit_logs.find_one()["ipAddress"] == "192.168.100.200"
