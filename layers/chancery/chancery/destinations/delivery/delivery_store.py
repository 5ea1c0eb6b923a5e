"""Deliveries in MongoDB, as runs make and change them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.core.aws.queue import ItemRef
from chancery.core.mongo.client import DURABLE, Document, in_transaction, translated
from chancery.destinations.collections import DELIVERIES, DESTINATION_STATES
from chancery.destinations.delivery.machine import ACTIVE, Abandoned, DeliveryState, Event, step
from chancery.destinations.delivery.state_store import LeaseLost, StateStore

_DUPLICATE_KEY = 11000
_ABANDONED = 500  # deliveries that are ended at once


class _Duplicates(Exception):
    """A delivery with one of the refIds is stored."""


class Outcome(NamedTuple):
    """What a delivery has become: its next state, and other fields."""

    delivery: Document
    state: DeliveryState
    fields: Mapping[str, Any]


def state_of(delivery: Mapping[str, Any]) -> DeliveryState:
    """The state in a stored delivery."""
    return DeliveryState(
        delivery["status"],
        delivery["reason"],
        delivery["round"],
        delivery["attempt"],
        delivery["retries"],
        delivery.get("dueOn"),
    )


class DeliveryStore:
    """Reads and writes `deliveries`."""

    def __init__(
        self, database: Database[Document], states: StateStore, retention: Mapping[str, int] | None = None
    ) -> None:
        self._database = database
        self._deliveries = database.get_collection(DELIVERIES.name, write_concern=DURABLE)
        self._stored_states = database[DESTINATION_STATES.name]
        self._states = states
        self._retention = timedelta(days=DELIVERIES.days(retention or {}) or 0)

    def add(self, item: ItemRef, token: str, deliveries: Sequence[Document], changes: Mapping[str, Any]) -> None:
        """Stores new deliveries and changes of the state, both or neither, under the lease. Raises LeaseLost.

        A delivery whose refId is stored stays as it is: the same event was delivered before its position was set back.
        """
        new = [self._expiring(delivery) for delivery in deliveries]
        try:
            self._add(item, token, new, changes)
        except _Duplicates:
            known = self._known(item, [delivery["refId"] for delivery in new])
            self._add(item, token, [delivery for delivery in new if delivery["refId"] not in known], changes)

    def _add(self, item: ItemRef, token: str, new: Sequence[Document], changes: Mapping[str, Any]) -> None:
        query, update = {**item.query, **self._states.leases.owned(token)}, self._states.update_of(changes)

        def work(session: ClientSession) -> None:
            if not self._stored_states.update_one(query, update, session=session).matched_count:
                raise LeaseLost
            if new:
                try:
                    self._deliveries.insert_many([dict(delivery) for delivery in new], session=session)
                except BulkWriteError as exc:
                    if any(error["code"] == _DUPLICATE_KEY for error in (exc.details or {}).get("writeErrors", ())):
                        raise _Duplicates from exc
                    raise

        in_transaction(self._database, work)

    def _known(self, item: ItemRef, ref_ids: Sequence[str]) -> set[str]:
        with translated():
            found = self._deliveries.find({"tenantId": item.tenant_id, "refId": {"$in": list(ref_ids)}}, {"refId": 1})
            return {delivery["refId"] for delivery in found}

    def due(self, item: ItemRef, now: datetime, most: int, but: Collection[str]) -> list[Document]:
        """Deliveries that are due, the longest due first, without some that are being sent."""
        query = {**_of(item), "status": "pending", "dueOn": {"$lte": now}}
        with translated():
            found = self._deliveries.find(query, {"_id": 0}).sort([("dueOn", 1), ("first", 1)]).limit(most + len(but))
            return [delivery for delivery in found if delivery["refId"] not in but][:most]

    def probe(self, item: ItemRef) -> Document | None:
        """The delivery by which a destination that is down is tried: a test that was not sent yet, where there is one.

        Else the oldest of those with the fewest attempts.
        """
        query = {**_of(item), "status": "pending"}
        sort = [("attempt", 1), ("createdOn", 1), ("first", 1)]
        with translated():
            test = self._deliveries.find_one({**query, "kind": "test", "attempt": 0}, {"_id": 0}, sort=sort)
            return test or self._deliveries.find_one(query, {"_id": 0}, sort=sort)

    def next_due(self, item: ItemRef) -> datetime | None:
        """When the next delivery is due."""
        with translated():
            found = self._deliveries.find_one({**_of(item), "status": "pending"}, {"dueOn": 1}, sort=[("dueOn", 1)])
        return found["dueOn"] if found else None

    def oldest(self, item: ItemRef) -> datetime | None:
        """When the oldest delivery that has not ended was made."""
        with translated():
            query = {**_of(item), "status": {"$in": list(ACTIVE)}}
            found = self._deliveries.find_one(query, {"createdOn": 1}, sort=[("createdOn", 1)])
        return found["createdOn"] if found else None

    def active(self, item: ItemRef, most: int) -> int:
        """How many deliveries have not ended, counted up to a limit."""
        with translated():
            return self._deliveries.count_documents({**_of(item), "status": {"$in": list(ACTIVE)}}, limit=most)

    def active_keys(self, item: ItemRef, keys: Collection[str]) -> set[str]:
        """The order keys of which a delivery has not ended."""
        query = {**_of(item), "status": {"$in": list(ACTIVE)}, "orderKey": {"$in": list(keys)}}
        with translated():
            return {found["orderKey"] for found in self._deliveries.find(query, {"orderKey": 1})}

    def store(self, outcomes: Sequence[Outcome]) -> None:
        """Stores what deliveries have become, unless another process has changed one since."""
        if outcomes:
            with translated():
                self._deliveries.bulk_write([self._update(outcome) for outcome in outcomes], ordered=False)

    def unblock(self, item: ItemRef, keys: Collection[str], event: Event) -> None:
        """Lets the next delivery of each key go whose earlier ones have ended."""
        for key in sorted(set(keys) - self._pending_keys(item, keys)):
            query = {**_of(item), "status": "blocked", "orderKey": key}
            with translated():
                found = self._deliveries.find_one(query, {"_id": 0}, sort=[("first", 1)])
            if found:
                self.store([Outcome(found, step(state_of(found), event), {})])

    def blocked_keys(self, item: ItemRef) -> set[str]:
        """The order keys of blocked deliveries."""
        with translated():
            return set(self._deliveries.distinct("orderKey", {**_of(item), "status": "blocked"}))

    def abandon(self, item: ItemRef, reason: str) -> int:
        """Ends up to 500 deliveries that can never be sent; their number."""
        query = {**_of(item), "status": {"$in": list(ACTIVE)}}
        with translated():
            found = list(self._deliveries.find(query, {"_id": 0}).limit(_ABANDONED))
        self.store([Outcome(delivery, step(state_of(delivery), Abandoned(reason)), {}) for delivery in found])
        return len(found)

    def _pending_keys(self, item: ItemRef, keys: Collection[str]) -> set[str]:
        query = {**_of(item), "status": "pending", "orderKey": {"$in": list(keys)}}
        with translated():
            return {found["orderKey"] for found in self._deliveries.find(query, {"orderKey": 1})}

    def _update(self, outcome: Outcome) -> UpdateOne:
        delivery, state = outcome.delivery, outcome.state
        fields = {**state._asdict(), **outcome.fields}
        fields["dueOn"] = fields.pop("due_on")
        if not state.is_active:
            ended_on = self._states.clock()
            fields |= {"endedOn": ended_on, "expiresOn": ended_on + self._retention}
        present = {name: value for name, value in fields.items() if value is not None}
        absent = {name: "" for name, value in fields.items() if value is None}
        own = {name: delivery[name] for name in ("tenantId", "refId", "status", "round", "attempt")}
        return UpdateOne(own, {"$set": present, **({"$unset": absent} if absent else {})})

    def _expiring(self, delivery: Document) -> Document:
        """A new delivery as it is stored: one that has ended expires."""
        return {**delivery, "expiresOn": delivery["endedOn"] + self._retention} if "endedOn" in delivery else delivery


def _of(item: ItemRef) -> Document:
    return {"tenantId": item.tenant_id, "destinationId": item.ref_id}
