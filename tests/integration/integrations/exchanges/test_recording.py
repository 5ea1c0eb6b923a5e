"""Opening and closing exchanges over HTTP."""

from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import pytest
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from chancery.core.aws.objects import Objects
from chancery.core.errors import Unavailable
from tests.builders import NOON
from tests.integration.integrations.exchanges.conftest import closed, opened

MB = 1024 * 1024


def test_an_exchange_is_opened_as_pending_and_closed_with_its_duration(post, patch, stored):
    status, receipt, headers = post(opened(startedAt="2026-03-01T12:00:00Z", timeoutMs=30_000))

    assert (status, receipt["status"], headers["Location"]) == (201, "PENDING", "../v1/exchanges/r-1")
    assert receipt["deadline"] == "2026-03-01T12:00:30.000Z"

    status, receipt, _ = patch(body=closed(completedAt="2026-03-01T12:00:02.500Z"))

    assert status == 200
    assert receipt | {"refId": ""} == {
        "refId": "",
        "tenantId": "acme",
        "requestId": "r-1",
        "attemptNumber": 1,
        "status": "SUCCESS",
        "isSuccess": True,
        "startedAt": "2026-03-01T12:00:00.000Z",
        "completedAt": "2026-03-01T12:00:02.500Z",
        "durationMs": 2500,
        "deadline": "2026-03-01T12:00:30.000Z",
    }
    exchange = stored()
    assert exchange["createdOn"] == exchange["startedAt"] == NOON
    assert exchange["requestBody"] == '{"vendor":"V-100","items":[{"material":"M-1","qty":2}]}'
    assert exchange["responseBody"] == '{"po_number":"4500012345"}'
    assert exchange["context"] == {"entityType": "purchase_order", "entityId": "po-17", "operationType": "create"}


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ({"responseStatus": 200}, "SUCCESS"),
        ({"responseStatus": 304}, "SUCCESS"),
        ({"responseStatus": 404}, "FAILED"),
        ({"responseStatus": 503}, "FAILED"),
        ({"error": {"type": "ConnectError"}}, "FAILED"),
        ({"responseStatus": 200, "error": {"message": "no JSON"}}, "FAILED"),
        ({"responseStatus": 200, "status": "FAILED"}, "FAILED"),
        ({"responseStatus": 404, "status": "SUCCESS"}, "SUCCESS"),
        ({"status": "TIMEOUT"}, "TIMEOUT"),
        ({"status": "CANCELLED"}, "CANCELLED"),
    ],
)
def test_the_status_follows_from_what_is_said(post, patch, end, status):
    post()

    answer = patch(body=end)[1]

    assert (answer["status"], answer["isSuccess"]) == (status, status == "SUCCESS")
    assert answer["durationMs"] >= 0


def test_an_end_without_any_outcome_is_refused(post, patch):
    post()

    status, problem, _ = patch(body={"responseBody": "x"})

    assert (status, problem["errors"][0]["pointer"]) == (422, "/status")


def test_a_repetition_changes_nothing(post, patch, stored):
    first = post()[1]
    assert post()[1]["refId"] == first["refId"]

    ended = patch()[1]
    before = stored()

    assert patch()[:2] == (200, ended)
    assert post()[1]["status"] == "SUCCESS"
    assert stored() == before


@pytest.mark.parametrize("change", [{"requestBody": {"other": 1}}, {"systemCode": "crm"}, {"timeoutMs": 5}])
def test_another_request_with_the_same_id_is_a_conflict(post, stored, change):
    post()
    before = stored()

    status, problem, _ = post(opened(**change))

    assert status == 409 and "requestId" in problem["detail"]
    assert stored() == before


@pytest.mark.parametrize("change", [{"responseStatus": 500}, {"responseBody": "x"}, {"status": "TIMEOUT"}])
def test_another_end_is_a_conflict(post, patch, stored, change):
    post()
    patch()
    before = stored()

    status, problem, _ = patch(body=closed(**change))

    assert status == 409 and "SUCCESS" in problem["detail"]
    assert stored() == before


def test_the_same_request_id_belongs_to_each_tenant(post, patch, stored):
    post()
    post(tenants=("globex",))

    assert patch(tenants=("globex",))[0] == 200
    assert (stored()["status"], stored(tenant="globex")["status"]) == ("PENDING", "SUCCESS")


@pytest.mark.parametrize("caller", [{"tenants": ("globex",)}, {"role": "super_admin", "tenants": ("globex",)}])
def test_another_tenants_exchange_does_not_exist(post, patch, stored, caller):
    post()

    body = closed(tenantId="globex" if "role" in caller else None)

    assert patch(body=body, **caller)[0] == 404
    assert stored()["status"] == "PENDING"


def test_a_super_admin_names_the_tenant(post, patch, stored, bus):
    assert post(role="super_admin", tenants=())[0] == 422
    assert post(opened(tenantId="acme"), role="super_admin", tenants=())[0] == 201
    assert patch(body=closed(tenantId="acme"), role="super_admin", tenants=())[0] == 200

    assert stored()["isSuccess"]
    crossed = [event["metadata"]["during"] for event in bus.of("Record Audit Event")]
    assert crossed == ["exchange.opened", "exchange.closed"]


