"""Platform events of tenants in MongoDB, numbered without a gap in the order in which they become visible.

A transaction takes the numbers from the tenant's counter and inserts the events. Two of them conflict on the counter,
so one commits after the other: a number is visible only when all before it are. Repetitions are found by refId within
the transaction, and take no number.

Events are stored only for tenants that follow them: each reader of events has `follow` store that, and storing ends
when they were not read for as long as they are stored.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document, in_transaction, translated
from chancery.destinations.sources.collections import (
    EVENT_DAYS,
    EVENT_FOLLOWERS,
    TENANT_EVENT_COUNTERS,
    TENANT_EVENTS,
)
from chancery.destinations.sources.facts import Fact

_FOLLOWED_SECONDS = 3600.0  # between two updates of a follower by a process: much less than EVENT_DAYS
_TRIES = 5
_MOST_FOLLOWERS = 10_000


class EventStore:
    """Writes and reads the events of one database."""

    def __init__(
        self,
        database: Database[Document],
        clock: Clock = now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._events = database[TENANT_EVENTS.name]
        self._counters = database[TENANT_EVENT_COUNTERS.name]
        # A number that a failover may take back is not read: it could be given to another event.
        majority = ReadConcern("majority")
        self._visible = database.get_collection(TENANT_EVENTS.name, read_concern=majority)
        self._visible_counters = database.get_collection(TENANT_EVENT_COUNTERS.name, read_concern=majority)
        self._followers = database[EVENT_FOLLOWERS.name]
        self._clock = clock
        self._monotonic = monotonic
        self._followed: dict[str, float] = {}

    def add(self, tenant_id: str, facts: Iterable[Fact]) -> int:
        """Stores the facts of a tenant that are not stored yet, in their order; how many. Raises Unavailable."""
        distinct = {fact.ref_id: fact for fact in facts}
        for _ in range(_TRIES):
            try:
                return in_transaction(self._database, lambda session: self._add(tenant_id, distinct, session))
            except DuplicateKeyError:  # another process stored the tenant's first event a moment ago
                continue
        raise Unavailable("Other writers of the tenant were faster each time.")

    def _add(self, tenant_id: str, facts: dict[str, Fact], session: ClientSession) -> int:
        repeated = {"tenantId": tenant_id, "refId": {"$in": list(facts)}}
        known = {event["refId"] for event in self._events.find(repeated, {"refId": 1}, session=session)}
        fresh = [fact for ref_id, fact in facts.items() if ref_id not in known]
        if not fresh:
            return 0
        counter: Document = self._counters.find_one_and_update(  # type: ignore[assignment]  # an upsert finds one
            {"tenantId": tenant_id},
            {"$inc": {"last": len(fresh)}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        moment, first = self._clock(), counter["last"] - len(fresh) + 1
        stored = [
            {
                "tenantId": tenant_id,
                "sequence": sequence,
                "refId": fact.ref_id,
                "type": fact.type,
                "occurredOn": fact.occurred_on,
                "createdOn": moment,
                "data": fact.data,
            }
            for sequence, fact in enumerate(fresh, first)
        ]
        self._events.insert_many(stored, session=session)
        return len(fresh)

    def follow(self, tenant_id: str) -> None:
        """Has the events of a tenant stored from now on; a process writes that once an hour. Raises Unavailable."""
        moment = self._monotonic()
        if moment - self._followed.get(tenant_id, float("-inf")) < _FOLLOWED_SECONDS:
            return
        with translated():
            changes = {"$max": {"expiresOn": self._clock() + timedelta(days=EVENT_DAYS)}}
            with suppress(DuplicateKeyError):  # another process stored it a moment ago
                self._followers.update_one({"tenantId": tenant_id}, changes, upsert=True)
        if len(self._followed) > _MOST_FOLLOWERS:
            self._followed.clear()
        self._followed[tenant_id] = moment

    def following(self, tenant_ids: Sequence[str]) -> set[str]:
        """Those of the tenants that follow their events. Raises Unavailable."""
        query = {"tenantId": {"$in": list(tenant_ids)}, "expiresOn": {"$gt": self._clock()}}
        with translated():
            return {found["tenantId"] for found in self._followers.find(query, {"_id": 0, "tenantId": 1})}

    def last(self, tenant_id: str) -> int:
        """The newest number of a tenant, 0 without any. Raises Unavailable."""
        with translated():
            counter = self._visible_counters.find_one({"tenantId": tenant_id}, {"last": 1})
        return counter["last"] if counter else 0

    def after(self, tenant_id: str, sequence: int, limit: int) -> list[Document]:
        """The events of a tenant beyond a number, in order, without expired ones. Raises Unavailable."""
        query = {"tenantId": tenant_id, "sequence": {"$gt": sequence}, **self._unexpired()}
        with translated():
            return list(self._visible.find(query, {"_id": 0}).sort("sequence", 1).limit(limit))

    def get(self, tenant_id: str, ref_ids: Sequence[str]) -> dict[str, Document]:
        """The events of a tenant with these refIds that have not expired, by refId. Raises Unavailable."""
        query = {"tenantId": tenant_id, "refId": {"$in": list(ref_ids)}, **self._unexpired()}
        with translated():
            return {event["refId"]: event for event in self._visible.find(query, {"_id": 0})}

    def _unexpired(self) -> Document:
        return {"createdOn": {"$gt": self._clock() - timedelta(days=EVENT_DAYS)}}
