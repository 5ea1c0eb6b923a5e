"""From the object that Winston wrote to the line of a log that is sent: kind, fields and attributes."""

import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from json import dumps
from typing import Any, NamedTuple

from chancery.cli.imports.items import Entry
from chancery.cli.imports.mojibake import repaired
from chancery.cli.imports.source_times import rfc3339_of
from chancery.logs.fields import ERRORS, LEVELS, level_of

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of Winston's `colorize`
_ERROR_TYPE = re.compile(
    r"(?:Uncaught )?([A-Za-z_$][\w$.]{0,254}(?=:)|[\w$.]{0,240}(?:Error|Exception)$)", re.MULTILINE
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_ERROR_OBJECTS = ("error", "err", "exception")


class NotWinston(Exception):
    """The object is not a line of Winston; the text is the reason."""


def _text(limit: int) -> Callable[[Any], str | None]:
    def convert(given: Any) -> str | None:
        text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
        return text if 0 < len(text) <= limit and not _CONTROLS.search(text) else None

    return convert


_label = _text(255)


def _status(given: Any) -> int | None:
    text = str(given)
    return int(text) if text.isascii() and text.isdecimal() and int(text) <= 999 else None


def _milliseconds(given: Any) -> float | None:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return given if is_number and 0 <= given <= 1e12 else None


class _Field(NamedTuple):
    """`convert` returns None for a value that the field cannot have: it stays in the attributes."""

    names: tuple[str, ...]
    convert: Callable[[Any], Any]


# Names that loggers of Node.js use, the first one wins. All others are attributes.
_FIELDS: Mapping[str, _Field] = {
    "logger": _Field(("logger", "label", "service"), _label),
    "userId": _Field(("userId", "user_id"), _label),
    "sessionId": _Field(("sessionId", "session_id"), _label),
    "activityId": _Field(("activityId", "activity_id"), _label),
    "correlationId": _Field(("correlationId", "correlation_id", "requestId", "request_id"), _label),
    "traceId": _Field(("traceId", "trace_id"), _label),
    "endpoint": _Field(("endpoint", "path", "url"), _text(2048)),
    "method": _Field(("method",), _label),
    "statusCode": _Field(("statusCode", "status_code"), _status),
    "durationMs": _Field(("durationMs", "duration_ms", "responseTime"), _milliseconds),
}


class WinstonEntries:
    """Makes entries of the objects of one file, in their order.

    `zone`: of timestamps without one. `time`: of lines before the first one that has a timestamp; later lines without
    one have that of the line before them.
    """

    def __init__(self, zone: tzinfo, time: str, tenant: str | None = None) -> None:
        self._zone, self._time, self._tenant = zone, time, tenant

    def entry(self, id_: str, value: dict[str, Any], more_stack: str, marks: frozenset[str]) -> Entry:
        """The entry of an object and of the lines of its stack that follow it. Raises NotWinston."""
        value, repairs = repaired(value)
        left = dict(value)
        if "level" not in left and "message" not in left:
            raise NotWinston("The object has neither level nor message.")
        body: dict[str, Any] = {"id": id_}
        if self._tenant is not None:
            body["tenantId"] = self._tenant
        body["createdOn"], assumed = self._created_on(left)
        body["level"] = _level(left)
        body["message"] = _message(left.pop("message", ""))
        for name, field in _FIELDS.items():
            _move(left, body, name, field)
        if error := _error(left, body["message"], more_stack):
            body["error"] = error
        if left:
            body["attributes"] = left
        kind = "error" if body["level"] in ERRORS and error.get("stack") else "app"
        return Entry(f"/logs/{kind}", body, marks | repairs | assumed)

    def entry_of_stack(self, id_: str, header: str, frames: str, marks: frozenset[str]) -> Entry:
        """The entry of an error that was printed between the objects: `Type: message`, and the lines of its stack."""
        (header, frames), repairs = repaired([header, frames])
        found = _ERROR_TYPE.match(header)
        message = header[found.end() :].removeprefix(":").strip() if found else header
        body: dict[str, Any] = {"id": id_, "createdOn": self._time, "level": "error", "message": message}
        body["error"] = _detail("", message, f"{header}\n{frames}")
        if self._tenant is not None:
            body["tenantId"] = self._tenant
        return Entry("/logs/error", body, marks | repairs | {"timeAssumed"})

    def _created_on(self, left: dict[str, Any]) -> tuple[str, frozenset[str]]:
        """The time of a line; a timestamp that cannot be read stays in the attributes."""
        if (found := time_of(left, self._zone)) is None:
            return self._time, frozenset(("timeAssumed",))
        name, self._time = found
        del left[name]
        return self._time, frozenset()


def time_of(value: Mapping[str, Any], zone: tzinfo) -> tuple[str, str] | None:
    """The name of the member that has the time of a line, and the time in RFC 3339."""
    for name in ("timestamp", "time", "@timestamp"):
        if time := rfc3339_of(value.get(name), zone):
            return name, time
    return None


def _level(left: dict[str, Any]) -> str:
    """Chancery's level; one of the application's own stays in the attributes."""
    given = left.get("level")
    level = level_of(_COLOURS.sub("", given).strip()) if isinstance(given, str) else None
    if level not in LEVELS:
        return "info"
    del left["level"]
    return str(level)


def _message(given: Any) -> str:
    text = given if isinstance(given, str) else "" if given is None else dumps(given, ensure_ascii=False)
    return _COLOURS.sub("", text)


def _move(left: dict[str, Any], body: dict[str, Any], name: str, field: _Field) -> None:
    for source in field.names:
        if (converted := field.convert(left.get(source))) is not None and source in left:
            body[name] = converted
            del left[source]
            return


def _error(left: dict[str, Any], message: str, more_stack: str) -> dict[str, Any]:
    """The error of a line, of `stack`, of an error object and of the lines that follow; empty where it has none.

    Members of the error object that have no field stay in the attributes.
    """
    stack, type_, error_message = _taken(left, "stack"), "", ""
    if name := next((name for name in _ERROR_OBJECTS if isinstance(left.get(name), dict)), None):
        inner = dict(left.pop(name))
        if not stack or inner.get("stack") == stack:
            stack = _taken(inner, "stack") or stack
        type_ = _taken(inner, "name", _label) or _taken(inner, "type", _label)
        error_message = _taken(inner, "message")
        if inner:
            left[name] = inner
    stack = "\n".join(filter(None, (stack, more_stack)))
    return _detail(type_, error_message or message, stack) if stack or type_ or error_message else {}


def _taken(members: dict[str, Any], name: str, convert: Callable[[Any], str | None] = str) -> str:
    """A text that is taken out of an object; empty where it has none that fits."""
    text = convert(members[name]) if isinstance(members.get(name), str) else None
    if text:
        del members[name]
    return text or ""


def _detail(type_: str, message: str, stack: str) -> dict[str, Any]:
    found = _ERROR_TYPE.match(stack)
    detail = {"type": type_ or (found[1] if found else ""), "message": message, "stack": stack}
    return {name: value for name, value in detail.items() if value}
