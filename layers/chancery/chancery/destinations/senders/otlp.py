"""OpenTelemetry logs over HTTP: protobuf, compressed.

An event is a log record: `event_name` its type, `body` its words, `attributes` its object under `chancery.`:

    chancery.source "audit"   chancery.sequence 42   chancery.leaf_index 41   chancery.ref_id "01J..."
    chancery.event {"type": ..., "data": {...}}

Credentials are a token, or headers of the destination's own. Imports protobuf: of functions with its layer.
Specification: https://opentelemetry.io/docs/specs/otlp/#otlphttp and .../specs/otel/logs/data-model/
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result
from chancery.destinations.senders.batches import Part, TooLarge, send_entries
from chancery.destinations.senders.http import Answer, HttpReceiver, with_own_headers, with_path
from chancery.destinations.senders.payloads import (
    Payload,
    fitted,
    level_of_payload,
    manifest_of,
    milliseconds_of,
    payload_of,
    payloads_of,
    shaped,
    title_of,
    with_age,
)

_FRAME_BYTES = 2_000  # resource and scope, with the tenant
# Collectors take 4 MB and more; entries are bounded as in the batches of OpenTelemetry's own exporters.
_LIMITS = BatchLimits(
    entries=1000, payload_bytes=3_000_000 - _FRAME_BYTES, entry_bytes=500_000, age=timedelta(seconds=5)
)
_PATH = "/v1/logs"
_SCOPE = "chancery"
_SEVERITIES: dict[str, SeverityNumber.ValueType] = {
    "trace": SeverityNumber.SEVERITY_NUMBER_TRACE,
    "debug": SeverityNumber.SEVERITY_NUMBER_DEBUG,
    "info": SeverityNumber.SEVERITY_NUMBER_INFO,
    "warn": SeverityNumber.SEVERITY_NUMBER_WARN,
    "error": SeverityNumber.SEVERITY_NUMBER_ERROR,
    "fatal": SeverityNumber.SEVERITY_NUMBER_FATAL,
}
_LONGEST_MESSAGE = 10_000  # characters
_TRACE_DIGITS = 32


@dataclass(frozen=True, slots=True)
class OtlpSender:
    """Implements `ports.Sender`."""

    receiver: HttpReceiver

    def limits(self, destination: Mapping[str, Any]) -> BatchLimits:
        return with_age(_LIMITS, destination)

    def size(self, destination: Mapping[str, Any], event: Event) -> int:
        """The bytes of an event's record, uncompressed, with its tag and length."""
        return len(_record(destination, payload_of(destination["tenantId"], event))) + 6

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], _now: datetime) -> Outgoing:
        """The export request of all events. Raises Unsendable."""
        records = [_record(to.document, payload) for payload in payloads_of(delivery, events)]
        body = _request(delivery["tenantId"], records)
        named = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        authorization = [("Authorization", f"Bearer {to.token}")] if to.token else []
        return Outgoing(
            "POST",
            with_path(to.url, _PATH),
            with_own_headers([*named.items(), *authorization], to.headers),
            gzip.compress(body, 6, mtime=0),
            with_path(to.document["url"], _PATH),
            named,
            manifest_of(delivery, len(records), body),
        )

    def send(self, to: OpenDestination, message: Outgoing, seconds: float) -> Result:
        """Sends the records, in halves where the receiver finds them too large.

        Records that a partial success leaves out are counted; the protocol wants no retry of them.
        """
        request = ExportLogsServiceRequest.FromString(gzip.decompress(message.body))
        records = [record.SerializeToString() for record in request.resource_logs[0].scope_logs[0].log_records]

        def send(part: Part, left: float) -> Result | TooLarge:
            body = message.body
            if len(part) < len(records):
                body = gzip.compress(_request(to.document["tenantId"], part), 6, mtime=0)
            return self._read(self.receiver.send(message._replace(body=body), left))

        return send_entries(records, send, seconds)

    def _read(self, answer: Answer | Result) -> Result | TooLarge:
        if isinstance(answer, Result):
            return answer
        if not answer.is_success:
            result = self.receiver.refused(answer, unauthorized=(401, 403), busy=(503,))
            return TooLarge(result) if answer.status == 413 else result
        rejected, detail = _partial_success(answer.body)
        return self.receiver.accepted(answer, rejected, detail)


def _partial_success(body: bytes | None) -> tuple[int, str]:
    """How many records the receiver did not take, and why. An answer that is no protobuf names none."""
    try:
        partial = ExportLogsServiceResponse.FromString(body or b"").partial_success
    except DecodeError:
        return 0, ""
    return max(0, partial.rejected_log_records), partial.error_message[:200]


def _request(tenant_id: str, records: Sequence[bytes]) -> bytes:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add()
    _add(logs.resource.attributes, "service.name", "chancery")
    _add(logs.resource.attributes, "chancery.tenant_id", tenant_id)
    scope = logs.scope_logs.add()
    scope.scope.name = _SCOPE
    scope.log_records.extend(LogRecord.FromString(record) for record in records)
    return request.SerializeToString(deterministic=True)


def _record(destination: Mapping[str, Any], payload: Payload) -> bytes:
    """An event's record, serialized. Raises Unsendable."""
    return fitted(payload, _LIMITS.entry_bytes, lambda fit: _serialized(fit, shaped(destination, fit)))


def _serialized(payload: Payload, event: Mapping[str, Any]) -> bytes:
    nanoseconds = milliseconds_of(payload) * 1_000_000
    level = level_of_payload(payload)
    record = LogRecord(
        time_unix_nano=nanoseconds,
        observed_time_unix_nano=nanoseconds,
        severity_number=_SEVERITIES.get(level, SeverityNumber.SEVERITY_NUMBER_INFO),
        severity_text=level.upper(),
        event_name=payload["type"],
        body=AnyValue(string_value=title_of(payload)[:_LONGEST_MESSAGE]),
        trace_id=_trace_id(payload["data"].get("traceId")),
    )
    identity = {
        "chancery.source": payload.get("source"),
        "chancery.sequence": payload.get("sequence"),
        "chancery.leaf_index": payload.get("leafIndex"),
        "chancery.ref_id": payload["data"].get("refId"),
    }
    for name, value in identity.items():
        if value is not None:
            _add(record.attributes, name, value)
    _add(record.attributes, "chancery.event", event)
    return record.SerializeToString(deterministic=True)


def _trace_id(text: Any) -> bytes:
    """The bytes of a trace id of W3C's form; of another form nothing."""
    try:
        return bytes.fromhex(text) if isinstance(text, str) and len(text) == _TRACE_DIGITS else b""
    except ValueError:
        return b""


def _add(pairs: Any, name: str, value: Any) -> None:
    """Adds an attribute to a list of them."""
    pair = pairs.add()
    pair.key = name
    put_json(pair.value, value)


def put_json(target: AnyValue, value: Any) -> None:
    """Gives an AnyValue a JSON value; null leaves it without one. Raises TypeError, ValueError for what is no JSON.

    Written in place: a message that is made and then put into another one is copied.
    """
    match value:
        case str():
            target.string_value = value
        case bool():
            target.bool_value = value
        case int():
            target.int_value = value
        case float():
            target.double_value = value
        case dict():
            target.kvlist_value.SetInParent()
            for name, item in value.items():
                _add(target.kvlist_value.values, name, item)
        case list() | tuple():
            target.array_value.SetInParent()
            for item in value:
                put_json(target.array_value.values.add(), item)
        case None:
            pass
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON")
