"""Every sample event through the real handler of its function."""

from base64 import b64decode

import boto3
import orjson
import pytest
from bson import ObjectId
from moto import mock_aws

from chancery.contracts import default_template
from chancery.core.aws import clients as aws
from chancery.core.web.routes import methods_by_path, specificity
from chancery.wiring.openapi import document
from chancery.wiring.registry import FUNCTIONS, QUEUES
from chancery.wiring.routes import ROUTES
from tests.builders import EVENTS, NOON, http, principal, record, sample, writer
from tests.fakes import LambdaContext
from tools.generate.names import variable

ROLE_CLASS = {function.name: function.database or "reader" for function in FUNCTIONS}  # some have no database


EXPECTED = {
    "record_audit_logs/one": 201,
    "record_audit_logs/batch": 207,
    "read_audit_logs/search": 200,
    "read_audit_logs/get": 404,
    "read_audit_logs/stats": 200,
    "read_audit_logs/catalog": 200,
    "read_audit_logs/coverage": 200,
    "read_traces/get": 200,
    "prove_audit_logs/proof": 404,
    "prove_audit_logs/checkpoint": 404,
    "prove_audit_logs/consistency": 422,
    "prove_audit_logs/verifier_key": 200,
    "prove_audit_logs/tile": 404,
    "manage_settings/show": 200,
    "manage_settings/change": 200,
    "try_redactions/try": 200,
    "manage_audit_exports/ask": 202,
    "manage_audit_exports/get": 404,
    "manage_archives/search": 200,
    "manage_archives/get": 404,
    "manage_archives/run": 202,
    "manage_archives/preview": 200,
    "manage_archives/search_runs": 200,
    "manage_archives/get_run": 404,
    "manage_archives/locate": 200,
    "manage_archives/restore": 404,
    "manage_skills/create": 201,
    "manage_skills/replace": 404,
    "manage_skills/delete": 404,
    "manage_integrations/create_system": 201,
    "manage_integrations/replace_system": 404,
    "manage_integrations/delete_system": 404,
    "manage_integrations/create_endpoint": 404,
    "manage_integrations/replace_endpoint": 404,
    "manage_integrations/delete_endpoint": 404,
    "manage_integrations/dry_run": 404,
    "read_integrations/search_systems": 200,
    "read_integrations/get_system": 404,
    "read_integrations/search_endpoints": 404,
    "read_integrations/get_endpoint": 404,
    "manage_destinations/create": 201,
    "manage_destinations/replace": 404,
    "manage_destinations/delete": 404,
    "manage_destinations/rotate_secret": 404,
    "manage_destinations/test": 404,
    "manage_destinations/replay": 404,
    "manage_destinations/replay_all": 404,
    "read_destinations/search": 200,
    "read_destinations/get": 404,
    "read_destinations/health": 404,
    "read_destinations/search_deliveries": 404,
    "read_destinations/get_delivery": 404,
    "read_skills/search": 200,
    "read_skills/get": 404,
    "read_skills/versions": 404,
    "read_skills/version": 404,
    "read_skills/of_agent": 200,
    "read_skills/prompt": 200,
    "issue_contracts/publish": 201,
    "issue_contracts/issue": 201,
    "read_contracts/search_templates": 200,
    "read_contracts/get_versions": 200,
    "read_contracts/get_template": 200,
    "read_contracts/search": 200,
    "read_contracts/get": 404,
    "read_contracts/pdf": 404,
    "read_contracts/verify": 200,
    "manage_activity_outputs/create": 201,
    "manage_activity_outputs/search": 200,
    "manage_activity_outputs/get": 404,
    "manage_activity_outputs/approve": 404,
    "manage_activity_outputs/reject": 404,
    "manage_activity_outputs/publish": 404,
    "record_content/research": 201,
    "record_content/strategy": 201,
    "read_content/search_research": 200,
    "read_content/get_research": 404,
    "read_content/prompt_research": 404,
    "read_content/search_strategies": 200,
    "read_content/get_strategy": 404,
    "read_content/prompt_strategy": 404,
    "record_tool_calls/record": 201,
    "record_tool_calls/sensitive": 201,
    "record_tool_calls/upload": 201,
    "read_tool_calls/search": 200,
    "read_tool_calls/get": 404,
    "read_tool_calls/input": 404,
    "read_tool_calls/output": 404,
    "manage_calls/request": 404,
    "manage_calls/search": 200,
    "manage_calls/get": 404,
    "manage_calls/retry": 404,
    "manage_calls/cancel": 404,
    "record_exchanges/open": 201,
    "record_exchanges/close": 404,
    "read_exchanges/search": 200,
    "read_exchanges/get": 404,
    "read_exchanges/chain": 404,
    "read_exchanges/request": 404,
    "read_exchanges/response": 404,
    "read_exchanges/health": 200,
    "read_exchanges/system_stats": 200,
    "read_exchanges/endpoint_stats": 200,
    "append_activity_streams/append": 201,
    "append_activity_streams/end": 200,
    "follow_audit_logs/events": 200,
    "follow_activity_streams/events": 200,
    "follow_activity_streams/text": 404,
    "read_feed/follow": 200,
    "read_feed/list": 200,
    "read_feed/get": 404,
    "read_feed/events": 404,
    "manage_feed/put": 201,
    "manage_feed/commit": 404,
    "manage_feed/delete": 404,
    "read_error_groups/list": 200,
    "read_error_groups/get": 404,
    "read_error_groups/counts": 404,
    "read_error_groups/fingerprints": 404,
    "manage_error_groups/resolve": 404,
    "manage_error_groups/merge": 404,
    "manage_error_groups/split": 404,
    "record_logs/one": 201,
    "record_logs/batch": 207,
    "read_logs/search": 200,
    "read_logs/get": 404,
    "read_logs/context": 404,
    "read_logs/aggregate": 200,
    "record_otlp_logs/json": 200,
    "record_otlp_logs/protobuf": 200,
    "check_health/health": 200,
    "serve_viewer/page": 200,
    "serve_viewer/file": 200,
    "describe_api/openapi": 200,
    "describe_api/unknown_route": 404,
    "describe_api/wrong_method": 405,
}


