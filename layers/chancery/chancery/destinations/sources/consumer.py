"""The consumer of `platform-events`: stores what the bus says of tenants that follow it. No message delays another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chancery.core.aws.event_queue import EventQueue
from chancery.core.aws.queue import Message
from chancery.core.batches import crash_error
from chancery.core.errors import ChanceryError
from chancery.core.observability import count
from chancery.destinations.sources.event_store import EventStore
from chancery.destinations.sources.facts import Fact, fact_of


@dataclass(frozen=True, slots=True)
class EventConsumer:
    """Consumes SQS batches. `stored` is called with each tenant of which events are stored, and raises nothing."""

    store: Callable[[], EventStore]
    queue: EventQueue
    stored: Callable[[str], None]

    def consume(self, messages: Sequence[Message]) -> list[str]:
        """Stores the events of SQS `messages`; the ids of those to deliver again (`batchItemFailures`)."""
        return self.queue.consume(messages, self._record)

    def _record(self, messages: Sequence[Message]) -> list[ChanceryError | None]:
        parsed = [_parsed(message) for message in messages]
        facts: dict[str, list[Fact]] = {}
        for fact in parsed:
            if isinstance(fact, Fact):
                facts.setdefault(fact.tenant_id, []).append(fact)
        followed = self.store().following(list(facts)) if facts else set()
        failed = {tenant_id: self._add(tenant_id, facts[tenant_id]) for tenant_id in facts if tenant_id in followed}
        return [failed.get(fact.tenant_id) if isinstance(fact, Fact) else fact for fact in parsed]

    def _add(self, tenant_id: str, facts: Sequence[Fact]) -> ChanceryError | None:
        """The error with which the facts of a tenant were not stored."""
        try:
            count("TenantEventsStored", self.store().add(tenant_id, facts))
        except ChanceryError as exc:
            return exc
        except Exception as exc:  # one tenant must not fail the others
            return crash_error(exc)
        self.stored(tenant_id)  # also after repetitions: the process may have ended before it called this
        return None


def _parsed(message: Message) -> Fact | ChanceryError | None:
    try:
        return fact_of(message)
    except ChanceryError as exc:
        return exc
    except Exception as exc:
        return crash_error(exc)
