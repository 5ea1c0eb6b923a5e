"""One HTTP/1.1 exchange over a connected stream (RFC 9112); h11 parses, this module reads, counts and stops."""

from collections.abc import Sequence
from typing import NamedTuple

import h11

from chancery.core.outbound.errors import (
    BodyIncomplete,
    BodyTooLarge,
    ConnectionClosed,
    ConnectionReset,
    HeadersTooLarge,
    OutboundError,
    ProtocolViolated,
    RequestRefused,
)
from chancery.core.outbound.stream import TimedStream

type Headers = Sequence[tuple[str, str]]

_READ = 65_536


class RawResponse(NamedTuple):
    """A response as it was sent: the body still has its content coding."""

    status: int
    headers: Headers
    body: bytes


class HeaderLimits(NamedTuple):
    """The most that a response may have in front of its body."""

    number: int = 200
    size: int = 65_536  # bytes


def exchange(
    stream: TimedStream, method: str, target: str, headers: Headers, body: bytes, most: int, limits: HeaderLimits
) -> RawResponse:
    """Sends a request and reads its response, whose body has at most `most` bytes.

    Raises RequestRefused before anything is sent, the kinds of AnswerMissing, and AnswerUnusable.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.size)
    data = _request(connection, method, target, headers, body)
    stream.send(data)  # where it is not taken whole, there may be an answer that says why
    reader = _ResponseReader(connection, stream, most, limits)
    try:
        return reader.read()
    except OutboundError as exc:
        exc.status, exc.headers = reader.status, reader.headers
        raise


def _request(connection: h11.Connection, method: str, target: str, headers: Headers, body: bytes) -> bytes:
    try:
        events = [h11.Request(method=method, target=target, headers=list(headers)), h11.EndOfMessage()]
        if body:
            events.insert(1, h11.Data(data=body))
        return b"".join(connection.send(event) or b"" for event in events)
    except (h11.LocalProtocolError, UnicodeEncodeError):
        raise RequestRefused("The method, path or a header has a character that HTTP does not allow.") from None


class _ResponseReader:
    def __init__(self, connection: h11.Connection, stream: TimedStream, most: int, limits: HeaderLimits) -> None:
        self._connection = connection
        self._stream = stream
        self._most = most
        self._limits = limits
        self.status: int | None = None
        self.headers: Headers = ()

    def read(self) -> RawResponse:
        body = bytearray()
        while True:
            event = self._event()
            if isinstance(event, h11.Response):
                self._head(event)
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._most:
                    raise BodyTooLarge(f"The response's body is larger than {self._most} bytes.")
            elif isinstance(event, h11.EndOfMessage) and self.status is not None:
                return RawResponse(self.status, self.headers, bytes(body))

    def _event(self) -> h11.Event:
        """The next event of h11, for which as many bytes are read as it takes."""
        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                self._receive()
        except h11.RemoteProtocolError as exc:
            raise self._violation(exc) from exc
        if isinstance(event, h11.Event) and not isinstance(event, h11.ConnectionClosed):
            return event
        raise ConnectionClosed("The connection was closed without a response.")

    def _receive(self) -> None:
        try:
            data = self._stream.receive(_READ)
        except ConnectionReset as exc:
            if self.status is None:
                raise
            raise BodyIncomplete("The connection was reset before the response's body was complete.") from exc
        if not data and self.status is None:
            raise ConnectionClosed("The connection was closed before there was a whole response.")
        if not data and self._connection.trailing_data[1]:
            raise self._incomplete()
        self._connection.receive_data(data)

    def _violation(self, exc: h11.RemoteProtocolError) -> OutboundError:
        if exc.error_status_hint == 431:
            return HeadersTooLarge(f"The response's headers are larger than {self._limits.size} bytes.")
        return (
            self._incomplete()
            if self._connection.trailing_data[1]
            else ProtocolViolated("The response is not HTTP/1.1.")
        )

    @staticmethod
    def _incomplete() -> BodyIncomplete:
        return BodyIncomplete("The connection was closed before the response's body was complete.")

    def _head(self, response: h11.Response) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
        self.status, self.headers = response.status_code, headers[: self._limits.number]
        if len(headers) > self._limits.number:
            raise HeadersTooLarge(f"The response has {len(headers)} headers, more than {self._limits.number}.")
