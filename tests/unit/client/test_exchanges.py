"""`ExchangeLog`: a block of code as an exchange, whatever it is given and however it ends."""

import asyncio
import base64
import gzip
import json
import zlib

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chancery_client import Correlation, ExchangeLog, correlated, exchange_details
from chancery_client.exchange_bodies import BodyCapture
from chancery_client.exchange_events import MAX_BODY_BYTES
from tests.profiles import examples
from tests.unit.client.bus import pending
from tests.unit.client.exchange_bus import ExchangeBus, log_to

URL = "https://sap.example/orders?company=1000"
KEY = "AKIA" + "ABCDEFGHIJKLMNOP"


class Unreadable:
    """An object of the host whose own code fails."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__

    def model_dump(self, **_):
        raise RuntimeError("no")


def call(log: ExchangeLog) -> None:
    with log.exchange("sap", "GET", URL):
        pass


def test_a_block_is_an_exchange_with_its_response(exchange_log, logged):
    with exchange_log.exchange("sap", "POST", URL, {"Accept": "*/*"}, {"lines": [1]}) as exchange:
        exchange.respond(201, [("Set", "a"), ("Set", "b"), ("Set", "c")], b"created")

    (found,) = logged()
    started, completed = found.pop("startedAt"), found.pop("completedAt")
    assert started <= completed and completed.endswith("Z")
    assert found == {
        "tenantId": "acme",
        "requestId": exchange.request_id,
        "systemCode": "sap",
        "httpMethod": "POST",
        "requestUrl": URL,
        "requestHeaders": {"Accept": "*/*"},
        "requestBody": '{"lines":[1]}',
        "status": "SUCCESS",
        "responseStatus": 201,
        "responseHeaders": {"Set": ["a", "b", "c"]},
        "responseBody": "created",
    }


@pytest.mark.parametrize(
    ("url", "system"),
    [
        (URL, "sap.example"),
        ("http://[2001:db8::7]:8080/x", "[2001:db8::7]"),
        ("https://user:secret@sap.example:8443/x", "sap.example"),
        ("https://a@b@sap.example/x", "sap.example"),
        ("/relative", "unknown"),
    ],
)
def test_without_a_system_it_is_the_host_of_the_url(exchange_log, logged, url, system):
    with exchange_log.exchange(None, "GET", url):
        pass

    assert [each["systemCode"] for each in logged()] == [system]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no"), "FAILED"),
        (TimeoutError("late"), "TIMEOUT"),
        (asyncio.CancelledError(), "CANCELLED"),
        (KeyboardInterrupt(), "CANCELLED"),
        (type("ReadTimeout", (type("Timeout", (OSError,), {}),), {})("late"), "TIMEOUT"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_a_block_that_raises_is_logged_with_its_exception(exchange_log, logged, error, status):
    with pytest.raises(type(error)) as raised, exchange_log.exchange("sap", "GET", URL):
        raise error

    (found,) = logged()
    assert raised.value is error
    assert (found["status"], found["error"]["message"]) == (status, str(error))
    assert found["error"]["type"].endswith(type(error).__qualname__)


@pytest.mark.parametrize("name", ["X-Functions-Key", "Ocp-Apim-Subscription-Key", "x-api-key", "X-Storage-Key"])
def test_the_keys_of_an_api_are_redacted_in_requests_and_responses(exchange_log, logged, name):
    with exchange_log.exchange("sap", "GET", URL, {name: "hunter2"}) as exchange:
        exchange.respond(200, {name: "hunter2"})

    (found,) = logged()
    assert found["requestHeaders"] == found["responseHeaders"] == {name: "[REDACTED]"}


@pytest.mark.parametrize("parameter", ["sig", "Sig", "signature"])
def test_the_signature_of_a_url_is_redacted_wherever_the_url_is(exchange_log, logged, parameter):
    url = f"https://store.example/a?sv=1&{parameter}=hunter2"
    exchange = exchange_log.start("store", "GET", url, {"Referer": url})
    exchange.respond(302, [("Location", url), ("Location", url)])
    exchange.fail(ValueError(f"for url '{url}'"))

    (found,) = logged()
    clean = f"https://store.example/a?sv=1&{parameter}=[REDACTED]"
    assert found["requestUrl"] == found["requestHeaders"]["Referer"] == clean
    assert found["responseHeaders"]["Location"] == [clean, clean]
    assert found["error"]["message"].startswith(f"for url '{clean}")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(("code", "status"), [(100, "SUCCESS"), (399, "SUCCESS"), (400, "FAILED"), (503, "FAILED")])
def test_the_status_follows_from_that_of_the_response(exchange_log, logged, code, status):
    with exchange_log.exchange("sap", "GET", URL) as exchange:
        exchange.respond(code)

    assert [each["status"] for each in logged()] == [status]


def test_the_calls_of_a_block_have_its_details_and_those_of_the_block_around_it(exchange_log, logged):
    with exchange_details(system_code="erp", entity_type="order", entity_id="7", user_id="sarah"):
        with exchange_details(endpoint_code="orders", attempt_number=1, tenant_id="globex") as first:
            call(exchange_log)
        with exchange_details(parent_request_id=first.request_id, entity_id="8", timeout_ms=500):
            call(exchange_log)
    call(exchange_log)

    one, two, three = logged()
    assert (one["systemCode"], one["endpointCode"], one["attemptNumber"]) == ("erp", "orders", 1)
    assert (one["tenantId"], one["context"]) == ("globex", {"entityType": "order", "entityId": "7"})
    assert (two["parentRequestId"], two["timeoutMs"]) == (one["requestId"], 500)
    assert (two["context"]["entityId"], two["actor"]) == ("8", {"userId": "sarah"})
    assert not {"context", "actor", "endpointCode"} & three.keys()


def test_the_ids_of_the_current_request_go_with_it(exchange_log, logged):
    with correlated(Correlation("4bf92f3577b34da6a3ce929d0e0e4736", "c-1")), exchange_log.exchange("sap", "GET", URL):
        pass

    (found,) = logged()
    assert (found["traceId"], found["correlationId"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "c-1")


@pytest.mark.parametrize(
    "name", ["Authorization", "authorization", "PROXY-AUTHORIZATION", "Cookie", "Set-Cookie", "X-Api-Key"]
)
def test_the_value_of_a_credentials_header_does_not_reach_the_queue(exchange_log, logged, monkeypatch, name):
    queued = []
    monkeypatch.setattr(exchange_log._sender, "put", lambda encoded: queued.append(encoded))
    headers = [(name, "plain-words"), (name, "more"), ("X", "stays")]

    with exchange_log.exchange("sap", "GET", "https://sarah:plain-words@sap.example/", headers) as exchange:
        exchange.respond(200, headers)

    monkeypatch.undo()
    assert len(queued) == 2
    assert b"plain-words" not in b"".join(queued) and b"more" not in b"".join(queued)
    for encoded in queued:
        exchange_log._sender.put(encoded)
    assert logged()[0]["requestHeaders"] == {name: "[REDACTED]", "X": "stays"}


def test_bodies_urls_headers_and_messages_are_redacted_before_they_leave_the_process(exchange_log, logged):
    exchange = exchange_log.start("sap", "GET", f"https://sap.example/?key={KEY}", {"X-Note": f"key {KEY}"})
    exchange.open(f'{{"password": "hunter2", "k": "{KEY}"}}')
    exchange.respond(200, {}, b"\xff\x00 " + KEY.encode())
    exchange.fail(ValueError(f"refused {KEY}"))

    (found,) = logged()
    assert KEY not in json.dumps(found) and "hunter2" not in json.dumps(found)
    assert KEY.encode() not in base64.b64decode(found["responseBody"])


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("text", {"requestBody": "text"}),
        ("Zo\u00eb", {"requestBody": "Zo\u00eb"}),
        ("", {}),
        (b"", {}),
        (b"bytes", {"requestBody": "bytes"}),
        (bytearray(b"bytes"), {"requestBody": "bytes"}),
        (memoryview(b"bytes"), {"requestBody": "bytes"}),
        (b"\xff\x00", {"requestBody": "/wA=", "requestBodyEncoding": "base64"}),
        ([1, None], {"requestBody": "[1,null]"}),
        (b"0123456789", {"requestBody": "01234567", "requestBodyBytes": 10}),
        ("0123456789", {"requestBody": "01234567", "requestBodyBytes": 10}),
        ("\u00e9" * 5, {"requestBody": "\u00e9" * 4, "requestBodyBytes": 10}),
        ("1" + "\u00e9" * 5, {"requestBody": "1" + "\u00e9" * 3, "requestBodyBytes": 11}),
        ("\ud83d", {"requestBody": "?"}),
        ({"a": "0123456789"}, {"requestBody": '{"a":"01', "requestBodyBytes": 18}),
        (Unreadable(), {"requestBody": '"<Unread', "requestBodyBytes": 14}),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_of_a_body_the_beginning_is_sent_with_the_length_of_the_whole(exchange_bus, body, sent):
    log = log_to(exchange_bus, max_body_bytes=8)
    with log.exchange("sap", "POST", URL, body=body):
        pass
    log.close()

    beginning = exchange_bus.details[0]
    assert {name: value for name, value in beginning.items() if name.startswith("requestBody")} == sent


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("X-GZip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.compress),
        ("identity", bytes),
    ],
)
def test_a_body_in_a_content_coding_is_sent_and_redacted_in_clear(exchange_log, logged, coding, encode):
    capture = BodyCapture(1000, coding)
    capture.add(encode(f'{{"password": "hunter2", "name": "Zo\u00eb", "k": "{KEY}"}}'.encode()))
    with exchange_log.exchange("sap", "POST", URL, {"Content-Encoding": coding}, encode(b"request")) as exchange:
        exchange.respond(200)
        exchange.end(capture)

    (found,) = logged()
    assert found["requestBody"] == "request"
    assert found["responseBody"] == '{"password": "[REDACTED]", "name": "Zo\u00eb", "k": "[REDACTED]"}'
    assert not found.keys() & {"requestBodyBytes", "responseBodyBytes"}


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_compression_bomb_is_cut(exchange_log, logged, encode):
    coding = "gzip" if encode is gzip.compress else "deflate"
    with exchange_log.exchange("sap", "POST", URL, {"Content-Encoding": coding}, encode(b"a" * 20_000_000)):
        pass

    (found,) = logged()
    assert found["requestBody"] == "a" * MAX_BODY_BYTES
    assert found["requestBodyBytes"] >= MAX_BODY_BYTES


@pytest.mark.parametrize(("coding", "body"), [("br", b"\x0b\x02"), ("gzip", b"not gzip"), ("zstd", b"x"), ("", b"")])
def test_a_body_that_cannot_be_decoded_is_left_out(exchange_log, logged, coding, body):
    with exchange_log.exchange("sap", "POST", URL, {"Content-Encoding": coding}, body):
        pass

    assert [each["status"] for each in logged() if "requestBody" not in each] == ["SUCCESS"]


def test_a_body_that_json_would_swell_fits_into_an_event(exchange_bus):
    log = log_to(exchange_bus, max_body_bytes=1 << 30)
    with log.exchange("sap", "POST", URL, {"X": "\x01" * 9000}, "\x01" * 60_000) as exchange:
        exchange.respond(200, {}, b"\xff" * 200_000)
    log.close()

    (found,) = exchange_bus.exchanges
    assert 0 < len(found["requestBody"]) < 60_000 == found["requestBodyBytes"]
    assert len(base64.b64decode(found["responseBody"])) == MAX_BODY_BYTES < found["responseBodyBytes"] == 200_000
    assert log.stats.degraded == 1


def test_a_log_may_take_no_bodies(exchange_bus):
    log = log_to(exchange_bus, max_body_bytes=0)
    with log.exchange("sap", "POST", URL, body="a") as exchange:
        exchange.respond(200, {}, "b")
    log.close()

    assert not {"requestBody", "responseBody", "requestBodyBytes"} & exchange_bus.exchanges[0].keys()


@pytest.mark.parametrize(
    "fields",
    [{"attempt_number": 0}, {"attempt_number": "1"}, {"timeout_ms": -1}, {"timeout_ms": 10**12}, {"no_field": "x"}],
    ids=repr,
)
def test_a_detail_that_the_server_would_refuse_is_left_out(exchange_log, logged, fields):
    with exchange_details(**fields), exchange_log.exchange("sap", "GET", URL) as exchange:
        exchange.respond(42)

    (found,) = logged()
    assert not {"attemptNumber", "timeoutMs", "noField", "responseStatus"} & found.keys()


def test_exchanges_without_a_tenant_are_rejected_and_counted(exchange_bus, caplog):
    log = log_to(exchange_bus, tenant_id=None)
    with log.exchange("sap", "GET", URL):
        pass
    log.close()

    assert (log.stats.rejected, exchange_bus.details) == (2, [])
    assert "EXCHANGE_EVENTS_REJECTED" in caplog.text


@pytest.mark.parametrize(
    "call",
    [
        lambda log: log.exchange(Unreadable(), "GET", URL),
        lambda log: log.exchange("sap", Unreadable(), URL),
        lambda log: log.exchange("sap", "GET", Unreadable()),
        lambda log: log.exchange("sap", "GET", None),
        lambda log: log.exchange("sap", "GET", URL, 5),
        lambda log: log.exchange("sap", "GET", URL, {5: 6}),
        lambda log: log.exchange("sap", "GET", URL, [("one",)]),
        lambda log: log.exchange("sap", "not a method", URL),
        lambda log: log.exchange("sap", "GET", URL, {}, {Unreadable(): 1}),
    ],
)
def test_nothing_that_a_host_gives_raises_and_each_event_has_an_outcome(exchange_log, call):
    with call(exchange_log) as exchange:
        exchange.respond("no status", 5, Unreadable())
        exchange.respond(200, {"A": "b"}, Unreadable())
    exchange.end()
    exchange.fail(ValueError())

    assert exchange_log.flush(30)
    assert (exchange_log.stats.accepted, pending(exchange_log.stats)) == (2, 0)


def test_a_full_queue_drops_and_counts(exchange_bus):
    log = log_to(exchange_bus, capacity=0)
    with log.exchange("sap", "GET", URL):
        pass
    log.close()

    assert (log.stats.dropped, exchange_bus.details) == (2, [])


def test_exchanges_are_spooled_redacted_and_replayed(exchange_bus, tmp_path):
    exchange_bus.unavailable = True
    log = log_to(exchange_bus, tmp_path, replay_every=0.02)
    with log.exchange("sap", "POST", URL, body=f'{{"password": "hunter2", "key": "{KEY}"}}'):
        pass
    assert log.flush(30)

    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "exchanges").glob("*.ndjson"))
    assert on_disk.count(b"requestId") == log.stats.spooled == 2
    assert b"hunter2" not in on_disk and KEY.encode() not in on_disk
    exchange_bus.unavailable = False
    log.close()
    again = log_to(exchange_bus, tmp_path, replay_every=0.02)
    with again.exchange("sap", "GET", URL):
        pass
    again.close()
    assert len(exchange_bus.exchanges) >= 1


@given(
    st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 60), st.sampled_from(["", "gzip", "deflate", "zstd"])
)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_capture_holds_the_beginning_and_counts_the_whole(chunks, limit, coding):
    capture = BodyCapture(limit, coding)
    for chunk in chunks:
        capture.add(chunk)

    whole = b"".join(chunks)
    assert (capture.content, capture.size) == (whole[:limit], len(whole))


def test_of_a_stream_no_more_than_the_limit_is_held():
    capture = BodyCapture(1000)
    for number in range(100):
        capture.add(bytes([number]) * 999)

    assert sum(map(len, capture._chunks)) == 1000


def test_a_bus_gets_each_event_once():
    bus = ExchangeBus()
    log = log_to(bus)
    exchange = log.start("sap", "GET", URL)
    for _ in range(2):
        exchange.open()
        exchange.end()
    log.close()

    assert [detail.get("status") for detail in bus.details] == [None, "SUCCESS"]
