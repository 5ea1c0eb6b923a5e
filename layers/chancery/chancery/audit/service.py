"""Recording audit events: one or many from an HTTP caller, or a batch of events from the bus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chancery.audit.catalog import catalogue
from chancery.audit.facts import Facts
from chancery.audit.intake import Defaults, Intake
from chancery.audit.models import AuditEvent
from chancery.audit.store import AuditStore, Outcome, Stored
from chancery.core.errors import ChanceryError, FieldError, Unavailable, ValidationFailed
from chancery.core.observability import count, logger
from chancery.core.times import to_rfc3339

IsStrict = Callable[[str | None], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event on its way to be stored: its parsed body, whose tenant it is for, and what it may take by default."""

    body: Any
    tenant_of: Callable[[AuditEvent], str | None]
    defaults: Defaults = Defaults()
    search_values: bool = True


Result = Outcome | ChanceryError


@dataclass(frozen=True, slots=True)
class AuditRecorder:
    """Validates, stores and announces audit events."""

    store: AuditStore
    facts: Facts
    is_strict: IsStrict
    intake: Intake = Intake()

    def record(self, candidates: Sequence[Candidate]) -> list[Result]:
        """Stores every event that may be, in one insert, and says of each in order: its outcome, or why not.

        Repeated events count as stored and are announced again. Raises Unavailable when the database is away: then
        nothing is known to be stored, and recording the same events again stores none of them twice.
        """
        prepared = [self._prepare(candidate) for candidate in candidates]
        good = [at for at, result in enumerate(prepared) if not isinstance(result, ChanceryError)]
        records: list[dict[str, Any]] = [prepared[at] for at in good]  # type: ignore[misc]
        own_time = frozenset(place for place, at in enumerate(good) if _has_own_time(candidates[at]))
        outcomes = self.store.insert(records, own_time)
        results: list[Result] = [_judged(result) for result in _merged(prepared, outcomes)]
        announced = [result.record for result in results if isinstance(result, Outcome)]
        if announced:
            self.facts.publish(announced)
        self._count(results)
        return results

    def _prepare(self, candidate: Candidate) -> dict[str, Any] | ChanceryError:
        try:
            event = self.intake.validate(candidate.body, search_values=candidate.search_values)
            tenant_id = candidate.tenant_of(event)
            record = self.intake.record(event, tenant_id, candidate.defaults)
            self._refuse_uncatalogued(record)
        except Unavailable:
            raise
        except ChanceryError as exc:
            return exc
        except Exception as exc:  # one event that trips us up must not hold up the others
            logger.error("EVENT_CRASHED", error=type(exc).__name__)
            return ChanceryError("This event could not be processed; it has been logged.")
        return record

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


def _has_own_time(candidate: Candidate) -> bool:
    return candidate.defaults.created_on is None and not candidate.body.get("createdOn")


def _merged(
    prepared: Sequence[dict[str, Any] | ChanceryError], outcomes: Sequence[Outcome]
) -> list[Outcome | ChanceryError]:
    stored = iter(outcomes)
    return [item if isinstance(item, ChanceryError) else next(stored) for item in prepared]


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