TEXT = {
    "serve_viewer/page": "text/html; charset=utf-8",
    "prove_audit_logs/verifier_key": "text/plain; charset=utf-8",
    "read_skills/prompt": "text/markdown; charset=utf-8",
    "follow_activity_streams/events": "text/event-stream",
    "follow_audit_logs/events": "text/event-stream",
    "record_otlp_logs/protobuf": "application/x-protobuf",
}


EMPTY = {  # no skill is assigned to that role; every log record is stored
    "read_skills/prompt",
    "record_otlp_logs/json",
    "record_otlp_logs/protobuf",
}


@pytest.fixture(autouse=True)
def _cloud(monkeypatch):
    with mock_aws():
        boto3.client("events", region_name="us-east-1").create_event_bus(Name="chancery-test")
        for queue in QUEUES:
            monkeypatch.setenv(variable(f"{queue.name}-queue-url"), "https://queue")
        monkeypatch.setenv("CHANCERY_EXPORT_BUCKET", "exports")
        key = boto3.client("kms", region_name="us-east-1").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        monkeypatch.setenv("CHANCERY_SIGNING_KEY", key["KeyMetadata"]["KeyId"])
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="log-bucket")
        monkeypatch.setenv("CHANCERY_LOG_BUCKET", "log-bucket")
        key = boto3.client("kms", region_name="us-east-1").create_key()
        monkeypatch.setenv("CHANCERY_SENSITIVE_KEY", key["KeyMetadata"]["KeyId"])
        monkeypatch.setenv("CHANCERY_TOOL_CALL_BODY_DAYS", "92")
        monkeypatch.setenv("CHANCERY_EXCHANGE_BODY_DAYS", "92")
        monkeypatch.setenv("CHANCERY_LOG_ORIGIN", "log.example/chancery")
        monkeypatch.setenv("CHANCERY_ARCHIVE_BUCKET", "archives")
        monkeypatch.setenv("CHANCERY_CONTENT_BUCKET", "content")
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="contracts")
        monkeypatch.setenv("CHANCERY_CONTRACT_BUCKET", "contracts")
        monkeypatch.setenv("CHANCERY_PLATFORM_NAME", "DM Agency Platform")
        monkeypatch.setenv("CHANCERY_ARCHIVE_AFTER_MONTHS", "24")
        monkeypatch.setenv("CHANCERY_ARCHIVE_STORAGE_CLASS", "GLACIER")
        aws.client.cache_clear()
        yield
        aws.client.cache_clear()


