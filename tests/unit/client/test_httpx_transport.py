"""Every call of an httpx client is logged, sync and async, and nothing of the call changes."""

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from chancery_client import ExchangeLog, exchange_details
from chancery_client.httpx_transport import AsyncExchangeTransport, ExchangeTransport
from tests.http_server import QuietHandler, serving

go_on = threading.Event()  # the peer has its second chunk wait for it


class Peer(QuietHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802
        {"/slow": self._slow, "/half": self._half, "/there": self._there, "/gzip": self._gzip}.get(
            self.path, lambda: self.respond(200, b"found")
        )()

    def do_POST(self) -> None:  # noqa: N802
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
        else:
            body = self.body()
        if self.path == "/moved":
            self.respond(307, b"", {"Location": "/echo"})
        else:
            self.respond(500 if self.path == "/fails" else 201, body)

    def _gzip(self) -> None:
        self.respond(200, gzip.compress(b'{"password": "hunter2"}'), {"Content-Encoding": "gzip"})

    def _slow(self) -> None:
        self.respond(200, b"first,", {"Content-Length": "12"})
        self.wfile.flush()
        go_on.wait(30)
        self.wfile.write(b"second")

    def _half(self) -> None:
        self.respond(200, b"half", {"Content-Length": "100"})
        self.close_connection = True

    def _there(self) -> None:
        self.respond(302, b"", {"Location": "/gzip"})


@pytest.fixture(scope="module")
def peer():
    with serving(Peer) as url:
        yield url


type Send = Callable[..., httpx.Response]


@pytest.fixture(params=["sync", "async"])
def send(request, exchange_log: ExchangeLog) -> Send:
    """Sends a request with a client that logs; the response has been read."""

    def sync(method: str, url: str, *, transport: Any = None, chunks: Any = None, **options: Any) -> httpx.Response:
        with httpx.Client(transport=ExchangeTransport(exchange_log, "sap", transport), follow_redirects=True) as client:
            streamed = {"content": iter(chunks)} if chunks else {}
            return client.request(method, url, **streamed, **options)

    def asynchronous(
        method: str, url: str, *, transport: Any = None, chunks: Any = None, **options: Any
    ) -> httpx.Response:
        async def stream():
            for chunk in chunks:
                yield chunk

        async def run() -> httpx.Response:
            own = AsyncExchangeTransport(exchange_log, "sap", transport)
            async with httpx.AsyncClient(transport=own, follow_redirects=True) as client:
                streamed = {"content": stream()} if chunks else {}
                return await client.request(method, url, **streamed, **options)

        return asyncio.run(run())

    return sync if request.param == "sync" else asynchronous


def test_a_call_is_logged_with_request_and_response(send, peer, logged):
    response = send("POST", f"{peer}/echo", json={"a": 1}, headers={"Authorization": "Bearer abc", "Cookie": "a=b"})

    (found,) = logged()
    assert (response.status_code, response.json()) == (201, {"a": 1})
    assert (found["systemCode"], found["httpMethod"], found["requestUrl"]) == ("sap", "POST", f"{peer}/echo")
    assert (found["requestBody"], found["responseBody"]) == ('{"a":1}', '{"a":1}')
    assert (found["responseStatus"], found["status"]) == (201, "SUCCESS")
    assert found["requestHeaders"]["Authorization"] == found["requestHeaders"]["Cookie"] == "[REDACTED]"
    assert found["responseHeaders"]["Content-Length"] == "7"


def test_a_compressed_response_is_logged_in_clear_and_redacted(send, peer, logged):
    assert send("GET", f"{peer}/gzip").json() == {"password": "hunter2"}

    assert [each["responseBody"] for each in logged()] == ['{"password": "[REDACTED]"}']


def test_a_request_that_is_streamed_is_logged_once_it_has_been_sent(send, peer, logged):
    response = send("POST", f"{peer}/echo", chunks=[b"a" * 30_000, b"b" * 30_000])

    (found,) = logged()
    assert response.content == b"a" * 30_000 + b"b" * 30_000
    assert found["requestBody"] == found["responseBody"] == "a" * 30_000 + "b" * 2_768
    assert found["requestBodyBytes"] == found["responseBodyBytes"] == 60_000


def test_multipart_is_logged(send, peer, logged):
    send("POST", f"{peer}/echo", files={"file": ("a.txt", b"content")})

    assert ["content" in each["requestBody"] for each in logged()] == [True]


@pytest.mark.parametrize(("path", "statuses"), [("/moved", [307, 201]), ("/there", [302, 200])])
def test_each_hop_of_a_redirect_is_an_exchange(send, peer, logged, path, statuses):
    response = send(
        "POST" if path == "/moved" else "GET", f"{peer}{path}", **({"content": b"x"} if path == "/moved" else {})
    )

    found = logged()
    assert response.status_code == statuses[-1]
    assert [each["responseStatus"] for each in found] == statuses
    assert [each.get("requestBody") for each in found] == (["x", "x"] if path == "/moved" else [None, None])


def test_an_error_of_the_server_is_a_failed_exchange(send, peer, logged):
    assert send("POST", f"{peer}/fails", content=b"no").status_code == 500

    assert [(each["status"], each["responseBody"]) for each in logged()] == [("FAILED", "no")]


def test_a_peer_that_is_not_there_is_a_failed_exchange(send, logged):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError):
            send("POST", f"http://127.0.0.1:{nobody.getsockname()[1]}/", chunks=[b"a"])

    (found,) = logged()
    assert (found["status"], found["error"]["type"]) == ("FAILED", "httpx.ConnectError")
    assert "responseStatus" not in found


