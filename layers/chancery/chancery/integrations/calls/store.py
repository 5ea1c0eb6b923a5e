"""Calls and circuit breakers in MongoDB: each change is one update under an optimistic lock."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.aws.queue import ItemRef
from chancery.core.errors import NotFound, Unavailable
from chancery.core.formats.times import Clock, now, to_milliseconds
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.mongo.repository import Repository
from chancery.integrations.calls.breaker import CLOSED, BreakerState
from chancery.integrations.calls.collections import INTEGRATION_BREAKERS, INTEGRATION_CALLS
from chancery.integrations.calls.machine import CallState

LONGEST_DELAY = timedelta(minutes=15)  # of an SQS message
_LATE = timedelta(minutes=5)  # after which the message about a call counts as lost
_BEFORE = timedelta(seconds=30)  # a later time than SQS can wait for, the sweep sends the message
_TRIES = 20


class StaleCall(Exception):
    """Another process has changed the call since it was read."""


def state_of(call: Mapping[str, Any]) -> CallState:
    """The state in a stored call."""
    return CallState(
        call["status"],
        call["attempt"],
        call["allowed"],
        call.get("dueOn"),
        call["deadline"],
        call["reason"],
        call["isCancelling"],
    )


def fields_of(state: CallState) -> Document:
    """A state as it is stored. A time without a value is None."""
    return {
        "status": state.status,
        "attempt": state.attempt,
        "allowed": state.allowed,
        "dueOn": to_milliseconds(state.due_on) if state.due_on else None,
        "deadline": state.deadline,
        "reason": state.reason,
        "isCancelling": state.is_cancelling,
    }


class CallStore:
    """Reads and writes `integration_calls`."""

    def __init__(
        self, database: Database[Document], retention: Mapping[str, int] | None = None, clock: Clock = now
    ) -> None:
        self.calls = Repository(database, INTEGRATION_CALLS, retention, clock)
        self.clock = clock
        self._collection = database.get_collection(INTEGRATION_CALLS.name, write_concern=DURABLE)

    def add(self, call: Document) -> bool:
        """Stores a new call; False where there is one with its refId."""
        return self.calls.add({**call, "sweepOn": self._sweep_on(state_of(call))})

    def get(self, item: ItemRef) -> Document:
        """A call. Raises NotFound."""
        found = self.calls.get(item.query)
        if found is None:
            raise NotFound("There is no such call.")
        return found

    def advance(self, call: Document, state: CallState, **fields: Any) -> Document:
        """Stores the next state of a call, with other fields; the changed call. Raises StaleCall.

        A field that is None is removed.
        """
        ended = {} if state.is_active else {"completedOn": self.clock()}
        changes = {**fields_of(state), "sweepOn": self._sweep_on(state), "completedOn": None, **ended, **fields}
        changes |= {"updatedOn": self.clock()}
        present = {name: value for name, value in changes.items() if value is not None}
        absent = {name: "" for name, value in changes.items() if value is None}
        update: Document = {"$set": present, "$inc": {"version": 1}}
        if absent:
            update["$unset"] = absent
        own = {name: call[name] for name in ("tenantId", "refId", "version")}
        with translated():
            done = self._collection.update_one(own, update)
        if not done.matched_count:
            raise StaleCall
        kept = {name: value for name, value in call.items() if name not in absent}
        return {**kept, **present, "version": call["version"] + 1}

    def overdue(self, most: int) -> list[Document]:
        """Calls that the sweep has to send messages for, the longest overdue first: refs, `dueOn` and `sweepOn`."""
        fields = {"_id": 0, "tenantId": 1, "refId": 1, "dueOn": 1, "sweepOn": 1}
        with translated():
            found = self._collection.find({"sweepOn": {"$lte": self.clock()}}, fields)
            return list(found.sort("sweepOn", 1).limit(most))

    def postpone(self, call: Mapping[str, Any]) -> bool:
        """Has the sweep look after a call again when its new message counts as lost; False where it has changed."""
        own = {name: call[name] for name in ("tenantId", "refId", "sweepOn")}
        later = max(self.clock(), call["dueOn"]) + _LATE
        with translated():
            return bool(self._collection.update_one(own, {"$set": {"sweepOn": later}}).matched_count)

    def _sweep_on(self, state: CallState) -> datetime | None:
        if state.due_on is None:
            return None
        is_far = state.status == "waiting" and state.due_on - self.clock() > LONGEST_DELAY
        return state.due_on - _BEFORE if is_far else state.due_on + _LATE


class BreakerStore:
    """Reads and changes the circuit breakers of systems."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database.get_collection(INTEGRATION_BREAKERS.name, write_concern=DURABLE)

    def get(self, tenant_id: str, system_id: str) -> BreakerState:
        """The state of a system's breaker; closed where nothing has happened yet."""
        return _breaker(self._find(tenant_id, system_id))

    def change(
        self, tenant_id: str, system_id: str, work: Callable[[BreakerState], BreakerState | None]
    ) -> BreakerState | None:
        """Changes a breaker to what `work` makes of its state; nothing where that is None. Raises Unavailable.

        `work` is called again where another process was faster.
        """
        for _ in range(_TRIES):
            found = self._find(tenant_id, system_id)
            before = _breaker(found)
            after = work(before)
            if after is None or after == before or self._store(tenant_id, system_id, found, after):
                return after
        raise Unavailable("The circuit breaker of the system is being changed; try again.")

    def _find(self, tenant_id: str, system_id: str) -> Document | None:
        with translated():
            return self._collection.find_one({"tenantId": tenant_id, "systemId": system_id})

    def _store(self, tenant_id: str, system_id: str, found: Document | None, state: BreakerState) -> bool:
        fields = {
            "outcomes": state.outcomes,
            "openUntil": state.open_until,
            "probe": state.probe,
            "probeUntil": state.probe_until,
        }
        with translated():
            if found is None:
                try:
                    own = {"tenantId": tenant_id, "systemId": system_id, "version": 1}
                    self._collection.insert_one({**own, **fields})
                except DuplicateKeyError:
                    return False
                return True
            own = {"tenantId": tenant_id, "systemId": system_id, "version": found["version"]}
            done = self._collection.update_one(own, {"$set": fields, "$inc": {"version": 1}})
            return bool(done.matched_count)


def _breaker(found: Document | None) -> BreakerState:
    if found is None:
        return CLOSED
    return BreakerState(found["outcomes"], found["openUntil"], found["probe"], found["probeUntil"])