def test_every_function_has_a_sample_event_and_every_sample_a_test():
    samples = {f"{path.parent.name}/{path.stem}" for path in EVENTS.glob("*/*.json")}

    assert {name.partition("/")[0] for name in samples} == {function.name for function in FUNCTIONS}
    assert {name for name in samples if "httpMethod" in sample(name)} == {*EXPECTED, "authorize_request/request"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_request_is_answered(call, connect, name):
    default_template.install(connect("writer"))
    function = name.partition("/")[0]

    status, body, headers = call(function, sample(name), ROLE_CLASS[function])

    assert status == EXPECTED[name]
    usual = TEXT.get(name, "application/json")
    assert headers["Content-Type"] == ("application/problem+json" if status >= 400 else usual)
    assert body or name in EMPTY


NOT_BY_ID = {  # routes with a parameter in the path that is not the id of something stored
    "/v1/logs/{kind}",
    "/v1/logs/{kind}/aggregate",
    "/v1/agents/{role}/skills",
    "/v1/traces/{traceId}",
    "/v1/integrations/systems/{code}/stats",  # of any system that exchanges name
    "/v1/integrations/systems/{code}/endpoints/{endpoint}/stats",
    "POST /v1/activities/{activityId}/stream",  # the first append makes a stream
    "PUT /v1/feed/consumers/{name}",  # makes one
}
FOUND = {  # samples that find something → changes, so that they do not
    "append_activity_streams/end": {"body": "{}"},
    "read_contracts/get_versions": {"path": "/v1/contract-templates/unknown"},
    "read_contracts/get_template": {"path": "/v1/contract-templates/unknown/1"},
}
NOT_MISSED = {"prove_audit_logs/checkpoint", "describe_api/unknown_route"}  # not yet sealed; without a caller
MISSED = {*FOUND, *(name for name, status in EXPECTED.items() if status == 404)} - NOT_MISSED


@pytest.mark.parametrize("name", sorted(MISSED))
def test_what_a_super_admin_looks_for_in_vain_is_audited_by_every_route(call, bus, name):
    function, event = name.partition("/")[0], sample(name) | FOUND.get(name, {})
    event["requestContext"]["authorizer"] = principal("super_admin", tenants=())
    event["headers"] = (event["headers"] or {}) | {"X-Tenant-Id": "initech"}
    for field in ("queryStringParameters", "multiValueQueryStringParameters"):
        event[field] = {name: value for name, value in (event.get(field) or {}).items() if name != "tenantId"} or None

    assert call(function, event, ROLE_CLASS[function])[0] == 404

    (route,) = _routes_of(event)
    *_, crossed = bus.of("Record Audit Event")
    assert (crossed["action"], crossed["actorId"]) == ("tenant.crossed", "super_admin-1")
    assert crossed["metadata"]["during"] == f"{route.method} {route.path}"
    assert (crossed["metadata"]["found"], crossed["metadata"]["resourceId"] in event["path"]) == (False, True)
    assert (crossed["tenantId"], crossed["resourceId"]) == ("initech", "initech")


def test_every_route_by_an_id_has_a_sample_that_finds_nothing():
    missed = {(route.method, route.path) for name in MISSED for route in _routes_of(sample(name))}
    by_id = {(route.method, route.path) for route in ROUTES if route.parameters and not route.open}

    rest = {path if path in NOT_BY_ID else f"{method} {path}" for method, path in by_id - missed}
    assert rest == NOT_BY_ID


def _routes_of(event):
    """The most specific routes of a request: one."""
    matching = [
        route for route in ROUTES if route.method == event["httpMethod"] and route.match(event["path"]) is not None
    ]
    return sorted(matching, key=lambda route: specificity(route.path))[:1]


def test_a_wrong_method_is_405_with_the_allowed_ones(call):
    assert call("describe_api", sample("describe_api/wrong_method"))[2]["Allow"] == "GET, OPTIONS, POST"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/audit-logs", (204, "GET, OPTIONS, POST")),
        ("/v1/skills/01J", (204, "DELETE, GET, OPTIONS, PUT")),
        ("/v1/health", (204, "GET, OPTIONS")),
        ("/v1/nonsense", (404, None)),
    ],
)
def test_options_of_a_path_are_the_methods_that_it_takes(call, path, expected):
    status, body, headers = call("describe_api", http("OPTIONS", path))

    assert (status, headers.get("Allow")) == expected
    assert (body == "") == (status == 204)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_route_refuses_unknown_and_repeated_parameters(call, name):
    function, event = name.partition("/")[0], sample(name)
    is_open = "role" not in (event["requestContext"].get("authorizer") or {})
    query = {**(event["queryStringParameters"] or {}), "surprise": "1", "again": "2"}
    event |= {
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} | {"again": ["1", "2"]},
    }

    status, body, _ = call(function, event, ROLE_CLASS[function])

    if function == "record_otlp_logs":
        text = body["message"].encode() if isinstance(body, dict) else b64decode(body)
        assert (status, b"/again" in text, b"/surprise" in text) == (400, True, True)
        return
    assert status == (EXPECTED[name] if is_open else 422)
    if not is_open:
        assert {"pointer": "/surprise", "detail": "is not known; see GET /v1/openapi.json"} in body["errors"]
        assert {"pointer": "/again", "detail": "is given more than once; give it once"} in body["errors"]


