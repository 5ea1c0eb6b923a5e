"""The time that logging adds to a call of httpx and of requests: `python -m benchmarks.exchange_log`.

The peer is a transport that answers at once, so that the difference is the logging's; calls with it and without it
alternate. A host waits for its peers, and the background thread works meanwhile; here it works between the calls, for a
bus that accepts at once, and its time is printed by itself.
"""

import asyncio
import io
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import orjson
import requests
from requests.adapters import BaseAdapter

from chancery_client import ExchangeLog
from chancery_client.httpx_transport import AsyncExchangeTransport, ExchangeTransport
from chancery_client.requests_adapter import ExchangeAdapter

CALLS, WARM_UP, PAUSE_EVERY = 2_000, 200, 40  # 80 events, fewer than start the thread
URL = "https://sap.example/v1/orders?company=1000"
HEADERS = {"Content-Type": "application/json", "Date": "Fri, 27 Nov 2026 10:00:00 GMT", "Server": "sap", "ETag": '"7"'}
BODIES = {"1 KB": orjson.dumps({"lines": ["a" * 40] * 24}), "64 KB": orjson.dumps({"lines": ["a" * 40] * 1_500})}


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is read from a stream."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class Peer(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers at once with the body of the request."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HEADERS, stream=Body(request.content))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HEADERS, stream=Body(request.content))


class PeerAdapter(BaseAdapter):
    """As `Peer`, for requests."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        from urllib3 import HTTPResponse

        response = requests.Response()
        response.status_code, response.request = 200, request
        response.headers.update(HEADERS)
        response.raw = HTTPResponse(io.BytesIO(request.body), preload_content=False)  # type: ignore[arg-type]
        return response

    def close(self) -> None:
        pass


def main() -> None:
    """Prints minimum and median of calls without and with the log, in microseconds, and what it adds."""
    log = ExchangeLog("bus", tenant_id="acme", linger=600, put_events=_accept)
    for size, body in BODIES.items():
        _synchronous(size, body, log)
        asyncio.run(_asynchronous(size, body, log))
        _of_requests(size, body, log)
    print(log.stats)
    log.close()


def _synchronous(size: str, body: bytes, log: ExchangeLog) -> None:
    with httpx.Client(transport=Peer()) as plain, httpx.Client(transport=ExchangeTransport(log, None, Peer())) as own:
        _report(f"httpx, {size}", log, lambda: plain.post(URL, content=body), lambda: own.post(URL, content=body))


def _of_requests(size: str, body: bytes, log: ExchangeLog) -> None:
    plain, own = requests.Session(), requests.Session()
    plain.mount("https://", PeerAdapter())
    own.mount("https://", ExchangeAdapter(log, None, PeerAdapter()))
    _report(f"requests, {size}", log, lambda: plain.post(URL, data=body), lambda: own.post(URL, data=body))


async def _asynchronous(size: str, body: bytes, log: ExchangeLog) -> None:
    async with (
        httpx.AsyncClient(transport=Peer()) as plain,
        httpx.AsyncClient(transport=AsyncExchangeTransport(log, None, Peer())) as own,
    ):
        times: tuple[list[float], list[float]] = ([], [])
        background = 0.0
        for number in range(CALLS + WARM_UP):
            for client, found in _in_turn(number, (plain, times[0]), (own, times[1])):
                begin = time.perf_counter_ns()
                await client.post(URL, content=body)
                found.append((time.perf_counter_ns() - begin) / 1000)
            background += _pause(number, log)
    _print(f"httpx async, {size}", *times, background)


def _report(name: str, log: ExchangeLog, plain: Callable[[], Any], logged: Callable[[], Any]) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    background = 0.0
    for number in range(CALLS + WARM_UP):
        for call, found in _in_turn(number, (plain, times[0]), (logged, times[1])):
            begin = time.perf_counter_ns()
            call()
            found.append((time.perf_counter_ns() - begin) / 1000)
        background += _pause(number, log)
    _print(name, *times, background)


def _in_turn[T](number: int, first: T, second: T) -> tuple[T, T]:
    """Each of the two is first in every other turn."""
    return (first, second) if number % 2 else (second, first)


def _pause(number: int, log: ExchangeLog) -> float:
    """Lets the background thread send what is queued; the microseconds that it takes."""
    if number % PAUSE_EVERY:
        return 0.0
    begin = time.perf_counter_ns()
    log.flush(60)
    return (time.perf_counter_ns() - begin) / 1000


def _print(name: str, plain: list[float], logged: list[float], background: float) -> None:
    background /= len(logged)
    plain, logged = plain[WARM_UP:], logged[WARM_UP:]
    low, middle = min(logged) - min(plain), statistics.median(logged) - statistics.median(plain)
    print(
        f"{name}: without min {min(plain):.0f}, median {statistics.median(plain):.0f}; with min {min(logged):.0f}, "
        f"median {statistics.median(logged):.0f}; adds min {low:.0f}, median {middle:.0f} µs; "
        f"in the background {background:.0f} µs"
    )


def _accept(Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 (boto3's name)
    return {"Entries": [{} for _ in Entries]}


if __name__ == "__main__":
    main()
