"""The batch consumer: stores log lines from the queue behind the bus in batches; each message fails alone.

The detail of a `Record Log Entry` names the kind, and the tenant, and has the fields of one line, or `records`:

    {"kind": "app", "tenantId": "acme", "level": "warn", "message": "Disk at 91 %"}
    {"kind": "app", "tenantId": "acme", "records": [{"message": "..."}, {"message": "..."}]}
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

from chancery.core.aws.event_queue import Event, EventQueue, event_of, prefiltered, tenant_of
from chancery.core.aws.queue import Message, Queue
from chancery.core.batches import attempt
from chancery.core.detectors import Detectors
from chancery.core.documents import redact_body
from chancery.core.errors import ChanceryError, FieldError, ValidationFailed
from chancery.core.redaction import Detector, redact, redact_text
from chancery.core.web.batch import is_batch, records_of
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.kinds import KINDS, KINDS_BY_NAME, LogKind
from chancery.logs.models import entry_model
from chancery.logs.recorder import LogRecorder, Result

RECORD = "Record Log Entry"
_BUS = "event-bus"
_KIND = FieldError("/kind", f"must be one of {', '.join(kind.name for kind in KINDS)}")


class _LinesOf(NamedTuple):
    """The lines of a message; `is_batch`: they are `records` in it."""

    entries: list[IncomingEntry]
    is_batch: bool


class LogConsumer(NamedTuple):
    """Consumes SQS batches. `max_receives` is the redrive policy's maxReceiveCount."""

    recorder: Callable[[], LogRecorder]
    detectors: Detectors
    queue: Queue
    rejects: Queue
    dead_letters: Queue
    max_receives: int
    validator: EntryValidator = EntryValidator()

    def consume(self, messages: Sequence[Message]) -> list[str]:
        """Stores the lines of SQS `messages`; the ids of those to deliver again (`batchItemFailures`)."""
        events = EventQueue(self.queue, self.rejects, self.dead_letters, self.max_receives, self.detectors, _clean)
        return events.consume(messages, self._record)

    def _record(self, messages: Sequence[Message]) -> list[Result | None]:
        """For each message the error that names the lines that are not stored, else None or its only line."""
        parsed: list[_LinesOf | ChanceryError] = []
        detector_of = cache(self.detectors.of)

        def incoming() -> Iterator[IncomingEntry]:
            for message in attempt(partial(self._lines, detector_of), prefiltered(messages)):
                parsed.append(message)
                if not isinstance(message, ChanceryError):
                    yield from message.entries

        results = iter(self.recorder().record(attempt(self._scoped, incoming())))
        return [
            message
            if isinstance(message, ChanceryError)
            else _error_of(message, islice(results, len(message.entries)))
            if message.is_batch
            else next(results)
            for message in parsed
        ]

    def _lines(self, detector_of: Callable[[str | None], Detector], prefiltered: tuple[Message, bool]) -> _LinesOf:
        """The lines of a message. Raises ValidationFailed."""
        message, suspicious = prefiltered
        event = event_of(message, RECORD)
        detail = event.detail
        kind = _kind_of(detail)
        if kind is None:
            raise ValidationFailed("The log entry is not valid.", errors=[_KIND])
        using, batch = detector_of(tenant_of(detail)), is_batch(detail)
        entries = [
            IncomingEntry(kind, body, _defaults(event, at), suspicious, detector=using)
            for at, body in enumerate(_bodies(detail))
        ]
        return _LinesOf(entries, batch)

    def _scoped(self, incoming: IncomingEntry) -> ScopedEntry:
        """A valid line and the tenant that its event names: IAM decides who may publish for every tenant."""
        valid = self.validator.validate(incoming)
        return ScopedEntry(valid, valid.fields.get("tenantId"))


def _kind_of(detail: Any) -> LogKind | None:
    """The kind that a detail names."""
    name = detail.get("kind") if isinstance(detail, dict) else None
    return KINDS_BY_NAME.get(name) if isinstance(name, str) else None


def _bodies(detail: dict[str, Any]) -> list[Any]:
    """The lines in a detail, each with the tenant of the event. Raises ValidationFailed."""
    body = dict(detail)
    del body["kind"]
    if not is_batch(detail):
        return [body]
    tenant = body.pop("tenantId", None)
    records = records_of(body, "log lines")
    wrong = [
        FieldError(f"/records/{at}/tenantId", "must be that of the event; name it beside the records")
        for at, record in enumerate(records)
        if isinstance(record, dict) and record.get("tenantId", tenant) != tenant
    ]
    if wrong:
        raise ValidationFailed("The log entry is not valid.", errors=wrong)
    return [{**record, "tenantId": tenant} if isinstance(record, dict) else record for record in records]


def _defaults(event: Event, at: int) -> Defaults:
    return Defaults(_creator(event.source), event.id, event.happened, at, event.correlation)


@lru_cache(maxsize=256)
def _creator(source: str | None) -> str:
    return redact_text(source or _BUS)


def _error_of(message: _LinesOf, results: Iterable[Result]) -> ChanceryError | None:
    """The error of a message with lines that cannot be stored; its others are stored."""
    errors = [(at, result) for at, result in enumerate(results) if isinstance(result, ChanceryError)]
    if not errors:
        return None
    first = errors[0][1]
    if first.status >= 500:
        return first
    named = [
        FieldError(f"/records/{at}{found.pointer}", found.detail)
        for at, error in errors
        for found in error.errors or (FieldError("", error.detail),)
    ]
    return ValidationFailed(
        f"{len(errors)} of {len(message.entries)} log lines are not valid; the others are stored.", errors=named
    )


def _clean(detail: dict[str, Any], using: Detector) -> dict[str, Any]:
    """The detail as it may be stored in a queue: redacted."""
    kind = _kind_of(detail)
    if kind is None:
        return redact(detail, using=using)  # type: ignore[no-any-return]
    clean = _clean_line(kind, {name: value for name, value in detail.items() if name not in ("kind", "records")}, using)
    if "records" in detail:
        records = detail["records"]
        clean["records"] = [
            _clean_line(kind, record, using) if isinstance(record, dict) else redact(record, using=using)
            for record in (records if isinstance(records, list) else [records])
        ]
    return {"kind": kind.name, **clean}


def _clean_line(kind: LogKind, line: Mapping[str, Any], using: Detector) -> dict[str, Any]:
    return redact_body(line, entry_model(kind), using=using)