@pytest.mark.parametrize(("role", "status"), [("producer", 201), ("user", 201), ("dm_user", 201), ("auditor", 403)])
def test_who_may_open(post, role, status):
    assert post(role=role)[0] == status


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"requestId": None}, "/requestId"),
        ({"systemCode": ""}, "/systemCode"),
        ({"httpMethod": "GET IT"}, "/httpMethod"),
        ({"attemptNumber": 0}, "/attemptNumber"),
        ({"requestBody": "####", "requestBodyEncoding": "base64"}, "/requestBody"),
        ({"requestBodyEncoding": "gzip"}, "/requestBodyEncoding"),
        ({"startedAt": "2999-01-01T00:00:00Z"}, "/startedAt"),
        ({"startedAt": "2026-03-01T12:00:00Z", "deadline": "2026-03-01T11:00:00Z"}, "/deadline"),
        ({"startedAt": "2026-03-01T12:00:00Z", "deadline": "2026-04-01T11:00:00Z"}, "/deadline"),
        ({"deadline": "2026-03-01T12:00:00Z", "startedAt": "2026-03-01T11:00:00Z", "timeoutMs": 5}, "/timeoutMs"),
        ({"requestBody": {"n": 2**60}}, "/requestBody/n"),
        ({"status": "SUCCESS"}, "/status"),
        ({"responseBody": "x"}, "/responseBody"),
        ({"entityId": "top"}, "/entityId"),
        ({"context": {"entityId": "k=AKIAIOSFODNN7EXAMPLE"}}, "/context/entityId"),
        ({"requestId": "AKIAIOSFODNN7EXAMPLE"}, "/requestId"),
        ({"requestHeaders": {"a": 1}}, "/requestHeaders/a"),
        ({"requestHeaders": {"a": ["b", 1]}}, "/requestHeaders/a/1"),
        ({"requestHeaders": {"a": "v" * 32_769}}, "/requestHeaders/a"),
        ({"requestHeaders": {f"x-{n}": "v" for n in range(1001)}}, "/requestHeaders"),
    ],
)
def test_a_wrong_field_is_named(post, connect, change, pointer):
    status, problem, _ = post(opened(**change))

    assert status == 422
    assert any(error["pointer"].startswith(pointer) for error in problem["errors"]), problem
    assert connect("reader").integration_logs.count_documents({}) == 0


def test_urls_headers_and_bodies_are_stored_redacted(post, patch, stored):
    url = "https://user:hunter2hunter2@b.example/p?token=abc123def456&sig=9a8b7c6d&page=2&q=shoes"
    post(
        opened(
            requestUrl=url,
            requestHeaders={"Authorization": "Bearer abc.def.ghi", "Cookie": "sid=1", "Accept": "*/*"},
            requestBody={"user": "ada", "password": "hunter2"},
        )
    )
    patch(body=closed(responseHeaders={"Set-Cookie": ["sid=2"], "ETag": '"1"'}, responseBody="token=abc123def456 done"))

    exchange = stored()
    assert exchange["requestUrl"].endswith("token=[REDACTED]&sig=[REDACTED]&page=2&q=shoes")
    assert "hunter2" not in str(exchange) and "abc" not in str(exchange)
    assert exchange["requestHeaders"] == {"Authorization": "[REDACTED]", "Cookie": "[REDACTED]", "Accept": "*/*"}
    assert exchange["responseHeaders"] == {"Set-Cookie": "[REDACTED]", "ETag": '"1"'}
    assert exchange["responseBody"] == "token=[REDACTED] done"
    assert exchange["requestBody"] == '{"user":"ada","password":"[REDACTED]"}'


BINARY = bytes(range(256)) * 8
SECRET_BINARY = b"\xff\xfe password=hunter2hunter2 \x00\xff" + BINARY


@pytest.mark.parametrize(
    ("body", "encoding", "content", "kind"),
    [
        ({"b": 1, "a": [None, True]}, None, b'{"b":1,"a":[null,true]}', "application/json"),
        ('{ "b": 1,\n "a": 2 }', None, b'{ "b": 1,\n "a": 2 }', "application/json"),
        ("<a>caf\u00e9 $set</a>", None, "<a>caf\u00e9 $set</a>".encode(), "text/plain; charset=utf-8"),
        ("$deadline", None, b"$deadline", "text/plain; charset=utf-8"),
        ("a\0b", None, b"a\0b", "text/plain; charset=utf-8"),
        (b64encode(BINARY).decode(), "base64", BINARY, "application/octet-stream"),
        (b64encode("ok \u20ac".encode()).decode(), "base64", "ok \u20ac".encode(), "text/plain; charset=utf-8"),
        ("", None, b"", "text/plain; charset=utf-8"),
        (0, None, b"0", "application/json"),
        (False, None, b"false", "application/json"),
    ],
)
def test_any_body_is_stored_byte_for_byte(post, patch, stored, body, encoding, content, kind):
    post(opened(requestBody=body, requestBodyEncoding=encoding))
    patch(body=closed(responseBody=body, responseBodyEncoding=encoding))

    exchange = stored()
    for part in ("request", "response"):
        found = exchange[f"{part}Body"]
        assert (found.encode() if isinstance(found, str) else found) == content
        info = {"bytes": len(content), "sha256": sha256(content).hexdigest(), "contentType": kind, "truncated": False}
        is_text = kind != "application/octet-stream"
        assert exchange[f"{part}BodyInfo"] == info | ({} if is_text else {"encoding": "base64"})


