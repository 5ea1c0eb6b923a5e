"""Transports that log every call of an httpx client as an exchange. Needs httpx, which the client does not.

httpx.Client(transport=ExchangeTransport(log))
httpx.AsyncClient(transport=AsyncExchangeTransport(log))
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

import httpx

from chancery_client.exchange_bodies import BodyCapture
from chancery_client.exchanges import Exchange, ExchangeLog

type _Stream = httpx.SyncByteStream | httpx.AsyncByteStream


class ExchangeTransport(httpx.BaseTransport):
    """Logs calls that another transport makes: httpx's own with its defaults, unless `transport` is given."""

    def __init__(
        self, log: ExchangeLog, system_code: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._log, self._system_code = log, system_code
        self._transport = transport or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange, stream = _started(self._log, self._system_code, request), request.stream
        sent = None if exchange.is_open else _CapturedStream(stream, _capture(self._log, request))
        try:
            if sent:
                request.stream = sent
            response = self._transport.handle_request(request)
        except BaseException as exc:
            _opened(exchange, sent)
            exchange.fail(exc)
            raise
        finally:
            request.stream = stream  # httpx sends a request again after a redirect or a challenge
        _opened(exchange, sent)
        if _responded(exchange, response):
            response.stream = _LoggedStream(response.stream, _capture(self._log, response), exchange)
        return response

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._transport.__exit__(exc_type, exc_value, traceback)


class AsyncExchangeTransport(httpx.AsyncBaseTransport):
    """As `ExchangeTransport`, for an AsyncClient."""

    def __init__(
        self, log: ExchangeLog, system_code: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._log, self._system_code = log, system_code
        self._transport = transport or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange, stream = _started(self._log, self._system_code, request), request.stream
        sent = None if exchange.is_open else _AsyncCapturedStream(stream, _capture(self._log, request))
        try:
            if sent:
                request.stream = sent
            response = await self._transport.handle_async_request(request)
        except BaseException as exc:
            _opened(exchange, sent)
            exchange.fail(exc)
            raise
        finally:
            request.stream = stream
        _opened(exchange, sent)
        if _responded(exchange, response):
            response.stream = _AsyncLoggedStream(response.stream, _capture(self._log, response), exchange)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(exc_type, exc_value, traceback)


def _started(log: ExchangeLog, system_code: str | None, request: httpx.Request) -> Exchange:
    """The exchange of a request, opened unless its body is a stream."""
    exchange = log.start(system_code, request.method, str(request.url), _decoded(request.headers))
    with suppress(httpx.RequestNotRead):
        exchange.open(request.content)
    return exchange


def _capture(log: ExchangeLog, message: httpx.Request | httpx.Response) -> BodyCapture:
    return BodyCapture(log.max_body_bytes, message.headers.get("content-encoding", ""))


def _opened(exchange: Exchange, sent: "_CapturedStream | _AsyncCapturedStream | None") -> None:
    """Opens an exchange with the body that was streamed."""
    if sent:
        exchange.open(sent.capture)


def _responded(exchange: Exchange, response: httpx.Response) -> bool:
    """Notes the response; whether its body is still to come. A transport for tests may have read it already."""
    exchange.respond(response.status_code, _decoded(response.headers))
    if response.is_closed:
        exchange.end(response.content)
    return not response.is_closed


def _decoded(headers: httpx.Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


class _CapturedStream(httpx.SyncByteStream):
    """The body of a request that passes by."""

    def __init__(self, stream: _Stream, capture: BodyCapture) -> None:
        self._stream, self.capture = stream, capture

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._stream, httpx.SyncByteStream)
        for chunk in self._stream:
            self.capture.add(chunk)
            yield chunk

    def close(self) -> None:
        assert isinstance(self._stream, httpx.SyncByteStream)
        self._stream.close()


class _AsyncCapturedStream(httpx.AsyncByteStream):
    """As `_CapturedStream`."""

    def __init__(self, stream: _Stream, capture: BodyCapture) -> None:
        self._stream, self.capture = stream, capture

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        async for chunk in self._stream:
            self.capture.add(chunk)
            yield chunk

    async def aclose(self) -> None:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        await self._stream.aclose()


class _LoggedStream(_CapturedStream):
    """The body of a response that passes by; its end is that of the exchange."""

    def __init__(self, stream: _Stream, capture: BodyCapture, exchange: Exchange) -> None:
        super().__init__(stream, capture)
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        add = self.capture.add
        try:
            for chunk in self._stream:  # type: ignore[union-attr]
                add(chunk)
                yield chunk
        except GeneratorExit:  # the host stops reading, and closes
            raise
        except BaseException as exc:
            self._exchange.fail(exc, self.capture)
            raise
        self._exchange.end(self.capture)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._exchange.end(self.capture)


class _AsyncLoggedStream(_AsyncCapturedStream):
    """As `_LoggedStream`."""

    def __init__(self, stream: _Stream, capture: BodyCapture, exchange: Exchange) -> None:
        super().__init__(stream, capture)
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        add = self.capture.add
        try:
            async for chunk in self._stream:  # type: ignore[union-attr]
                add(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as exc:
            self._exchange.fail(exc, self.capture)
            raise
        self._exchange.end(self.capture)

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            self._exchange.end(self.capture)
