"""Makes log lines conform to the rules of `Record Log Entry`, and packs many of them into an event."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson

from chancery_client.conformance import conformed_field
from chancery_client.degradation import MARK, Degradation
from chancery_client.event_fields import Field
from chancery_client.event_format import ENVELOPE_BYTES, MAX_BYTES, MAX_ENTRIES, Entry, EventFormat, EventRejected
from chancery_client.redaction import redact, redact_text

_ANY = re.compile("")
_ID = re.compile(r"[^\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IDS = ("tenantId", "userId", "sessionId", "activityId", "goalId", "correlationId", "traceId")
_LABELS = {"logger": 255, "method": 255, "release": 255, "endpoint": 2048}  # characters
_TEXTS = {"message": 32_768, "template": 32_768}
_ERROR = {"message": 32_768, "stack": 65_536}
MAX_CAUSES = 20
_NUMBERS: dict[str, tuple[Any, float]] = {"statusCode": (int, 999), "durationMs": (int | float, 1e12)}
_CUT = 4096  # characters of the texts of a line that is too large
_MAX_LINES = 500  # of an event
_PACKED_BYTES = 256  # of the beginning and the end of an event with many lines


def conform_line(line: dict[str, Any], changes: Degradation) -> bytes:
    """The JSON of a line (`kind`, `tenantId`, `id` come first), redacted. Raises EventRejected for a wrong tenant."""
    clean: dict[str, Any] = {}
    for name, value in line.items():
        conformed = _conformed(name, value, changes)
        if conformed is not None:
            clean[name] = conformed
    if changes:
        clean["attributes"] = {**clean.get("attributes", {}), MARK: changes}
    detail = orjson.dumps(clean)
    if len(detail) > _largest():
        detail = orjson.dumps(_shortened(clean, changes))
    if len(detail) > _largest():
        raise EventRejected(f"is longer than {_largest()} bytes")
    return detail


def packed_entries(details: dict[int, bytes]) -> Iterator[list[Entry]]:
    """Calls in which an entry has up to 500 lines of the same kind and tenant as its `records`."""
    groups: dict[bytes, list[int]] = {}
    size = lines = 0
    for key, detail in details.items():
        head = _head(detail)
        is_full = size + len(detail) > MAX_BYTES - MAX_ENTRIES * _PACKED_BYTES or lines == _MAX_LINES
        if groups and (is_full or (head not in groups and len(groups) == MAX_ENTRIES)):
            yield [_packed(group, keys, details) for group, keys in groups.items()]
            groups, size, lines = {}, 0, 0
        groups.setdefault(head, []).append(key)
        size, lines = size + len(detail), lines + 1
    if groups:
        yield [_packed(group, keys, details) for group, keys in groups.items()]


def _packed(head: bytes, keys: list[int], details: dict[int, bytes]) -> Entry:
    records = b",".join(b"{" + details[key][len(head) + 1 :] for key in keys)
    return Entry(head + b',"records":[' + records + b"]}", tuple(keys))


def _head(detail: bytes) -> bytes:
    """The beginning of a line up to its id: kind and tenant. In a text the quotes would be escaped."""
    return detail[: detail.index(b',"id":"')]


def _largest() -> int:
    return MAX_BYTES - ENVELOPE_BYTES - MAX_ENTRIES * _PACKED_BYTES


def _conformed(name: str, value: Any, changes: Degradation) -> Any:
    if name in _IDS:
        return conformed_field(Field(name, "id", 1, 255, _ID, ()), value, changes)
    if name in _TEXTS:
        return _text(name, value, _TEXTS[name], changes)
    if name in _LABELS:
        return _label(name, value, _LABELS[name], changes)
    if name == "attributes":
        return conformed_field(Field(name, "object", 0, 0, _ANY, ()), value, changes)
    if name in _NUMBERS:
        is_valid = isinstance(value, _NUMBERS[name][0]) and 0 <= value <= _NUMBERS[name][1]
        if not is_valid:
            changes.add("removed", name)
        return value if is_valid else None
    if name == "error":
        error = _error(value, changes)
        causes = [_error(cause, changes) for cause in value.get("causes", ())]
        return {**error, "causes": causes} if causes else error
    return value


def _error(value: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    texts = {name: _text(f"error.{name}", value[name], most, changes) for name, most in _ERROR.items() if name in value}
    kind = _label("error.type", value["type"], 255, changes) if "type" in value else None
    return {"type": kind, **texts} if kind else texts


def _text(name: str, value: Any, most: int, changes: Degradation) -> Any:
    return conformed_field(Field(name, "text", 0, most, _ANY, ()), value, changes)


def _label(name: str, value: Any, most: int, changes: Degradation) -> str | None:
    text = redact_text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value)))
    if len(text) > most:
        changes.add("cut", name)
    return text[:most] or None


def _shortened(line: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    """A line that is too large: size and hash of its attributes, and the beginnings of its texts."""
    attributes = orjson.dumps(line.get("attributes", {}))
    for name in ("attributes", "message", "template", "error"):
        if name in line:
            changes.add("cut", name)
    summary = {"bytes": len(attributes), "sha256": sha256(attributes).hexdigest(), MARK: changes}
    texts = {name: line[name][:_CUT] for name in _TEXTS if name in line}
    short = {**line, **texts, "attributes": summary}
    if "error" in line:
        error = line["error"]
        short["error"] = {**_cut_error(error), "causes": [_cut_error(cause) for cause in error.get("causes", ())[:3]]}
    return short


def _cut_error(error: dict[str, Any]) -> dict[str, Any]:
    return {name: text[:_CUT] for name, text in error.items() if isinstance(text, str)}


def _redacted(line: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = redact(line)
    return copy


LOG_LINES = EventFormat("LOG", "Record Log Entry", conform_line, _redacted, packed_entries)
