"""Makes exchanges conform to the rules of `Record Exchange`: decoded, redacted, within the size of an event."""

import binascii
import codecs
import re
import zlib
from base64 import b64encode
from io import BytesIO
from typing import Any

import orjson

from chancery_client.conformance import conformed_field
from chancery_client.degradation import Degradation
from chancery_client.encoding import encode
from chancery_client.event_fields import Field
from chancery_client.event_format import ENVELOPE_BYTES, MAX_BYTES, EventFormat, EventRejected, single_entries
from chancery_client.exchange_bodies import CutBody
from chancery_client.json_values import storable
from chancery_client.redaction import redact, redact_bytes, redact_signatures, redact_text

_IDENTITY = ("", "identity")
MAX_BODY_BYTES = 128 * 1024  # of a captured body; what is larger would not fit into an event in base64
_ANY = re.compile("")
_ID = re.compile(r"[^\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IDS = ("tenantId", "parentRequestId", "systemCode", "endpointCode", "correlationId", "traceId")
_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_MOST_HEADERS, _MAX_HEADER, _MAX_URL, _MAX_TEXT = 1000, 32_768, 8192, 8192
_WINDOW_BITS = {"gzip": 47, "x-gzip": 47, "deflate": 15}  # of zlib
_NUMBERS = {"attemptNumber": (1, 10_000), "timeoutMs": (1, 7 * 24 * 3600 * 1000), "responseStatus": (100, 999)}
_BODY = "body"  # in the queue: name, length and content coding of the body
_BODIES = ("requestBody", "responseBody")
_MAY_BE_SIGNED = ("requestUrl", "requestHeaders", "responseHeaders", "error")  # with URLs in them


def encode_exchange(event: dict[str, Any], name: str, body: CutBody | None) -> bytes:
    """An event for the queue: JSON, and behind a NUL the body of the field `name` as it is."""
    if body is None or not body.content:
        return encode(event, Degradation())
    return encode(event | {_BODY: (name, body.size, body.coding)}, Degradation()) + b"\0" + body.content


def _decoded(encoded: bytes) -> tuple[dict[str, Any], dict[str, list[str]]]:
    head, _, content = encoded.partition(b"\0")
    event, changes = orjson.loads(head)
    if content:
        name, size, coding = event.pop(_BODY)
        event[name] = CutBody(content, size, coding.strip().lower())
    return event, changes


def conform_exchange(event: dict[str, Any], changes: Degradation) -> bytes:
    """The JSON of the beginning or the end of an exchange, redacted. Raises EventRejected.

    Bodies are decoded first: one in a content coding that is not known is left out, since it could not be redacted.
    """
    clean = {name: _conformed(name, value, changes) for name, value in event.items() if not name.startswith(_BODIES)}
    if clean.get("tenantId") is None:
        raise EventRejected("tenantId is missing")
    if "systemCode" in clean:
        clean["systemCode"] = clean["systemCode"] or "unknown"
    _redact_signed(clean)
    for name in _BODIES:
        if name in event:
            try:
                clean |= _body(name, event[name])
            except Exception:  # the exchange goes without a body that cannot be redacted
                changes.add("removed", name)
    clean = {name: value for name, value in clean.items() if value is not None}
    while len(detail := orjson.dumps(clean)) > MAX_BYTES - ENVELOPE_BYTES:
        _shorten(clean, changes)
    return detail


def _conformed(name: str, value: Any, changes: Degradation) -> Any:
    if name in _IDS:
        return conformed_field(Field(name, "id", 1, 255, _ID, ()), value, changes)
    if name in _NUMBERS:
        is_valid = type(value) is int and _NUMBERS[name][0] <= value <= _NUMBERS[name][1]
        if not is_valid:
            changes.add("removed", name)
        return value if is_valid else None
    if name in ("context", "actor"):
        ids = {key: conformed_field(Field(key, "id", 1, 255, _ID, ()), item, changes) for key, item in value.items()}
        return {key: item for key, item in ids.items() if item is not None} or None
    if name == "httpMethod" and not _METHOD.fullmatch(value):
        raise EventRejected("httpMethod is not one")
    if name == "requestUrl":
        if not value:
            raise EventRejected("requestUrl is empty")
        return _text(name, _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value), _MAX_URL, changes)
    if name in ("requestHeaders", "responseHeaders"):
        return _headers(name, value, changes)
    if name == "error":
        return {key: _text(f"error.{key}", item, _MAX_TEXT, changes) for key, item in value.items()}
    return value


