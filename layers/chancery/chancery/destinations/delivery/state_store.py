"""Destinations and their states in MongoDB, as runs read and change them: under the lease of one run at a time."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo.database import Database

from chancery.core.aws.queue import ItemRef
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.mongo.leases import Leases
from chancery.destinations.collections import DESTINATION_STATES, DESTINATIONS

_ENABLED = {"enabled": True, "deletedOn": None}


class LeaseLost(Exception):
    """Another run serves the destination; this one stores nothing more."""


class StateStore:
    """Reads `destinations`, reads and changes `destination_states`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self.clock = clock
        self._destinations = database[DESTINATIONS.name]
        self._states = database.get_collection(DESTINATION_STATES.name, write_concern=DURABLE)
        self.leases = Leases(self._states, clock, within="lease")

    # ---- for the trigger and the sweep

    def enabled(self) -> list[Document]:
        """Every enabled destination: tenantId, refId, events. Raises Unavailable."""
        with translated():
            return list(self._destinations.find(_ENABLED, {"_id": 0, "tenantId": 1, "refId": 1, "events": 1}))

    def served(self, tenant_id: str, ref_ids: Collection[str]) -> set[str]:
        """The destinations of a tenant that need no new run: one serves them, or they are down until their probe."""
        query = {"tenantId": tenant_id, "refId": {"$in": list(ref_ids)}}
        is_down = {"breaker.probeOn": {"$gt": self.clock()}}
        with translated():
            found = self._states.find({**query, "$or": [self.leases.held(), is_down]}, {"_id": 0, "refId": 1})
            return {state["refId"] for state in found}

    def to_wake(self, most: int) -> list[ItemRef]:
        """Destinations that need a run: their time has come and none serves them, or theirs did not end."""
        is_due = {"wakeOn": {"$lte": self.clock()}, "$nor": [self.leases.held()]}
        query = {"$or": [is_due, self.leases.abandoned()]}
        with translated():
            found = self._states.find(query, {"_id": 0, "tenantId": 1, "refId": 1}).limit(most)
            return [ItemRef.of(state) for state in found]

    def reserve(self, item: ItemRef) -> bool:
        """Reserves the lease for a run that is asked for now; False where one serves the destination."""
        return self.leases.reserve(item.query)

    def cancel(self, item: ItemRef) -> None:
        """Gives a reservation back. Raises Unavailable."""
        self.leases.release(item.query)

    # ---- for runs

    def destination(self, item: ItemRef) -> Document | None:
        """A destination, also a disabled or deleted one. Raises Unavailable."""
        with translated():
            return self._destinations.find_one(item.query, {"_id": 0})

    def take(self, item: ItemRef, token: str, former: str | None) -> Document | None:
        """Takes the lease; the state, or None where another run has it."""
        if not self.leases.take(item.query, token, former):
            return None
        with translated():
            return self._states.find_one({**item.query, **self.leases.owned(token)}, {"_id": 0})

    def save(self, item: ItemRef, token: str, changes: Mapping[str, Any]) -> None:
        """Changes fields of the state, and holds the lease for longer; None removes a field. Raises LeaseLost."""
        with translated():
            done = self._states.update_one({**item.query, **self.leases.owned(token)}, self.update_of(changes))
        if not done.matched_count:
            raise LeaseLost

    def update_of(self, changes: Mapping[str, Any]) -> Document:
        """The update with which the holder of the lease changes a state."""
        present = {name: value for name, value in changes.items() if value is not None} | self.leases.extension()
        absent = {name: "" for name, value in changes.items() if value is None}
        return {"$set": present, **({"$unset": absent} if absent else {})}

    def end(self, item: ItemRef, token: str, former: datetime | None, wake_on: datetime | None) -> bool:
        """Gives the lease back; False where another run has it.

        `wake_on`: when to serve the destination again. It stays what it is where it is not `former` any more: somebody
        has changed the destination since the run began, and wants it served.
        """
        is_unchanged = self.leases.release({**item.query, "wakeOn": former}, token, wakeOn=wake_on)
        return is_unchanged or self.leases.release(item.query, token)

    def give_back(self, item: ItemRef, token: str) -> None:
        """Gives the lease back of a run that failed, and has the sweep start another one. Raises Unavailable."""
        self.leases.release(item.query, token, wakeOn=self.clock())

    def renew(self, item: ItemRef, token: str) -> None:
        """Holds the lease for longer. Raises LeaseLost, Unavailable."""
        if not self.leases.renew(item.query, token):
            raise LeaseLost

    def positions_of(self, item: ItemRef) -> dict[str, int]:
        """The positions of a destination, to which a change of it may have added some. Raises Unavailable."""
        with translated():
            found = self._states.find_one(item.query, {"_id": 0, "positions": 1})
        return found["positions"] if found else {}

    def positions(self) -> list[Document]:
        """The positions of states that no run serves, and that are not known to be down: refs and positions."""
        query = {"$nor": [self.leases.held()], "breaker.probeOn": None}
        with translated():
            return list(self._states.find(query, {"_id": 0, "tenantId": 1, "refId": 1, "positions": 1}))
