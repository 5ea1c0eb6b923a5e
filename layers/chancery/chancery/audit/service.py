"""Recording audit events: one or many from an HTTP caller, or a batch of events from the bus."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import Any, NamedTuple, Protocol, TypeGuard

from bson import ObjectId

from chancery.audit.catalog import catalogue
from chancery.audit.events import RECORDED, Publisher, recorded_event
from chancery.audit.ingest import Defaults, Intake
from chancery.audit.models import AuditEvent
from chancery.audit.writer import AlsoWrite, AuditWriter, DefaultedFields, Outcome, Stored
from chancery.core.errors import ChanceryError, FieldError, Unavailable, ValidationFailed
from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger

IsStrict = Callable[[str | None], bool]
Wake = Callable[[Iterable[str | None]], None]  # tells the sealer which tenants have new records; never raises


class Outbox(Protocol):
    """Marks outbox entries whose events are published: `sealing.outbox.Outbox`."""

    def mark_published(self, entries: Iterable[tuple[str | None, ObjectId]]) -> None: ...


class Candidate(NamedTuple):
    """An event on its way to be stored: its parsed body, whose tenant it is for, and what it may take by default."""

    body: Any
    tenant_of: Callable[[AuditEvent], str | None]
    defaults: Defaults = Defaults()
    search_values: bool = True
    measure: bool = False

    def chosen(self) -> DefaultedFields:
        """The fields that the event leaves to Chancery, which a repetition of it may get otherwise."""
        said = self.body if isinstance(self.body, dict) else {}
        return frozenset([name for name in ("createdOn", "traceId", "correlationId") if not said.get(name)])


Result = Outcome | ChanceryError
_Prepared = tuple[Document, DefaultedFields] | ChanceryError
_INSERT = 250  # records an insert
_WRITERS = 2  # inserts under way while the next records are prepared


@dataclass(frozen=True, slots=True)
class AuditRecorder:
    """Validates, stores and announces audit events."""

    writer: AuditWriter
    outbox: Outbox
    bus: Publisher
    is_strict: IsStrict
    wake_sealer: Wake
    intake: Intake = Intake()

    def record(self, candidates: Iterable[Candidate | ChanceryError]) -> list[Result]:
        """Stores every event that may be, and says of each candidate, in order: its outcome, or why not.

        Candidates are taken one by one, while those before them are being inserted. Repeated events count as stored.
        Raises Unavailable when the database is away: then nothing is known to be stored, and recording the same events
        again stores none of them twice.
        """
        with ThreadPoolExecutor(_WRITERS) as pool:
            inserts = [pool.submit(self._store, prepared) for prepared in self._prepared(candidates)]
        stored = [result for insert in inserts for result in insert.result()]
        self._announce(stored)
        results = [_judged(result) for result in stored]
        self._count(results)
        return results

    def record_with(self, candidate: Candidate, beside: AlsoWrite) -> Outcome:
        """Stores one event and, in its transaction, what `beside` stores for its record; then announces it.

        The outcome may be a conflict: an event that was stored before, from which this one differs. Raises Unavailable,
        and what is wrong with the event.
        """
        prepared = self._prepare(candidate)
        if isinstance(prepared, ChanceryError):
            raise prepared
        record, chosen = prepared
        outcome = self.writer.insert_with(record, beside, chosen)
        if outcome.stored is Stored.REFUSED:
            raise ValidationFailed("The database refuses this event: it does not fit the collection's validator.")
        self._announce([outcome])
        self._count([outcome])
        return outcome

    def _announce(self, results: Iterable[Result]) -> None:
        """Tells the sealer and, meanwhile, whoever listens on the bus. What is not told now is told by a schedule."""
        new = [item for item in results if _is_new(item)]
        if not new:
            return
        records = [item.record for item in new]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self.wake_sealer, {record["tenantId"] for record in records})
            try:
                self.bus.publish(RECORDED, [recorded_event(record) for record in records])
            except Unavailable as exc:
                logger.warning("EVENTS_DEFERRED", reason=exc.detail, records=len(records))
            else:
                entries = {item.outbox_entry: item.record["tenantId"] for item in new if item.outbox_entry}
                self.outbox.mark_published([(tenant_id, entry) for entry, tenant_id in entries.items()])

    def _prepared(self, candidates: Iterable[Candidate | ChanceryError]) -> Iterator[list[_Prepared]]:
        prepared = (item if isinstance(item, ChanceryError) else self._prepare(item) for item in candidates)
        for batch in batched(prepared, _INSERT, strict=False):
            yield list(batch)

    def _store(self, prepared: Sequence[_Prepared]) -> list[Result]:
        """Inserts what is a record; runs beside the preparation of the next ones, so that neither waits."""
        records, chosen = [], list[DefaultedFields]()
        for item in prepared:
            if not isinstance(item, ChanceryError):
                records.append(item[0])
                chosen.append(item[1])
        outcomes = iter(self.writer.insert(records, chosen))
        return [item if isinstance(item, ChanceryError) else next(outcomes) for item in prepared]

    def _prepare(self, candidate: Candidate) -> _Prepared:
        try:
            record = self.intake.record(
                candidate.body,
                candidate.tenant_of,
                candidate.defaults,
                search_values=candidate.search_values,
                measure=candidate.measure,
            )
            self._refuse_uncatalogued(record)
        except Unavailable:
            raise
        except ChanceryError as exc:
            return exc
        except Exception as exc:  # one event that trips us up must not hold up the others
            logger.error("EVENT_CRASHED", error=type(exc).__name__)
            return ChanceryError("This event could not be processed; it has been logged.")
        return record, candidate.chosen()

    def _refuse_uncatalogued(self, record: Mapping[str, Any]) -> None:
        if catalogue().get(record["action"]) is not None:
            return
        if self.is_strict(record["tenantId"]):
            detail = "is not in the catalogue, and this tenant takes catalogued actions only; see GET /v1/audit-catalog"
            raise ValidationFailed("The audit event is not valid.", errors=[FieldError("/action", detail)])
        count("RecordsUncatalogued")

    def _count(self, results: Sequence[Result]) -> None:
        outcomes = [result.stored for result in results if isinstance(result, Outcome)]
        count("RecordsStored", outcomes.count(Stored.NEW))
        count("RecordsRepeated", outcomes.count(Stored.REPEATED))
        count("RecordsRefused", len(results) - len(outcomes))


def _is_new(result: Result) -> TypeGuard[Outcome]:
    return isinstance(result, Outcome) and result.stored is Stored.NEW


def _judged(result: Result) -> Result:
    if isinstance(result, ChanceryError) or result.stored in (Stored.NEW, Stored.REPEATED):
        return result
    if result.stored is Stored.CONFLICT:
        detail = "was used for another event; send a new one"
        return ValidationFailed(
            "The event was recorded before with other content.", errors=[FieldError("/eventId", detail)]
        )
    return ValidationFailed("The database refuses this event: it does not fit the collection's validator.")


def receipt(record: Mapping[str, Any]) -> dict[str, str]:
    """What a caller gets for a stored record."""
    return {
        "refId": record["refId"],
        "createdOn": to_rfc3339(record["createdOn"]),
        "recordedOn": to_rfc3339(record["recordedOn"]),
        "digest": record["digest"],
    }
