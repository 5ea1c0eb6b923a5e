"""Exchanges of `ExchangeLog` through the consumer's real handler: what the client sends, the database stores."""

import boto3
import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from chancery.core.aws import clients as aws
from chancery.core.formats.times import now, to_rfc3339
from chancery.integrations.exchanges.ingest import parse_record
from chancery_client import Correlation, ExchangeLog, correlated, exchange_details
from chancery_client.exchange_fields import ExchangeFields
from chancery_client.httpx_transport import ExchangeTransport
from tests.builders import envelope, message
from tests.fakes import LambdaContext
from tests.profiles import examples

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEY = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.fixture
def consume(environment, load_function, monkeypatch):
    queues = ("EXCHANGES", "EXCHANGE_COMPLETIONS", "REJECTS", "DEAD_LETTER")
    for name in queues:
        monkeypatch.setenv(f"CHANCERY_{name}_QUEUE_URL", "https://queue")
    monkeypatch.setenv("CHANCERY_CONTENT_BUCKET", "content")

    def deliver(details):
        environment("writer")
        about = {"detail-type": "Record Exchange", "time": to_rfc3339(now())}
        batch = [message(envelope(orjson.loads(detail), **about)) for detail in details]
        return load_function("consume_exchanges").handler({"Records": batch}, LambdaContext())

    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="content")
        aws.client.cache_clear()
        yield deliver
    aws.client.cache_clear()


class Sent(list[str]):
    """A put_events that stores the details."""

    def __call__(self, Entries):
        self.extend(entry["Detail"] for entry in Entries)
        return {"Entries": [{} for _ in Entries]}


def called() -> Sent:
    """The events of three calls: one that succeeds, one that fails, one whose bodies are bytes."""
    sent = Sent()
    log = ExchangeLog("bus", tenant_id="acme", put_events=sent)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/gone":
            raise httpx.ConnectError("no route", request=request)
        return httpx.Response(201, content=b"\xff" * 100_000 if request.url.path == "/bytes" else request.content)

    client = httpx.Client(
        base_url="https://sap.example", transport=ExchangeTransport(log, "sap", httpx.MockTransport(answer))
    )
    with correlated(Correlation(TRACE, "request-1")), exchange_details(endpoint_code="orders", entity_id="7"):
        client.post("/orders", json={"password": "hunter2", "lines": [1]}, headers={"Authorization": "Bearer abc"})
        client.post("/bytes", content="Zo\u00eb")
        with pytest.raises(httpx.ConnectError):
            client.get(f"/gone?key={KEY}")
    log.close()
    return sent


@pytest.mark.parametrize("is_reversed", [False, True], ids=["in order", "ends first"])
def test_every_call_is_stored_once_and_whole(consume, retry_queue, connect, is_reversed):
    sent = called()

    for _ in range(2):
        assert consume(sent[::-1] if is_reversed else sent) == {"batchItemFailures": []}

    found = {item["requestUrl"]: item for item in connect("reader").integration_logs.find({"tenantId": "acme"})}
    order = found["https://sap.example/orders"]
    assert (len(sent), len(found)) == (6, 3)
    assert (order["systemCode"], order["endpointCode"], order["context"]) == ("sap", "orders", {"entityId": "7"})
    assert (order["status"], order["responseStatus"], order["isSuccess"]) == ("SUCCESS", 201, True)
    assert order["requestBody"] == order["responseBody"] == '{"password":"[REDACTED]","lines":[1]}'
    assert (order["requestHeaders"]["Authorization"], order["traceId"]) == ("[REDACTED]", TRACE)
    assert order["durationMs"] >= 0
    data = found["https://sap.example/bytes"]
    assert (data["requestBody"], len(data["responseBody"])) == ("Zo\u00eb", 32_768)
    assert data["responseBodyInfo"]["cutFrom"] == 100_000
    (gone,) = (item for url, item in found.items() if "/gone" in url)
    assert (gone["status"], gone["error"]["type"], KEY in str(gone)) == ("FAILED", "httpx.ConnectError", False)


anything = st.one_of(st.none(), st.integers(), st.text(max_size=20), st.binary(max_size=40), st.floats())
texts = st.text(max_size=30)


@given(
    call=st.tuples(
        texts, st.sampled_from(["GET", "post", "M-SEARCH", ""]), texts | st.just("https://h/\x00\u202e" + "a" * 9000)
    ),
    headers=st.dictionaries(texts, texts | st.lists(texts, min_size=1, max_size=2), max_size=3),
    details=st.dictionaries(st.sampled_from(sorted(ExchangeFields.__annotations__.keys() - {"tenant_id"})), anything),
    bodies=st.tuples(anything | st.dictionaries(texts, anything, max_size=3), anything),
    status=st.integers(-1, 1000) | st.none(),
)
@settings(max_examples=examples(300), deadline=None)
def test_whatever_is_logged_the_server_accepts_or_the_client_rejects(call, headers, details, bodies, status):
    sent = Sent()
    log = ExchangeLog("bus", tenant_id="acme", put_events=sent, linger=0.001)
    with exchange_details(**details), log.exchange(*call, headers, bodies[0]) as exchange:
        exchange.respond(status, headers, bodies[1])
    log.close()

    assert (log.stats.accepted, len(sent)) == (2, 2 - log.stats.rejected)
    for detail in sent:
        assert parse_record(orjson.loads(detail), now(), now()).request_id == exchange.request_id
