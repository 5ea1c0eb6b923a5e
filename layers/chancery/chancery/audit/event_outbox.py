"""Facts that are not on the bus yet: noted in the transaction of their records, forgotten once they are published.

Whoever stores records publishes their facts at once. A schedule publishes what is left: somebody died in between, or
the bus was away.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database

from chancery.audit.collections import AUDIT_UNANNOUNCED
from chancery.audit.events import RECORDED, Publisher, fact
from chancery.audit.store import AuditStore
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document, translated
from chancery.core.observability import count, gauge, logger

_UNDER_WAY = timedelta(seconds=60)  # the longest that a function runs which stores records
_NOTES = 40  # read at once, each of up to 250 records
_TIME_TO_PUBLISH_MS = 15_000

Records = Sequence[Mapping[str, Any]]


class EventOutbox:
    """Reads and writes `audit_unannounced`: a note for the records that one transaction stored for one tenant."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database[AUDIT_UNANNOUNCED.name]
        self._clock = clock

    def add(self, records: Records, session: ClientSession) -> None:
        """Notes the records in the session's transaction."""
        moment = self._clock()
        notes = [
            {"_id": ref_ids[0], "tenantId": tenant_id, "createdOn": moment, "refIds": ref_ids}
            for tenant_id, ref_ids in _by_tenant(records).items()
        ]
        self._collection.insert_many(notes, session=session)

    def forget(self, ids: Sequence[str]) -> None:
        """Removes the notes among these refIds, each named after its first record. Never raises.

        A note that stays is a fact told twice.
        """
        try:
            with translated():
                self._collection.delete_many({"_id": {"$in": ids}})
        except ChanceryError as exc:
            logger.warning("NOTES_NOT_REMOVED", notes=len(ids), reason=exc.detail)

    def left(self) -> list[Document]:
        """The oldest notes of those that nobody is working on any more."""
        with translated():
            found = self._collection.find({"createdOn": {"$lt": self._clock() - _UNDER_WAY}})
            return list(found.sort("createdOn", 1).limit(_NOTES))

    def oldest_wait(self) -> timedelta:
        """How long the oldest note has been there."""
        with translated():
            oldest = self._collection.find_one({}, {"createdOn": 1}, sort=[("createdOn", 1)])
        return self._clock() - oldest["createdOn"] if oldest else timedelta()


@dataclass(frozen=True, slots=True)
class OutboxRelay:
    """Publishes the facts of records whose writer has not."""

    unannounced: EventOutbox
    store: AuditStore
    bus: Publisher

    def sweep(self, remaining_ms: Callable[[], int]) -> None:
        """Announces what is left, oldest first, until nothing is, time is short or the bus is away."""
        try:
            for note in self._notes(remaining_ms):
                records = self.store.get_many(note["tenantId"], note["refIds"])
                self.bus.publish(RECORDED, [fact(record) for record in records.values()])
                self.unannounced.forget([note["_id"]])
                count("FactsAnnouncedLate", len(note["refIds"]))
        except Unavailable as exc:
            logger.warning("FACTS_DEFERRED", reason=exc.detail)
        gauge("AnnouncingDelay", self.unannounced.oldest_wait().total_seconds())

    def _notes(self, remaining_ms: Callable[[], int]) -> Iterator[Document]:
        """What is left, as long as there is time to publish another one."""
        while notes := self.unannounced.left():
            for note in notes:
                if remaining_ms() < _TIME_TO_PUBLISH_MS:
                    return
                yield note


def _by_tenant(records: Records) -> dict[str | None, list[str]]:
    """The refIds of each tenant, in order; the first is the name of its note."""
    found: dict[str | None, list[str]] = {}
    for record in records:
        found.setdefault(record["tenantId"], []).append(record["refId"])
    return found