def test_a_response_that_does_not_come_in_time_is_a_timeout(send, peer, logged):
    go_on.clear()
    try:
        with pytest.raises(httpx.ReadTimeout):
            send("GET", f"{peer}/slow", timeout=0.2)
    finally:
        go_on.set()

    (found,) = logged()
    assert (found["status"], found["responseStatus"], found["responseBody"]) == ("TIMEOUT", 200, "first,")
    assert found["error"]["type"] == "httpx.ReadTimeout"


def test_a_response_that_breaks_off_is_a_failed_exchange(send, peer, logged):
    with pytest.raises(httpx.RemoteProtocolError):
        send("GET", f"{peer}/half")

    (found,) = logged()
    assert (found["status"], found["responseStatus"], found["responseBody"]) == ("FAILED", 200, "half")


def test_a_transport_for_tests_that_has_read_its_response_is_logged(send, logged):
    response = send(
        "GET", "https://sap.example/", transport=httpx.MockTransport(lambda _: httpx.Response(200, text="x"))
    )

    assert response.text == "x"
    assert [(each["responseBody"], each["status"]) for each in logged()] == [("x", "SUCCESS")]


def test_a_streamed_response_is_passed_on_as_it_comes(peer, exchange_log, logged):
    go_on.clear()
    with (
        httpx.Client(transport=ExchangeTransport(exchange_log)) as client,
        client.stream("GET", f"{peer}/slow") as response,
    ):
        chunks = response.iter_raw()
        assert next(chunks) == b"first,"
        go_on.set()
        assert [*chunks] == [b"second"]

    (found,) = logged()
    assert (found["systemCode"], found["responseBody"]) == ("127.0.0.1", "first,second")


def test_an_asynchronously_streamed_response_is_passed_on_as_it_comes(peer, exchange_log, logged):
    async def run() -> None:
        transport = AsyncExchangeTransport(exchange_log)
        async with httpx.AsyncClient(transport=transport) as client, client.stream("GET", f"{peer}/slow") as response:
            chunks = response.aiter_raw()
            assert await anext(chunks) == b"first,"
            go_on.set()
            assert [chunk async for chunk in chunks] == [b"second"]

    go_on.clear()
    asyncio.run(run())

    assert [each["responseBody"] for each in logged()] == ["first,second"]


def test_a_response_that_is_closed_early_ends_the_exchange_with_what_was_read(peer, exchange_log, logged):
    go_on.clear()
    with (
        httpx.Client(transport=ExchangeTransport(exchange_log)) as client,
        client.stream("GET", f"{peer}/slow") as response,
    ):
        assert next(response.iter_raw()) == b"first,"
    go_on.set()

    (found,) = logged()
    assert (found["status"], found["responseBody"]) == ("SUCCESS", "first,")


def test_a_call_that_is_cancelled_is_a_cancelled_exchange(peer, exchange_log, logged):
    async def run() -> None:
        async with httpx.AsyncClient(transport=AsyncExchangeTransport(exchange_log)) as client:
            async with asyncio.timeout(0.2):
                await client.get(f"{peer}/slow")

    go_on.clear()
    with pytest.raises(TimeoutError):
        asyncio.run(run())
    go_on.set()

    (found,) = logged()
    assert found["status"] == "CANCELLED"
    assert found["error"]["type"] == "asyncio.exceptions.CancelledError"


def test_calls_have_the_details_of_their_block_and_it_the_id_of_the_last_one(send, peer, logged):
    with exchange_details(endpoint_code="orders", entity_id="7") as details:
        send("GET", f"{peer}/")

    (found,) = logged()
    assert (found["endpointCode"], found["context"]) == ("orders", {"entityId": "7"})
    assert details.request_id == found["requestId"]


def test_a_challenge_is_answered_and_logged_as_a_call_of_its_own(exchange_log, logged):
    def answer(request: httpx.Request) -> httpx.Response:
        if "Authorization" in request.headers:
            return httpx.Response(200)
        return httpx.Response(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})

    transport = ExchangeTransport(exchange_log, "sap", httpx.MockTransport(answer))
    with httpx.Client(transport=transport, auth=httpx.DigestAuth("sarah", "hunter2")) as client:
        assert client.post("https://sap.example/", content=b"body").status_code == 200

    assert [(each["responseStatus"], each["requestBody"]) for each in logged()] == [(401, "body"), (200, "body")]


def test_the_inner_transport_is_entered_and_closed(exchange_log):
    class Inner(httpx.MockTransport):
        calls: list[str] = []  # noqa: RUF012

        def __enter__(self):
            self.calls.append("enter")
            return self

        def __exit__(self, *_: object) -> None:
            self.calls.append("exit")

        def close(self) -> None:
            self.calls.append("close")

    inner = Inner(lambda _: httpx.Response(200))
    with httpx.Client(transport=ExchangeTransport(exchange_log, None, inner)):
        pass
    httpx.Client(transport=ExchangeTransport(exchange_log, None, inner)).close()

    assert inner.calls == ["enter", "exit", "close"]
