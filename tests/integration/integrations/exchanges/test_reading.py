"""Searches, single exchanges, their bodies and their chains."""

from base64 import b64encode

import pytest

from tests.builders import http, principal
from tests.integration.integrations.exchanges.conftest import closed, opened

MB = 1024 * 1024


@pytest.fixture
def some(post, patch):
    """Four exchanges of acme, one of globex: two systems, three outcomes, one still open."""
    about = {"context": {"entityType": "invoice", "entityId": "i-1"}, "actor": {"userId": "eve"}}
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    post(opened(requestId="ok", correlationId="c-1"))
    post(opened(requestId="bad", endpointCode="stock", correlationId="c-1", traceId=trace))
    post(opened(requestId="late", systemCode="crm", **about))
    post(opened(requestId="open", systemCode="crm"))
    post(opened(requestId="foreign"), tenants=("globex",))
    patch("ok")
    patch("bad", closed(responseStatus=500))
    patch("late", {"status": "TIMEOUT"})
    return trace


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "ok bad late open"),
        ({"systemCode": "sap"}, "ok bad"),
        ({"systemCode": "sap", "endpointCode": "stock"}, "bad"),
        ({"status": "TIMEOUT"}, "late"),
        ({"status": "PENDING"}, "open"),
        ({"isSuccess": "true"}, "ok"),
        ({"isSuccess": "false"}, "bad late"),
        ({"isSuccess": "false", "systemCode": "sap"}, "bad"),
        ({"isSuccess": "true", "status": "FAILED"}, ""),
        ({"entityType": "invoice", "entityId": "i-1"}, "late"),
        ({"entityId": "po-17"}, "ok bad open"),
        ({"correlationId": "c-1"}, "ok bad"),
        ({"userId": "eve"}, "late"),
        ({"traceId": "4bf92f3577b34da6a3ce929d0e0e4736"}, "bad"),
        ({"to": "2020-01-01T00:00:00Z"}, ""),
        ({"from": "2020-01-01T00:00:00Z", "systemCode": "crm"}, "late open"),
    ],
    ids=str,
)
def test_a_search_by_each_filter(some, get, query, expected):
    status, page, _ = get("/exchanges", query=query)

    assert status == 200
    assert {item["requestId"] for item in page["items"]} == set(expected.split())
    assert not any({"requestBody", "responseBody", "requestHeaders"} & item.keys() for item in page["items"])


def test_pages_go_on_where_the_last_one_ended(some, get):
    seen, cursor = [], None
    while True:
        query = {"limit": "1", "fields": "requestId,status"} | ({"cursor": cursor} if cursor else {})
        _, page, _ = get("/exchanges", query=query)
        seen += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            break

    assert [item["requestId"] for item in seen] == ["open", "late", "bad", "ok"]
    assert set(seen[0]) == {"refId", "requestId", "status"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"endpointCode": "stock"}, "/endpointCode"),
        ({"entityType": "invoice"}, "/entityType"),
        ({"status": "x"}, "/status"),
    ],
)
def test_a_filter_without_an_index_is_refused(get, query, pointer):
    status, problem, _ = get("/exchanges", query=query)

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])


def test_a_super_admin_searches_every_tenant_and_it_is_audited(some, get, bus):
    _, page, _ = get("/exchanges", role="super_admin", tenants=(), query={"systemCode": "sap"})

    assert {item["requestId"] for item in page["items"]} == {"ok", "bad", "foreign"}
    assert bus.of("Record Audit Event")[-1]["action"] == "tenant.crossed"


def test_one_exchange_has_its_headers_and_bodies_and_nothing_internal(post, patch, get):
    post()
    patch(body=closed(status="FAILED", error={"type": "E", "message": "m", "stackTrace": "at x:1"}))

    status, exchange, _ = get("/exchanges/r-1")

    assert status == 200
    assert exchange["requestBody"] == {"vendor": "V-100", "items": [{"material": "M-1", "qty": 2}]}
    assert exchange["responseBody"] == {"po_number": "4500012345"}
    assert exchange["requestHeaders"] == {"Content-Type": "application/json", "X-Trace": ["a", "b"]}
    assert exchange["error"] == {"type": "E", "message": "m", "stackTrace": "at x:1"}
    assert not {"openDigest", "closeDigest", "errorStack", "unpublished", "uncounted", "version"} & exchange.keys()


def test_bytes_are_answered_in_base64(post, get):
    body = b64encode(b"\xff\x00\xfe").decode()
    post(opened(requestBody=body, requestBodyEncoding="base64"))

    exchange = get("/exchanges/r-1")[1]

    assert (exchange["requestBody"], exchange["requestBodyInfo"]["encoding"]) == (body, "base64")