def test_describe_api_answers_with_the_declared_routes(call):
    _, served, _ = call("describe_api", sample("describe_api/openapi"))

    assert served == orjson.loads(orjson.dumps(document()))
    for path, methods in methods_by_path(ROUTES).items():
        allowed = call("describe_api", http("OPTIONS", path))[2]["Allow"].split(", ")
        assert {*methods, "OPTIONS"} <= set(allowed)  # and those of a pattern that matches the path too


def test_every_route_has_a_sample_request():
    requests = [sample(name) for name in EXPECTED]

    for route in ROUTES:
        assert [
            item for item in requests if item["httpMethod"] == route.method and route.match(item["path"]) is not None
        ]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("consume_audit_events/batch", 0),
        ("consume_audit_events/poison", 2),
        ("consume_tool_calls/batch", 0),
        ("consume_tool_calls/poison", 1),
        ("consume_logs/batch", 0),
        ("consume_logs/poison", 2),
        ("redact_tool_uploads/upload", 0),
        ("consume_exchanges/batch", 0),
        ("consume_exchanges/poison", 1),
        ("complete_exchanges/queue", 0),
        ("store_events/batch", 0),
        ("store_events/poison", 1),
        ("send_calls/batch", 0),
        ("deliver_events/queue", 0),
    ],
)
def test_sample_messages_are_consumed(environment, retry_queue, load_function, name, sent):
    answer = load_function(name.partition("/")[0]).handler(sample(name), LambdaContext())

    assert answer == {"batchItemFailures": []}
    assert len(retry_queue.sent) == sent
    assert "hunter2" not in "".join(retry_queue.sent)


