"""Deliveries in MongoDB, as callers test destinations and have deliveries sent again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chancery.core.errors import Conflict, NotFound
from chancery.core.mongo.client import DURABLE, Document, in_transaction, translated
from chancery.core.mongo.repository import Repository
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.destinations.collections import DELIVERIES
from chancery.destinations.registry.store import Audit, DestinationStore

ENDED = ("delivered", "failed")
_MOST_COUNTED = 10_000


class _Known(Exception):
    """A delivery with this refId is stored."""


class DeliveryStore:
    """Reads `deliveries`, adds tests, and sets ended deliveries to be sent again under the same id.

    `destinations`: whose state is woken in the same transaction.
    """

    def __init__(self, database: Database[Document], destinations: DestinationStore) -> None:
        self.deliveries = Repository(database, DELIVERIES, clock=destinations.clock)
        self._collection = database.get_collection(DELIVERIES.name, write_concern=DURABLE)
        self._database = database
        self._destinations = destinations

    def get(self, destination: Mapping[str, Any], ref_id: str) -> Document:
        """A delivery of a destination. Raises NotFound."""
        with translated():
            found = self._collection.find_one({**_of(destination), "refId": ref_id}, {"_id": 0})
        if found is None:
            raise NotFound("The destination has no such delivery.")
        return found

    def page(self, query: Mapping[str, Any], *, fields: Sequence[str], descending: bool, limit: int) -> list[Document]:
        """Deliveries in (createdOn, refId) order; pending ones have no end, so no expiry either."""
        direction = -1 if descending else 1
        with translated():
            found = self._collection.find(query, {"_id": 0, **dict.fromkeys(fields, 1)})
            return list(found.sort([("createdOn", direction), ("refId", direction)]).limit(limit))

    def count(self, destination: Mapping[str, Any], *statuses: str) -> int:
        """The number of deliveries with one of the statuses, at most 10,000."""
        query = {**_of(destination), "status": {"$in": list(statuses)}}
        with translated():
            return self._collection.count_documents(query, limit=_MOST_COUNTED)

    def next_due(self, destination: Mapping[str, Any]) -> Document | None:
        """The pending delivery that is due first."""
        query = {**_of(destination), "status": "pending"}
        with translated():
            return self._collection.find_one(query, {"_id": 0, "dueOn": 1}, sort=[("dueOn", 1)])

    def oldest_active(self, destination: Mapping[str, Any], source: str) -> Document | None:
        """The oldest delivery of a source that has not ended."""
        query = {**_of(destination), "status": {"$in": ["pending", "blocked"]}, "source": source}
        with translated():
            return self._collection.find_one(query, {"_id": 0, "createdOn": 1}, sort=[("createdOn", 1)])

    def add(self, destination: Mapping[str, Any], delivery: Document, audit: Audit) -> bool:
        """Stores a test and has it sent now, also where its destination is down; False where its refId is stored."""

        def work(session: ClientSession) -> None:
            if not self.deliveries.add(delivery, session):
                raise _Known  # the server has ended the transaction
            self._destinations.wake(destination, session)
            self._destinations.probe(destination, session)
            audit()

        try:
            in_transaction(self._database, work)
        except _Known:
            return False
        return True

    def replay(self, destination: Mapping[str, Any], ref_id: str, audit: Audit) -> Document:
        """Has a delivery sent again, or now where it waits for a retry.

        Raises NotFound, Conflict where it waits for another one of its key.
        """

        def work(session: ClientSession) -> Document:
            now: Document = {"$set": {"dueOn": self._destinations.clock()}}
            found = self._updated(destination, ref_id, ENDED, self._again(), session)
            found = found or self._updated(destination, ref_id, ("pending",), now, session)
            if found is None:
                raise Conflict("The delivery waits until the one before it has ended.")
            self._destinations.wake(destination, session)
            audit()
            return found

        self.get(destination, ref_id)
        return in_transaction(self._database, work)

    def replay_all(
        self,
        destination: Mapping[str, Any],
        query: Mapping[str, Any],
        most: int,
        cursor: str | None,
        audit: Callable[[int], None],
    ) -> tuple[int, str | None]:
        """Has ended deliveries of a query sent again, the oldest first: how many, and the cursor where there are more.

        Raises ValidationFailed for a cursor of another query.
        """
        ended = {**_of(destination), "status": {"$in": list(ENDED)}, **query}
        bound_to = binding(ended)
        after = decode_cursor(cursor, bound_to).filter(descending=False) if cursor else {}
        order = {"sort": [("createdOn", 1), ("refId", 1)], "limit": most + 1}

        def work(session: ClientSession) -> tuple[int, str | None]:
            fields = {"refId": 1, "createdOn": 1}
            found = list(self._collection.find({"$and": [ended, after]}, fields, session=session, **order))
            chosen = found[:most]
            ref_ids = [delivery["refId"] for delivery in chosen]
            again = {**ended, "refId": {"$in": ref_ids}}
            done = self._collection.update_many(again, self._again(), session=session).modified_count
            if done:
                self._destinations.wake(destination, session)
            audit(done)
            last = Position(chosen[-1]["createdOn"], chosen[-1]["refId"]) if len(found) > most else None
            return done, encode_cursor(last, bound_to) if last else None

        return in_transaction(self._database, work)

    def _updated(
        self,
        destination: Mapping[str, Any],
        ref_id: str,
        statuses: Sequence[str],
        update: Document | list[Document],
        session: ClientSession,
    ) -> Document | None:
        return self._collection.find_one_and_update(
            {**_of(destination), "refId": ref_id, "status": {"$in": list(statuses)}},
            update,
            projection={"_id": 0},
            return_document=ReturnDocument.AFTER,
            session=session,
        )

    def _again(self) -> list[Document]:
        """The update of an ended delivery: a new round. One of a key waits for those before it, as a new one does."""
        ordered = {"$cond": [{"$ifNull": ["$orderKey", False]}, "blocked", "pending"]}
        begun = {
            "status": ordered,
            "reason": "replay_requested",
            "round": {"$add": ["$round", 1]},
            "attempt": 0,
            "retries": 0,
            "dueOn": self._destinations.clock(),
        }
        ended = ["endedOn", "expiresOn", "responseStatus", "lastError", "rejected"]
        return [{"$set": begun}, {"$unset": ended}]


def _of(destination: Mapping[str, Any]) -> Document:
    return {"tenantId": destination["tenantId"], "destinationId": destination["refId"]}
