"""OTLP messages in protobuf and in JSON. Imports protobuf: only for functions with its layer, on the first request."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_text import read_json

_IDS = {"traceId": 32, "spanId": 16}  # hex digits; in other protobuf JSON bytes are base64


def request_from_protobuf(body: bytes) -> ExportLogsServiceRequest:
    """Raises ValidationFailed."""
    try:
        return ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        raise _invalid("is not an ExportLogsServiceRequest in protobuf") from None


def request_from_json(body: bytes) -> ExportLogsServiceRequest:
    """Raises ValidationFailed. Ignores unknown fields."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise _invalid("must be a JSON object")
    for at, record in enumerate(_records(value)):
        for name, digits in _IDS.items():
            if record.get(name):
                record[name] = _base64_of(record[name], digits, f"logRecords {at}: {name}")
    try:
        return ParseDict(value, ExportLogsServiceRequest(), ignore_unknown_fields=True)
    except (ParseError, RecursionError):  # their texts may have values
        raise _invalid("is not an ExportLogsServiceRequest in JSON") from None


def response_bytes(rejected: int, message: str) -> bytes:
    """An ExportLogsServiceResponse."""
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return response.SerializeToString()


def status_bytes(code: int, message: str) -> bytes:
    """A google.rpc.Status."""
    return bytes(Status(code=code, message=message).SerializeToString())


def _records(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The log records in the JSON of a request, as far as it has the shape of one."""
    for resource in _objects(value.get("resourceLogs")):
        for scope in _objects(resource.get("scopeLogs")):
            yield from _objects(scope.get("logRecords"))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _base64_of(given: Any, digits: int, name: str) -> str:
    try:
        if len(given) == digits:
            return b64encode(bytes.fromhex(given)).decode()
    except (TypeError, ValueError):
        pass
    raise _invalid(f"{name} must be {digits} hex digits")


def _invalid(detail: str) -> ValidationFailed:
    return ValidationFailed("The body cannot be read.", errors=[FieldError("", detail)])
