"""What follows once an exchange has ended: it is published as `Exchange Completed`, and counted in the rollups.

The update that ends an exchange also marks it as `unpublished` and `uncounted`, so nothing is lost where its writer is
killed. Publication is at least once: a run that is killed before it removes the mark publishes again. Counting is
exact: rollups change, and the mark goes, in one transaction. Neither waits for the other.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chancery.core.aws.queue import Message
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import Unavailable
from chancery.core.mongo.client import DURABLE, Document, in_transaction, translated
from chancery.core.observability import count, logger
from chancery.integrations.exchanges.collections import EXCHANGE_ROLLUPS, INTEGRATION_LOGS
from chancery.integrations.exchanges.rollups import increments
from chancery.integrations.exchanges.store import ExchangeStore
from chancery.integrations.exchanges.summary import COMPLETED, NEEDED, summary_of

_BATCH = 250
_TIME_FOR_BATCH_MS = 10_000
_COUNTED_FIELDS = ("tenantId", "systemCode", "endpointCode", "startedAt", "status", "durationMs", "countedAs")
_COUNTED_AS = {"status": "$status", "durationMs": "$durationMs"}


class Publisher(Protocol):
    """Publishes events: `core.aws.event_bus.Bus`."""

    def publish(self, detail_type: str, details: list[dict[str, Any]]) -> None: ...


class ExchangeCompletion:
    """Ends overdue exchanges, publishes and counts finished ones; the worker of the queue of completions."""

    name: ClassVar[str] = "exchange-completions"
    rescheduled: ClassVar[bool] = True

    def __init__(self, database: Database[Document], store: ExchangeStore, bus: Publisher) -> None:
        self._database, self._store, self._bus = database, store, bus
        self._exchanges = database.get_collection(INTEGRATION_LOGS.name, write_concern=DURABLE)
        self._counted = database[INTEGRATION_LOGS.name]  # in a transaction, which has its own write concern
        self._rollups = database[EXCHANGE_ROLLUPS.name]

    def parse(self, _: Message) -> str:
        """Every message is about the same: whatever is not completed."""
        return "all"

    def work(self, _: str, delivery: Delivery) -> None:
        """Counts and publishes. Raises Unavailable; what remains is done by a later run."""
        self._count_all(delivery.remaining_ms)
        self._publish_all(delivery.remaining_ms)

    def failed(self, item: str, reason: str) -> None:
        """Nothing: the schedule tries again."""

    def sweep(self, remaining_ms: Callable[[], int]) -> dict[str, int]:
        """Marks overdue exchanges as TIMEOUT, then counts and publishes: `{expired, counted, published}`.

        Stops where time is short; the next run goes on. An outage of the bus ends the run, after all is counted.
        """
        done = {"expired": 0, "counted": 0, "published": 0}
        try:
            done["expired"] = _repeat(self._expire, remaining_ms)
            done["counted"] = self._count_all(remaining_ms)
            done["published"] = self._publish_all(remaining_ms)
        except Unavailable as exc:
            logger.warning("EXCHANGE_COMPLETION_DEFERRED", reason=exc.detail, done=done)
        return done

    def _expire(self) -> int:
        expired = self._store.expire(_BATCH)
        count("ExchangesExpired", expired)
        return expired

    # ---- counting

    def _count_all(self, remaining_ms: Callable[[], int]) -> int:
        return _repeat(self._count, remaining_ms)

    def _count(self) -> int:
        """Adds up to 250 exchanges to the rollups, in one transaction with the removal of their marks; their number."""

        def work(session: ClientSession) -> int:
            fields = dict.fromkeys(_COUNTED_FIELDS, 1)
            found = self._exchanges.find({"uncounted": {"$exists": True}}, fields, session=session)
            exchanges = list(found.sort("uncounted", 1).limit(_BATCH))
            if not exchanges:
                return 0
            self._rollups.bulk_write(_upserts(exchanges), ordered=False, session=session)
            ids = [exchange["_id"] for exchange in exchanges]
            counted: list[Document] = [{"$set": {"countedAs": _COUNTED_AS}}, {"$unset": "uncounted"}]
            self._counted.update_many({"_id": {"$in": ids}}, counted, session=session)
            return len(exchanges)

        return in_transaction(self._database, work)

    # ---- publishing

    def _publish_all(self, remaining_ms: Callable[[], int]) -> int:
        return _repeat(self._publish, remaining_ms)

    def _publish(self) -> int:
        """Publishes up to 250 summaries; their number. Raises Unavailable.

        An exchange that ends anew while it is published keeps its mark, and is published again.
        """
        with translated():
            fields = dict.fromkeys((*NEEDED, "version"), 1)
            found = self._exchanges.find({"unpublished": {"$exists": True}}, fields)
            exchanges = list(found.sort("unpublished", 1).limit(_BATCH))
        if not exchanges:
            return 0
        self._bus.publish(COMPLETED, [summary_of(exchange) for exchange in exchanges])
        with translated():
            unmark = {"$unset": {"unpublished": ""}}
            own = [{"_id": exchange["_id"], "version": exchange["version"]} for exchange in exchanges]
            self._exchanges.bulk_write([UpdateOne(query, unmark) for query in own], ordered=False)
        count("ExchangesPublished", len(exchanges))
        return len(exchanges)


def _upserts(exchanges: Iterable[Mapping[str, Any]]) -> list[UpdateOne]:
    return [
        UpdateOne(key.query(), {"$inc": dict(changes), "$setOnInsert": {"expiresOn": key.expires_on}}, upsert=True)
        for key, changes in increments(exchanges).items()
    ]


def _repeat(step: Callable[[], int], remaining_ms: Callable[[], int]) -> int:
    """Repeats a step that takes a batch, until nothing is left or time is short; what all steps have done."""
    total = 0
    while remaining_ms() > _TIME_FOR_BATCH_MS:
        done = step()
        total += done
        if done < _BATCH:
            break
    return total
