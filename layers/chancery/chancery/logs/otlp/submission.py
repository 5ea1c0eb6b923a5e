"""`POST /v1/otlp/v1/logs`: log records of OpenTelemetry, stored as lines of the kinds `app` and `error`."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from chancery.core.batches import attempt
from chancery.core.errors import ChanceryError, TooLarge
from chancery.core.redaction import Detector, may_hold_credentials
from chancery.core.web.answers import JSON, Answer
from chancery.core.web.request import Call, Request
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.otlp.mapping import RecordOf, mapped, records_of
from chancery.logs.recorder import LogRecorder, Result
from chancery.logs.submission import CrossingTrail

PROTOBUF = "application/x-protobuf"
MAX_RECORDS = 20_000  # of a request; the Collector sends 8,192 by default
_NAMED = 3  # records whose errors an answer names
# https://grpc.io/docs/guides/status-codes/
_CODES = {401: 16, 403: 7, 404: 5, 413: 3, 415: 3, 422: 3, 429: 8, 503: 14}
_INTERNAL = 13
_INVALID = 400


class ExportRequest(NamedTuple):
    """A decoded request. `seed` is the same for a repeated request, so that its lines are the same lines."""

    message: Any
    seed: str
    is_protobuf: bool

    @property
    def records(self) -> int:
        """The number of log records."""
        return sum(len(scope.log_records) for resource in self.message.resource_logs for scope in resource.scope_logs)


def read_request(request: Request) -> ExportRequest:
    """The request in protobuf where its Content-Type says so, else in JSON. Raises ValidationFailed, TooLarge."""
    from chancery.logs.otlp import protobuf  # from a layer that the function alone has

    binary = _is_protobuf(request.headers)
    message = (protobuf.request_from_protobuf if binary else protobuf.request_from_json)(request.body)
    read = ExportRequest(message, f"otlp:{sha256(request.body).hexdigest()}", binary)
    if read.records > MAX_RECORDS:
        raise TooLarge(f"The request has more than {MAX_RECORDS} log records; send fewer in each.")
    return read


def status_answer(error: ChanceryError, headers: Mapping[str, str]) -> Answer:
    """The answer of an error in the request's encoding: a google.rpc.Status. What cannot be decoded is 400."""
    status = _INVALID if error.status == 422 else error.status
    code, message = _CODES.get(error.status, _INTERNAL), _described(error)
    if not _is_protobuf(headers):
        return Answer(status, {"code": code, "message": message}, error.headers)
    from chancery.logs.otlp.protobuf import status_bytes

    return Answer(status, status_bytes(code, message), error.headers, PROTOBUF)


class OtlpSubmission(NamedTuple):
    """Answers an export of log records."""

    recorder: LogRecorder
    trail: CrossingTrail
    validator: EntryValidator = EntryValidator()

    def submit(self, call: Call[None, ExportRequest]) -> Answer:
        """200; `partialSuccess` counts the records that were not stored. Raises Forbidden, TooLarge, Unavailable."""
        principal, exported = call.principal, call.body
        scope = principal.write_scope()
        if principal.crosses_tenants:
            self.trail.record_all(principal, {scope}, "log.recorded")
        context = _Context(scope.tenant_id, principal.subject, exported.seed, call.request.detector_for(None))
        records = enumerate(records_of(exported.message))
        results = self.recorder.record(attempt(partial(self._scoped, context), records))
        return _answer(exported.is_protobuf, results)

    def _scoped(self, context: "_Context", numbered: tuple[int, RecordOf]) -> ScopedEntry:
        """The valid line of a record. Raises ValidationFailed, TooLarge."""
        (place, record), (tenant_id, subject, seed, detector) = numbered, context
        kind, body, sent_on = mapped(record)
        text = orjson.dumps(body)
        # Without a time nothing tells a repeated request from another one with the same records.
        defaults = Defaults(subject, seed if sent_on else None, sent_on, place)
        incoming = IncomingEntry(kind, body, defaults, may_hold_credentials(text.decode()), len(text), detector)
        return ScopedEntry(self.validator.validate(incoming), tenant_id)


class _Context(NamedTuple):
    """What the records of a request have in common."""

    tenant_id: str | None
    subject: str
    seed: str
    detector: Detector


def _answer(is_protobuf: bool, results: Sequence[Result]) -> Answer:
    errors = [(at, result) for at, result in enumerate(results) if isinstance(result, ChanceryError)]
    message = _rejections(errors, len(results))
    if is_protobuf:
        from chancery.logs.otlp.protobuf import response_bytes

        return Answer(200, response_bytes(len(errors), message), media_type=PROTOBUF)
    partial_success = {"rejectedLogRecords": str(len(errors)), "errorMessage": message}
    return Answer(200, {"partialSuccess": partial_success} if errors else {}, media_type=JSON)


def _rejections(errors: Sequence[tuple[int, ChanceryError]], records: int) -> str:
    named = "; ".join(f"record {at}: {_described(error)}" for at, error in errors[:_NAMED])
    return f"{len(errors)} of {records} log records are not stored; {named}"


def _described(error: ChanceryError) -> str:
    """The detail of an error and of its first fields, on one line."""
    wrong: Iterable[str] = (f"{pointer} {detail}".strip() for pointer, detail in error.errors[:_NAMED])
    return " ".join((error.detail, ", ".join(wrong))).strip()


def _is_protobuf(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == PROTOBUF
