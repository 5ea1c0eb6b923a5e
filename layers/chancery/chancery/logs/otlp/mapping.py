"""From a log record of OpenTelemetry to a line of the kind `app` or `error`. Needs no protobuf itself.

Attributes that a line has fields for become these fields, where they fit; all others stay `attributes`.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_snake

from chancery.core.errors import TooLarge
from chancery.core.formats.json_limits import LARGEST_INTEGER
from chancery.core.formats.times import to_rfc3339
from chancery.core.web.request import MAX_BODY
from chancery.logs.fields import FIELDS, LEVELS, level_of
from chancery.logs.kinds import KINDS_BY_NAME, LogKind

_MOST_REPEATED = 8 * MAX_BODY  # bytes of resource and scope attributes, which each line has a copy of
_FROM_ATTRIBUTES = {  # field ← attributes (https://opentelemetry.io/docs/specs/semconv/), the first that is there
    "userId": ("user.id", "enduser.id"),
    "sessionId": ("session.id",),
    "activityId": ("chancery.activity.id",),
    "goalId": ("chancery.goal.id",),
    "correlationId": ("chancery.correlation.id",),
    "endpoint": ("http.route", "url.path", "http.target"),
    "method": ("http.request.method", "http.method"),
    "statusCode": ("http.response.status_code", "http.status_code"),
    "template": ("message_template.text", "{OriginalFormat}"),
    "release": ("service.version",),
}
_FROM_EXCEPTION = {"type": "exception.type", "message": "exception.message", "stack": "exception.stacktrace"}
_MOST = {"message": 32_768, "stack": 65_536}  # characters
_ERROR = 17  # the first severity number of errors


class MappedRecord(NamedTuple):
    """A line as a caller would send it, and the record's time, None where it has none."""

    kind: LogKind
    body: dict[str, Any]
    sent_on: datetime | None


class RecordOf(NamedTuple):
    """A log record with the attributes of its resource and scope, and the name of its scope."""

    record: Any
    shared: Mapping[str, Any]
    scope: str


def records_of(request: Any) -> list[RecordOf]:
    """The log records of an ExportLogsServiceRequest, in order. Raises TooLarge."""
    records: list[RecordOf] = []
    repeated = 0
    for resource_logs in request.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            shared = resource | _attributes(scope_logs.scope.attributes)
            repeated += len(orjson.dumps(shared)) * len(scope_logs.log_records)
            if repeated > _MOST_REPEATED:
                raise TooLarge("The resource attributes of all records are too large; send fewer records a request.")
            records += [RecordOf(record, shared, scope_logs.scope.name) for record in scope_logs.log_records]
    return records


def mapped(of: RecordOf) -> MappedRecord:
    """The line of a record."""
    record = of.record
    attributes = {**of.shared, **_attributes(record.attributes)}
    body: dict[str, Any] = {"level": _level(record)}
    error = _error(attributes)
    kind = KINDS_BY_NAME["error" if error and record.severity_number >= _ERROR else "app"]
    body |= _content(record)
    for name, sources in _FROM_ATTRIBUTES.items():
        source = next((source for source in sources if source in attributes), None)
        if source is not None and _fits(name, attributes[source]):
            body[name] = attributes.pop(source)
    if logger := next((name for name in (of.scope, attributes.get("service.name")) if _fits("logger", name)), None):
        body["logger"] = logger
    if error:
        body["error"] = error
    if any(record.trace_id):
        body["traceId"] = record.trace_id.hex()
    if any(record.span_id):
        attributes["span_id"] = record.span_id.hex()
    if record.event_name:
        attributes["event_name"] = record.event_name
    if attributes:
        body["attributes"] = attributes
    moment = _time(record)
    if moment is not None:
        body["createdOn"] = to_rfc3339(moment)
    return MappedRecord(kind, body, moment)


def _level(record: Any) -> str:
    """Four severity numbers a level, from TRACE = 1; else the level that the severity text names, else info.

    Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
    """
    if 1 <= record.severity_number <= 24:
        return LEVELS[(record.severity_number - 1) // 4]
    named = level_of(record.severity_text)
    return named if named in LEVELS else "info"


def _content(record: Any) -> dict[str, Any]:
    """The message of a record's body: its text, or its JSON; objects and lists are `data` too."""
    value = _value(record.body)
    if isinstance(value, str):
        return {"message": _text(value, _MOST["message"])}
    if value is None:
        return {"message": _text(record.event_name, _MOST["message"])}
    content: dict[str, Any] = {"message": _text(orjson.dumps(value).decode(), _MOST["message"])}
    if isinstance(value, dict | list):
        content["data"] = value if isinstance(value, dict) else {"body": value}
    return content


def _error(attributes: dict[str, Any]) -> dict[str, Any]:
    """Takes the exception out of the attributes."""
    error: dict[str, Any] = {}
    for name, source in _FROM_EXCEPTION.items():
        value = attributes.get(source)
        if isinstance(value, str) and name in _MOST:
            error[name] = _text(value, _MOST[name])
        elif name == "type" and _fits("logger", value):  # both are labels
            error[name] = value
        if name in error:
            del attributes[source]
    return error


def _time(record: Any) -> datetime | None:
    """When it happened, else when it was observed, to the millisecond."""
    nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
    seconds, rest = divmod(nanoseconds // 1_000_000, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000) if nanoseconds else None


def _attributes(pairs: Any) -> dict[str, Any]:
    return {_text(pair.key): _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    """The JSON of an AnyValue. Integers beyond 2^53-1 and numbers that are not finite are text."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value if abs(value.int_value) <= LARGEST_INTEGER else str(value.int_value)
        case "double_value":
            number = value.double_value
            return number if isfinite(number) and abs(number) <= LARGEST_INTEGER else str(number)
        case "bool_value":
            return value.bool_value
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
    return None


def _text(text: str, most: int | None = None) -> str:
    """The text without NUL, cut where it is too long."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean if most is None or len(clean) <= most else clean[: most - 1] + "…"


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(FIELDS[to_snake(name)])


def _fits(name: str, value: Any) -> bool:
    """Whether a line may have the value in a field."""
    if value is None or value == "":
        return False
    try:
        _adapter(name).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