def test_an_exchange_that_does_not_fit_into_an_answer_has_the_beginnings(post, patch, get, body_of):
    body = '"' * (MB - 10)  # escaped twice, four bytes for each
    post(opened(requestBody=body))
    patch(body=closed(responseBody=body))

    status, exchange, _ = get("/exchanges/r-1")

    assert status == 200
    assert exchange["requestBodyInfo"]["truncated"] and exchange["requestBodyInfo"]["bytes"] == len(body)
    assert exchange["requestBody"] == '"' * 65_536
    assert body_of("r-1", "request")[1] == body.encode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "short",
        "caf\u00e9 " * 10_000,
        "x" * MB,
        "y" * (MB + 1),
        "z" * (3 * MB),
        b"\xff\x00" * 40_000,
        b"\xff" * (2 * MB),
    ],
    ids=lambda body: f"{type(body).__name__}-{len(body)}",
)
def test_a_whole_body_is_read_byte_for_byte(post, patch, body_of, body):
    is_bytes = isinstance(body, bytes)
    sent = b64encode(body).decode() if is_bytes else body
    encoding = "base64" if is_bytes else None
    post(opened(requestBody=sent, requestBodyEncoding=encoding))
    patch(body=closed(responseBody=sent, responseBodyEncoding=encoding))

    for part in ("request", "response"):
        status, found, headers = body_of("r-1", part)
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert found == (body if is_bytes else body.encode())


def test_a_large_body_without_an_accept_header_is_a_link(post, body_of):
    post(opened(requestBody="y" * (MB + 1)))

    status, _, headers = body_of("r-1", "request", accept=None)

    assert status == 307 and "/exchanges/" in headers["Location"]


def test_bytes_without_an_accept_header_are_refused(post, body_of):
    post(opened(requestBody=b64encode(b"\xff\x00").decode(), requestBodyEncoding="base64"))

    assert body_of("r-1", "request", accept=None)[0] == 422


def test_a_damaged_body_is_never_answered(post, body_of, s3, keys):
    post(opened(requestBody="y" * (MB + 1)))
    s3.put_object(Bucket="content-bucket", Key=keys()[0], Body=b"other")

    assert body_of("r-1", "request")[0] == 500


@pytest.mark.parametrize("path", ["", "/chain", "/request", "/response"])
def test_another_tenants_exchange_is_not_found(post, get, path):
    post()

    assert get(f"/exchanges/r-1{path}", tenants=("globex",))[0] == 404


def test_an_exchange_without_a_response_has_no_body_of_one(post, get):
    post()

    assert get("/exchanges/r-1/response")[0] == 404


def test_an_auditors_reads_are_audited(post, get, bus):
    post()
    for path in (
        "/exchanges",
        "/exchanges/r-1",
        "/exchanges/r-1/chain",
        "/exchanges/r-1/request",
        "/integrations/health",
    ):
        assert get(path, role="auditor")[0] == 200

    actions = [event["action"] for event in bus.of("Record Audit Event")]
    views = ["exchange.viewed", "exchange.viewed", "exchange.request_viewed", "integration_health.viewed"]
    assert actions == ["exchange.listed", *views]


@pytest.mark.parametrize("links", ["to the first", "to the one before"])
@pytest.mark.parametrize("asked", ["a-1", "a-3", "a-5"])
def test_the_chain_has_every_attempt_in_order(post, get, links, asked):
    for attempt in (3, 1, 5, 2, 4):
        parent = None if attempt == 1 else "a-1" if links == "to the first" else f"a-{attempt - 1}"
        post(opened(requestId=f"a-{attempt}", parentRequestId=parent, attemptNumber=attempt))
    post(opened(requestId="other"))
    post(opened(requestId="a-6", parentRequestId="a-5", attemptNumber=6), tenants=("globex",))

    _, chain, _ = get(f"/exchanges/{asked}/chain")

    assert [item["requestId"] for item in chain["items"]] == [f"a-{n}" for n in range(1, 6)]


def test_a_chain_that_is_a_circle_ends(post, get):
    post(opened(requestId="a", parentRequestId="b"))
    post(opened(requestId="b", parentRequestId="a", attemptNumber=2))
    post(opened(requestId="c", parentRequestId="c", attemptNumber=3))

    assert [item["requestId"] for item in get("/exchanges/a/chain")[1]["items"]] == ["a", "b"]
    assert [item["requestId"] for item in get("/exchanges/c/chain")[1]["items"]] == ["c"]


def test_exchanges_are_found_by_their_trace(some, call):
    _, trace, _ = call("read_traces", http("GET", f"/v1/traces/{some}", caller=principal()), "reader")

    assert [(item["kind"], item["requestId"]) for item in trace["items"]] == [("exchange", "bad")]