def test_a_sample_export_message_of_an_unknown_export_is_dropped(environment, retry_queue, load_function):
    answer = load_function("run_audit_export").handler(sample("run_audit_export/export"), LambdaContext())

    assert answer == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("seal_audit_logs/queue", {"batchItemFailures": []}),
        ("seal_audit_logs/schedule", None),
        ("check_audit_integrity/schedule", {"findings": 0}),
    ],
)
def test_the_sealers_samples_run_without_anything_to_seal(environment, retry_queue, load_function, name, expected):
    environment("sealer")

    assert load_function(name.partition("/")[0]).handler(sample(name), LambdaContext()) == expected


def test_the_sealers_schedule_publishes_events_that_their_writer_did_not(environment, load_function, connect, bus):
    writer(connect("writer")).insert([record()])
    outbox = connect("admin").audit_outbox
    entry = outbox.find_one_and_delete({})
    outbox.insert_one(entry | {"_id": ObjectId.from_datetime(NOON)})
    environment("sealer")

    load_function("seal_audit_logs").handler(sample("seal_audit_logs/schedule"), LambdaContext())

    assert len(bus.of("Audit Event Recorded")) == 1


def test_the_schedule_of_log_batches_finds_none_without_numbers(environment, load_function):
    answer = load_function("sweep_log_batches").handler(sample("sweep_log_batches/schedule"), LambdaContext())

    assert answer == {"swept": 0}


def test_the_schedule_of_exchanges_finds_none_to_complete(environment, load_function):
    sampled = sample("complete_exchanges/schedule")

    assert load_function("complete_exchanges").handler(sampled, LambdaContext()) is None


def test_the_schedule_of_calls_finds_none_to_wake(environment, load_function):
    assert load_function("send_calls").handler(sample("send_calls/schedule"), LambdaContext()) == {"woken": 0}


def test_the_schedule_of_deliveries_finds_none_to_wake(environment, load_function):
    answer = load_function("deliver_events").handler(sample("deliver_events/schedule"), LambdaContext())

    assert answer == {"woken": 0}


def test_the_schedule_of_the_redaction_finds_nothing_forgotten(environment, load_function):
    answer = load_function("redact_tool_uploads").handler(sample("redact_tool_uploads/schedule"), LambdaContext())

    assert answer == {"pending": 0}


@pytest.mark.parametrize("name", ["run", "schedule"])
def test_sample_messages_have_runs_planned(environment, retry_queue, load_function, name):
    environment("archiver")

    answer = load_function("plan_archives").handler(sample(f"plan_archives/{name}"), LambdaContext())

    assert answer == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("restored", {"batchItemFailures": []}),
        ("carry_on", {"batchItemFailures": []}),
        ("schedule", {"waiting": 0, "expired": 0}),
    ],
)
def test_sample_restores_of_unknown_archives_are_dropped(environment, retry_queue, load_function, name, expected):
    environment("archiver")

    assert load_function("complete_restores").handler(sample(f"complete_restores/{name}"), LambdaContext()) == expected


def test_a_token_without_a_signature_is_unauthorized(load_function, monkeypatch, environment):
    monkeypatch.setenv("CHANCERY_OIDC_ISSUER", "https://issuer")
    monkeypatch.setenv("CHANCERY_OIDC_AUDIENCE", "chancery")
    monkeypatch.setattr("jwt.PyJWKClient.fetch_data", lambda _: {"keys": [{"kty": "oct", "k": "AA", "kid": "x"}]})

    with pytest.raises(Exception, match=r"^Unauthorized$"):
        load_function("authorize_request").handler(sample("authorize_request/request"), LambdaContext())


def test_health_names_unavailable_parts_without_the_reason(call, monkeypatch):
    monkeypatch.setenv("CHANCERY_EVENT_BUS", "no-such-bus")

    status, body, headers = call("check_health", sample("check_health/health"), "reader")

    assert status == 503
    assert (body["database"], body["bus"]) == ("ok", "unavailable")
    assert headers["Retry-After"] == "5"
