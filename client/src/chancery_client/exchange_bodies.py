"""What of a request or response goes into the queue: the beginning of its body, and headers without credentials."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from chancery_client.encoding import json_default
from chancery_client.redaction import REDACTED

_CHUNK = 64 * 1024  # characters
# Their values are credentials, whatever they look like: they do not even reach the queue.
_SECRET_HEADERS = frozenset(
    (
        *("authorization", "proxy-authorization", "cookie", "set-cookie"),
        *("x-api-key", "api-key", "x-auth-token", "x-functions-key", "ocp-apim-subscription-key"),
    )
)

type Headers = Mapping[str, str | bytes] | Mapping[str, str] | Iterable[tuple[str, str]]


class BodyCapture:
    """The beginning of a body that passes by, and the length of the whole. Holds `limit` bytes at most.

    `coding`: the content coding of what passes by.
    """

    __slots__ = ("_chunks", "_limit", "coding", "size")

    def __init__(self, limit: int, coding: str = "") -> None:
        self._limit, self.coding, self.size = limit, coding, 0
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Adds the next part of the body."""
        if (room := self._limit - self.size) > 0:
            self._chunks.append(chunk[:room])
        self.size += len(chunk)

    @property
    def content(self) -> bytes:
        """The beginning of the body."""
        return b"".join(self._chunks)


class CutBody(NamedTuple):
    """The beginning of a body, the length of the whole, and its content coding."""

    content: bytes
    size: int
    coding: str = ""


def cut_body(body: Any, limit: int, coding: str = "") -> CutBody:
    """The first `limit` bytes of a body: text, bytes in a content coding, a `BodyCapture`, or a JSON value."""
    if isinstance(body, BodyCapture):
        return CutBody(body.content, body.size, body.coding)
    if isinstance(body, str):
        size = len(body)
        if not body.isascii():
            size = sum(len(body[at : at + _CHUNK].encode(errors="replace")) for at in range(0, len(body), _CHUNK))
        return CutBody(body[:limit].encode(errors="replace")[:limit], size)
    if isinstance(body, bytes | bytearray | memoryview):
        view = memoryview(body).cast("B")
        return CutBody(bytes(view[:limit]), view.nbytes, coding)
    content = orjson.dumps(body, default=json_default, option=orjson.OPT_NON_STR_KEYS)
    return CutBody(content[:limit], len(content))


def header_fields(headers: Headers) -> dict[str, Any]:
    """Headers by name, in lists where they are given more than once, without the values of credentials."""
    found: dict[str, Any] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        if name.lower() in _SECRET_HEADERS:
            found[name] = REDACTED
        elif name not in found:
            found[name] = value if isinstance(value, str) else value.decode("latin-1")
        else:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
    return found


def coding_of(headers: Mapping[str, Any]) -> str:
    """The content coding that headers name."""
    for name, value in headers.items():
        if len(name) == 16 and name.lower() == "content-encoding":
            return str(value)
    return ""
