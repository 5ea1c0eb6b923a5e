"""Recording: events that are valid and scoped to a tenant are built into records, stored in batches and published."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import batched, chain
from typing import NamedTuple, Protocol, TypeGuard

from bson import ObjectId

from chancery.audit.catalog import catalogue
from chancery.audit.events import RECORDED, Publisher, recorded_event
from chancery.audit.ingest import RecordBuilder, ValidEvent
from chancery.audit.models import AuditEvent
from chancery.audit.submitter import Submitter
from chancery.audit.writer import AlsoWrite, AuditWriter, DefaultedFields, Outcome, Stored
from chancery.core.batches import attempt
from chancery.core.errors import ChanceryError, FieldError, Unavailable, ValidationFailed
from chancery.core.formats.identifiers import OwnEventId
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger

Result = Outcome | ChanceryError
_INSERT = 250  # records an insert
_OWN_EVENT_IDS = tuple(OwnEventId)
_WRITERS = 2  # inserts under way while the next records are prepared


class ScopedEvent(NamedTuple):
    """A valid event, the tenant whose record it becomes (None: the platform's), and who submitted it."""

    valid: ValidEvent
    tenant_id: str | None
    submitter: Submitter


class _Built(NamedTuple):
    record: Document
    defaulted_fields: DefaultedFields


class Outbox(Protocol):
    """Marks outbox entries whose events are published: `sealing.outbox.Outbox`. Never raises."""

    def mark_published(self, entries: Iterable[tuple[str | None, ObjectId]]) -> None: ...


class AuditRecorder(NamedTuple):
    """Builds, stores and publishes records.

    `is_strict`: whether a tenant accepts catalogued actions only; `trigger_sealing` names tenants with new records to
    the sealer and never raises.
    """

    writer: AuditWriter
    outbox: Outbox
    bus: Publisher
    is_strict: Callable[[str | None], bool]
    trigger_sealing: Callable[[Iterable[str | None]], None]
    builder: RecordBuilder = RecordBuilder()

    def record(self, events: Iterable[ScopedEvent | ChanceryError]) -> list[Result]:
        """Stores every event that can be stored; for each item, in order, its outcome or its error.

        `events` is consumed while earlier ones are being inserted. Repeated events count as stored. Raises Unavailable
        when the database is away: then nothing is known to be stored, and recording the same events again stores none
        of them twice.
        """
        outcomes = self._store(batched(attempt(self._build, events), _INSERT, strict=False))
        self._publish(outcomes)
        results = [_result(outcome) for outcome in outcomes]
        _count(results)
        return results

    def record_with(self, event: ScopedEvent, also_write: AlsoWrite) -> Outcome:
        """Stores one event and, in its transaction, what `also_write` stores for its record; then publishes it.

        The outcome may be a conflict: another event was stored under its eventId. Raises Unavailable, ValidationFailed.
        """
        built = self._build(event)
        outcome = self.writer.insert_with(built.record, also_write, built.defaulted_fields)
        if outcome.stored is Stored.REFUSED:
            raise _refused()
        self._publish([outcome])
        _count([outcome])
        return outcome

    def _build(self, event: ScopedEvent | ChanceryError) -> _Built:
        if isinstance(event, ChanceryError):
            raise event
        if not event.submitter.is_chancery:
            _check_not_reserved(event.valid.event)
        self._check_catalogue(event)
        return _Built(self.builder.build(*event), event.valid.defaulted_fields())

    def _check_catalogue(self, event: ScopedEvent) -> None:
        if catalogue().get(event.valid.event.full_action) is not None:
            return
        if self.is_strict(event.tenant_id):
            detail = "is not in the catalogue, and this tenant takes catalogued actions only; see GET /v1/audit-catalog"
            raise ValidationFailed("The audit event is not valid.", errors=[FieldError("/action", detail)])
        count("RecordsUncatalogued")

    def _store(self, batches: Iterator[Sequence[_Built | ChanceryError]]) -> list[Result]:
        """Inserts batch after batch, each while the next is built; a batch that is the only one needs no thread."""
        first = next(batches, ())
        if len(first) < _INSERT:
            return self._insert(first)
        with ThreadPoolExecutor(_WRITERS) as pool:
            inserts = [pool.submit(copy_context().run, self._insert, batch) for batch in chain((first,), batches)]
        return [result for insert in inserts for result in insert.result()]

    def _insert(self, batch: Sequence[_Built | ChanceryError]) -> list[Result]:
        built = [item for item in batch if not isinstance(item, ChanceryError)]
        outcomes = iter(self.writer.insert([item.record for item in built], [item.defaulted_fields for item in built]))
        return [item if isinstance(item, ChanceryError) else next(outcomes) for item in batch]

    def _publish(self, results: Iterable[Result]) -> None:
        """Triggers the sealer and publishes the events of new records; the outbox relay publishes what fails here."""
        new = [result for result in results if _is_new(result)]
        if not new:
            return
        entries = {item.outbox_entry: item.record["tenantId"] for item in new if item.outbox_entry}
        self.trigger_sealing(set(entries.values()))
        try:
            self.bus.publish(RECORDED, [recorded_event(item.record) for item in new])
        except Unavailable as exc:
            logger.warning("EVENTS_DEFERRED", reason=exc.detail, records=len(new))
        else:
            self.outbox.mark_published([(tenant_id, entry) for entry, tenant_id in entries.items()])


def _check_not_reserved(event: AuditEvent) -> None:
    """Raises ValidationFailed for an event that only Chancery itself may record."""
    wrong = []
    if catalogue().is_reserved(event.full_action):
        wrong.append(FieldError("/action", "is reserved: Chancery itself records it; see GET /v1/audit-catalog"))
    if event.event_id is not None and event.event_id.startswith(_OWN_EVENT_IDS):
        wrong.append(FieldError("/eventId", f"must not begin with {', '.join(_OWN_EVENT_IDS)}: such ids are reserved"))
    if wrong:
        raise ValidationFailed("The audit event is not valid.", errors=wrong)


def _is_new(result: Result) -> TypeGuard[Outcome]:
    return isinstance(result, Outcome) and result.stored is Stored.NEW


def _result(outcome: Result) -> Result:
    """The outcome of a stored event, or the error with the reason why it is not stored."""
    if isinstance(outcome, ChanceryError) or outcome.stored in (Stored.NEW, Stored.REPEATED):
        return outcome
    if outcome.stored is Stored.CONFLICT:
        detail = "was used for another event; send a new one"
        return ValidationFailed(
            "The event was recorded before with other content.", errors=[FieldError("/eventId", detail)]
        )
    return _refused()


def _refused() -> ValidationFailed:
    return ValidationFailed("The database refuses this event: it does not fit the collection's validator.")


def _count(results: Sequence[Result]) -> None:
    outcomes = [result.stored for result in results if isinstance(result, Outcome)]
    count("RecordsStored", outcomes.count(Stored.NEW))
    count("RecordsRepeated", outcomes.count(Stored.REPEATED))
    count("RecordsRefused", len(results) - len(outcomes))
