"""The HTTP client for requests to other systems: calls, token exchanges, webhooks, streams.

    client = OutboundClient.deployed()
    response = client.send(OutboundRequest("POST", "https://api.example.org/orders", body=b"{}"), Limits(total=30))

Every request is guarded: the URL has one reading, every address of its name is checked, and the connection goes to a
checked address. Redirects are not followed, since each is another destination: a 3xx is a response like any other.
Proxies of the environment are not used. Each request has a connection of its own.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple, Self

from chancery.core.errors import TooLarge, UnsupportedMediaType, ValidationFailed
from chancery.core.outbound import http1
from chancery.core.outbound.addresses import Network, networks
from chancery.core.outbound.connecting import Lookup, connect
from chancery.core.outbound.destination import Destination
from chancery.core.outbound.errors import (
    BodyDamaged,
    BodyTooLarge,
    CodingUnsupported,
    OutboundError,
    RequestRefused,
    TextInvalid,
)
from chancery.core.outbound.own_headers import OWN_HEADERS
from chancery.core.outbound.stream import TimedStream
from chancery.core.settings import load
from chancery.core.web.content_coding import decoded

_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1"}


class OutboundSettings(NamedTuple):
    """Private ranges that requests may go to: CIDR blocks with commas between."""

    outbound_private_ranges: str = ""


class OutboundRequest(NamedTuple):
    """A request; `headers` without those about the connection and the body's length."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class Limits(NamedTuple):
    """Bounds of one exchange: seconds, and the bytes of the response's body, also when it is decompressed."""

    connect: float = 5
    idle: float = 30  # without a byte, in either direction
    total: float = 30
    body_bytes: int = 10_000_000


DEFAULT_LIMITS = Limits()


class OutboundResponse(NamedTuple):
    """A response; names of `headers` are in lower case, and `body` has no content coding."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in lower case."""
        return next((value for other, value in self.headers if other == name), None)

    def text(self) -> str:
        """The body as text, by the charset of its Content-Type, else UTF-8. Raises TextInvalid."""
        charset = (self.header("content-type") or "").lower().partition("charset=")[2].partition(";")[0].strip(' "')
        if charset and charset not in _CHARSETS:
            raise TextInvalid("The response's charset is none of UTF-8, US-ASCII and ISO-8859-1.")
        codec = _CHARSETS[charset or "utf-8"]
        try:
            return self.body.decode(codec)
        except UnicodeDecodeError as exc:
            raise TextInvalid(f"The response's body is not {codec} at byte {exc.start}.") from None


class OutboundClient:
    """Sends requests to public addresses and to stated private ranges.

    `tls`, `lookup`: a context with other authorities and another resolver, for tests.
    """

    def __init__(
        self,
        private_ranges: Sequence[Network] = (),
        *,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        self._stated = private_ranges
        self._tls = tls
        self._lookup = lookup

    @classmethod
    def deployed(cls) -> Self:
        """The client of a deployed function. Raises ValueError where the stated ranges are none."""
        return cls(networks(load(OutboundSettings).outbound_private_ranges))

    def send(self, request: OutboundRequest, limits: Limits = DEFAULT_LIMITS) -> OutboundResponse:
        """Sends a request once and returns the whole response, whatever its status. Raises OutboundError."""
        until = time.monotonic() + limits.total
        destination = Destination.parse(request.url)
        headers = _headers(request, destination)
        seconds = min(limits.connect, limits.total)
        with closing(connect(destination, self._stated, seconds, self._lookup, self._tls)) as connected:
            stream = TimedStream(connected, limits.idle, until)
            raw = http1.exchange(
                stream,
                request.method,
                destination.target,
                headers,
                request.body,
                limits.body_bytes,
                http1.HeaderLimits(),
            )
        return _decoded(raw, limits.body_bytes)


def _headers(request: OutboundRequest, destination: Destination) -> list[tuple[str, str]]:
    """All headers of a request. Raises RequestRefused."""
    if taken := sorted({name for name, _ in request.headers if name.lower() in OWN_HEADERS}):
        raise RequestRefused(f"These headers follow from the request and cannot be set: {', '.join(taken)}.")
    own = [("Host", destination.authority), ("Connection", "close"), ("Accept-Encoding", "gzip")]
    if not any(name.lower() == "user-agent" for name, _ in request.headers):
        own.append(("User-Agent", "Chancery"))
    if request.body or request.method not in ("GET", "HEAD"):
        own.append(("Content-Length", str(len(request.body))))
    return [*own, *request.headers]


def _decoded(raw: http1.RawResponse, most: int) -> OutboundResponse:
    """A response without its content coding. Raises BodyTooLarge, BodyDamaged and CodingUnsupported."""
    coding = ",".join(value for name, value in raw.headers if name == "content-encoding")
    try:
        body = decoded(raw.body, coding, most) if raw.body else b""
    except TooLarge:
        raise _at(raw, BodyTooLarge(f"The response's body is larger than {most} bytes when decompressed.")) from None
    except UnsupportedMediaType:
        raise _at(raw, CodingUnsupported("The response's Content-Encoding is not gzip.")) from None
    except ValidationFailed:
        raise _at(raw, BodyDamaged("The response's body is not valid gzip.")) from None
    return OutboundResponse(raw.status, raw.headers, body)


def _at(raw: http1.RawResponse, error: OutboundError) -> OutboundError:
    error.status, error.headers = raw.status, raw.headers
    return error