def _headers(name: str, headers: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    if len(headers) > _MOST_HEADERS:
        changes.add("cut", name)
    clean: dict[str, Any] = storable(redact(dict(list(headers.items())[:_MOST_HEADERS])))
    for key, value in clean.items():
        cut = [item[:_MAX_HEADER] for item in value] if isinstance(value, list) else value[:_MAX_HEADER]
        if cut != value:
            changes.add("cut", name)
            clean[key] = cut
    return clean


def _text(name: str, value: str, most: int, changes: Degradation) -> Any:
    return conformed_field(Field(name, "text", 0, most, _ANY, ()), value, changes)


def _body(name: str, body: CutBody) -> dict[str, Any]:
    """The fields of a body, redacted: text as it is, bytes in base64; nothing where it cannot be decoded."""
    content, is_whole, size = body.content, body.size == len(body.content), body.size
    if body.coding not in _IDENTITY:
        content, is_end = _inflated(content, body.coding)
        is_whole, size = is_whole and is_end, max(size, len(content))
    if not content:
        return {}
    length = {} if is_whole else {f"{name}Bytes": size}
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content, final=is_whole)
    except UnicodeDecodeError:
        return {name: b64encode(redact_bytes(content)).decode(), f"{name}Encoding": "base64", **length}
    return {name: redact_text(text), **length}


def _inflated(body: bytes, coding: str) -> tuple[bytes, bool]:
    """The decoded beginning of a body, and whether it is the whole; empty where the coding is not known."""
    if coding == "zstd":
        return _decompressed(body)
    if coding not in _WINDOW_BITS:
        return b"", False
    decoder = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        return decoder.decompress(body, MAX_BODY_BYTES), decoder.eof
    except zlib.error:
        return b"", False


def _decompressed(body: bytes) -> tuple[bytes, bool]:
    """As `_inflated`, of zstd, where its library is installed: then httpx asks for it."""
    try:
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(BytesIO(body)) as reader:
            return reader.read(MAX_BODY_BYTES), not reader.read(1)
    except Exception:
        return b"", False


def _shorten(clean: dict[str, Any], changes: Degradation) -> None:
    """Cuts the body to its half, else the headers. Raises EventRejected where nothing is left to cut."""
    name = next((name for name in _BODIES if name in clean), None)
    if name is not None:
        changes.add("cut", name)
        body = clean[name]
        is_base64 = f"{name}Encoding" in clean
        length = len(binascii.a2b_base64(body)) if is_base64 else len(body.encode())
        clean.setdefault(f"{name}Bytes", length)
        clean[name] = body[: len(body) // 8 * 4]  # whole groups of base64
        if not clean[name]:
            del clean[name]
        return
    headers = next((name for name in ("requestHeaders", "responseHeaders") if name in clean), None)
    if headers is None:
        raise EventRejected(f"is longer than {MAX_BYTES - ENVELOPE_BYTES} bytes")
    changes.add("removed", headers)
    del clean[headers]


def _redact_signed(clean: dict[str, Any]) -> None:
    for name in _MAY_BE_SIGNED:
        if name in clean:
            clean[name] = redact_signatures(clean[name])


def _redacted(event: dict[str, Any]) -> dict[str, Any]:
    """A redacted copy without the bodies, of an exchange that does not conform."""
    copy: dict[str, Any] = redact({name: value for name, value in event.items() if not name.startswith(_BODIES)})
    _redact_signed(copy)
    return copy


EXCHANGES = EventFormat("EXCHANGE", "Record Exchange", conform_exchange, _redacted, single_entries, _decoded)