def test_bytes_that_are_no_text_are_redacted(post, stored):
    post(opened(requestBody=b64encode(SECRET_BINARY).decode(), requestBodyEncoding="base64"))

    assert b"hunter2" not in stored()["requestBody"] and b"[REDACTED]" in stored()["requestBody"]


def test_a_body_above_a_megabyte_is_cut_and_whole_in_s3(post, patch, stored, s3, keys):
    text = "caf\u00e9 token=abc123def456 " + "x" * MB
    post(opened(requestBody=text))
    patch(body=closed(responseBody="y" * MB))

    exchange = stored()
    whole = text.replace("abc123def456", "[REDACTED]").encode()
    assert keys() == [exchange["requestKey"]]
    assert s3.get_object(Bucket="content-bucket", Key=keys()[0])["Body"].read() == whole
    assert keys()[0].startswith(f"exchanges/{exchange['createdOn']:%Y-%m-%d}/tenant-acme/")
    assert exchange["requestBodyInfo"]["truncated"] and exchange["requestBodyInfo"]["bytes"] == len(whole)
    assert whole.startswith(exchange["requestBody"].encode()) and len(exchange["requestBody"]) > 60_000
    assert "responseKey" not in exchange and len(exchange["responseBody"]) == MB


def test_a_sender_may_have_cut_the_body(post, stored):
    post(opened(requestBody="beginning", requestBodyBytes=10 * MB))

    assert stored()["requestBodyInfo"]["cutFrom"] == 10 * MB


def test_a_request_above_the_limit_is_too_large(post, connect):
    assert post(opened(requestBody="x" * (4 * MB)))[0] == 413
    assert connect("reader").integration_logs.count_documents({}) == 0


def test_an_idempotency_key_replays_the_answer(post, patch):
    first = post(headers={"Idempotency-Key": "k-1"})[:2]

    assert post(headers={"Idempotency-Key": "k-1"})[:2] == first
    assert post(opened(requestId="r-2"), headers={"Idempotency-Key": "k-1"})[0] == 422


def test_ids_of_the_request_are_stored(post, stored):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "x-correlation-id": "c-1"}
    post(headers=headers)
    post(opened(requestId="r-2", correlationId="own"), headers=headers)

    assert (stored()["traceId"], stored()["correlationId"]) == (trace, "c-1")
    assert (stored("r-2")["traceId"], stored("r-2")["correlationId"]) == (trace, "own")


def test_an_end_before_the_start_by_the_callers_clock_lasts_no_time(post, patch):
    post(opened(startedAt="2026-03-01T12:00:00Z"))

    assert patch(body=closed(completedAt="2026-03-01T11:59:59Z"))[1]["durationMs"] == 0


def test_the_default_deadline_is_a_quarter_of_an_hour_later(post, stored):
    post()

    assert stored()["deadline"] - stored()["startedAt"] == timedelta(minutes=15)


@pytest.mark.parametrize(("send", "method"), [("post", "insert_one"), ("patch", "find_one_and_update")])
def test_while_the_database_is_away_nothing_is_stored(request, post, stored, monkeypatch, send, method):
    if send == "patch":
        post()
    before = stored()

    def away(*_, **__):
        raise AutoReconnect("away")

    with monkeypatch.context() as patched:
        patched.setattr(Collection, method, away)
        status, _, headers = request.getfixturevalue(send)()
    assert (status, "Retry-After" in headers, stored()) == (503, True, before)

    assert request.getfixturevalue(send)()[0] == (201 if send == "post" else 200)


def test_while_s3_is_away_a_large_body_is_refused_and_nothing_is_stored(post, stored, monkeypatch):
    def away(*_, **__):
        raise Unavailable("The object store does not answer; try again.")

    with monkeypatch.context() as patched:
        patched.setattr(Objects, "put", away)
        assert post(opened(requestBody="x" * (MB + 1)))[0] == 503
        assert stored() is None
        assert post(opened(requestBody="x" * MB))[0] == 201


@pytest.mark.parametrize("role", ["user", "producer"])
def test_a_request_id_of_an_attempt_at_a_delivery_is_refused(post, stored, role):
    request_id = "01JNQ8Z3M5V7X9B2C4D6F8G0HJ-0-1"

    status, problem, _ = post(opened(requestId=request_id), role=role)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/requestId")
    assert stored(request_id) is None
    assert post(opened(requestId=request_id.removesuffix("-1")), role=role)[0] == 201
