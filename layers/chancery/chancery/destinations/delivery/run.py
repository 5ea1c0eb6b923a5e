"""One run for one destination: a tick reads what is new, sends what is due, and stores what became of it."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chancery.core.aws.queue import ItemRef
from chancery.core.formats.times import Clock
from chancery.core.mongo.client import Document
from chancery.core.observability import count, gauge
from chancery.destinations.delivery.attempts import Attempts, Made
from chancery.destinations.delivery.delivery_store import DeliveryStore, Outcome, state_of
from chancery.destinations.delivery.health import Health
from chancery.destinations.delivery.machine import Attempted, Unblocked, step
from chancery.destinations.delivery.notices import ChangedMeanwhile, Disabling, Notices
from chancery.destinations.delivery.pump import Batch, Pump
from chancery.destinations.delivery.state_store import StateStore
from chancery.destinations.events import Event, SourceName
from chancery.destinations.models import DisabledReason
from chancery.destinations.ports import OpenDestination, Result, Sender, Source

MOST_ACTIVE = 1_000  # deliveries that wait; beyond these events stay in their sources
_MOST_REMEMBERED = 200  # events that need not be read again, and about a page more
MOST_AT_ONCE = 16  # messages under way to a destination
_MOST_BYTES = 16_000_000  # of their payloads, unless one alone is larger
_LOOKED_AT = timedelta(seconds=2)  # between two looks at the destination, and at the number of its deliveries
_RENEWED = timedelta(seconds=2)
_LINGERS = timedelta(seconds=1)  # after the last event
_DISABLING: Mapping[str, DisabledReason] = {"gone": "gone", "disable": "by_receiver"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs work with. `chance`: a number from 0 to 1, for jitter. `opened` decrypts a
    destination. `executor`: its threads send messages."""

    states: StateStore
    deliveries: DeliveryStore
    sources: Mapping[SourceName, Source]
    senders: Mapping[Any, Sender]
    opened: Callable[[Mapping[str, Any]], OpenDestination]
    attempts: Attempts
    notices: Notices
    clock: Clock
    chance: Callable[[], float]
    sleep: Callable[[float], None]
    executor: Callable[[], Executor]


class _Sending(NamedTuple):
    delivery: Document
    is_probe: bool
    future: Future[Made]


class DestinationRun:
    """Serves a destination under a lease, which each change of its state extends."""

    def __init__(self, parts: Parts, item: ItemRef, token: str, state: Document, pool: Executor) -> None:
        self._parts = parts
        self._item = item
        self._token = token
        self._pool = pool
        self._state = state
        self._sending: dict[str, _Sending] = {}
        self._events: dict[str, Sequence[Event]] = {}  # of new deliveries, which need not be read again
        self._destination: Document | None = None
        self._busy_on = self._saved_on = parts.clock()
        self._looked_on: datetime | None = None
        self._active = 0
        self._is_disabled = False

    def begin(self) -> bool:
        """Looks at the destination and repairs what a killed run left; False where there is nothing to serve."""
        if not self._look():
            return False
        now = self._parts.clock()
        assert self._destination is not None
        self._health = Health.of(self._state, self._destination["ratePerSecond"], now)
        return True

    # ---- a tick

    def tick(self, *, is_ending: bool = False) -> bool:
        """Does what is to be done now; False when there is nothing left, for now. Raises LeaseLost, Unavailable.

        `is_ending`: nothing new is begun.
        """
        changes = self._collect()
        is_serving = self._look() and not is_ending
        if is_serving:
            changes |= self._read(changes)
        chosen = self._choose() if is_serving else []
        self._save(changes, chosen)
        for delivery, is_probe in chosen:
            self._send(delivery, is_probe=is_probe)
        if is_ending or not is_serving:
            return bool(self._sending)
        return bool(self._sending) or self._parts.clock() - self._busy_on < _LINGERS

    @property
    def is_serving(self) -> bool:
        """Whether the destination may be served: it is there and enabled."""
        return self._destination is not None and not self._is_disabled

    def wake_on(self) -> datetime | None:
        """When the destination has to be served again."""
        now, health = self._parts.clock(), self._health
        due = self._parts.deliveries.next_due(self._item)
        times = [self._pump.due_on()] if not health.breaker.is_open else []
        if due is not None or self._active >= MOST_ACTIVE:
            times.append(health.breaker.probe_on or max(due or now, health.rate.next_on(now)))
        elif health.breaker.probe_on:
            times.append(health.breaker.probe_on)
        return min((time for time in times if time is not None), default=None)

    def is_behind(self) -> bool:
        """Whether something came while the run ended that no other run was asked for. Raises Unavailable."""
        if not self.is_serving or self._health.breaker.is_open:
            return False
        due, now = self._parts.deliveries.next_due(self._item), self._parts.clock()
        if due is not None and due <= now and self._health.rate.next_on(now) <= now:
            return True
        return self._active < MOST_ACTIVE and self._pump.has_more()

    def measure(self) -> None:
        """Sets the metrics of a destination whose receiver works: how long its oldest delivery has waited."""
        if self._health.breaker.is_open:
            count("DestinationsDown")
            return
        oldest = self._parts.deliveries.oldest(self._item)
        gauge("DestinationLag", (self._parts.clock() - oldest).total_seconds() if oldest else 0.0)

    # ---- its steps

    def _look(self) -> bool:
        """Reads the destination again; whether it is to be served. What was changed holds from now on."""
        now = self._parts.clock()
        if self._looked_on is not None and now - self._looked_on < _LOOKED_AT:
            return self.is_serving
        self._looked_on = now
        found = self._parts.states.destination(self._item)
        if found is None or not found["enabled"] or found.get("deletedOn"):
            self._is_disabled = True
            return False
        self._active = self._parts.deliveries.active(self._item, MOST_ACTIVE)
        self._unblock(self._parts.deliveries.blocked_keys(self._item))  # by a killed run, or of replays
        if self._destination is None or found["version"] != self._destination["version"]:
            if self._destination is not None:
                self._state["positions"] = self._parts.states.positions_of(self._item)
                self._health.rate = self._health.rate._replace(per_second=found["ratePerSecond"])
            self._destination = found
            self._sender = self._parts.senders[found["kind"]]
            self._at_once = _at_once(self._sender.limits(found).payload_bytes)
            self._open: OpenDestination = self._parts.opened(found)
            self._pump = self._new_pump()
        return True

    def _new_pump(self) -> Pump:
        assert self._destination is not None
        positions, window = self._state["positions"], self._state.get("window")
        return Pump(self._parts.sources, self._sender, self._destination, positions, window)

    def _collect(self) -> Document:
        """Stores what became of the messages that were on their way; the changes of the state."""
        done = [sending for sending in self._sending.values() if sending.future.done()]
        if not done:
            return {}
        now, outcomes = self._parts.clock(), []
        for sending in done:
            outcomes.append(self._outcome(sending, sending.future.result(), now))
        self._parts.deliveries.store(outcomes)
        for outcome in outcomes:
            del self._sending[outcome.delivery["refId"]]
        ended = [outcome for outcome in outcomes if not outcome.state.is_active]
        self._active = max(0, self._active - len(ended))
        self._unblock({outcome.delivery["orderKey"] for outcome in ended if "orderKey" in outcome.delivery})
        self._busy_on = now
        self._notify(done)
        return self._health.fields()

    def _outcome(self, sending: _Sending, made: Made, now: datetime) -> Outcome:
        chance, result = self._parts.chance(), made.result
        event = Attempted(made.attempt, result, now, chance, sending.is_probe)
        after = step(state_of(sending.delivery), event)
        self._health.add(result, after, now, chance, is_probe=sending.is_probe)
        count("DeliveriesDelivered", after.status == "delivered")
        count("DeliveriesFailed", after.status == "failed")
        count("DeliveryAttemptsFailed", result.verdict != "accepted")
        is_success = after.status == "delivered"
        error = None if is_success else {"reason": result.reason, "detail": result.detail, "on": now}
        fields = {"responseStatus": result.status, "lastError": error, "rejected": result.rejected or None}
        return Outcome(sending.delivery, after, fields)

    def _unblock(self, keys: set[str]) -> None:
        if keys:
            self._parts.deliveries.unblock(self._item, keys, Unblocked(self._parts.clock()))

    def _notify(self, done: Sequence[_Sending]) -> None:
        """Disables the destination where a result asks for it, or warns of that."""
        assert self._destination is not None
        why = next((found for sending in done if (found := self._disabling(sending.future.result().result))), None)
        failing = self._health.failing
        if why is None and failing.percent >= 100:
            why = Disabling("failing", "Nothing was delivered for five days.")
        try:
            if why is not None:
                self._parts.states.save(self._item, self._token, self._health.fields())
                notice = self._parts.notices.disable(self._destination, why)
                self._is_disabled = True
                self._health.forget()
            elif (percent := failing.warning) is not None and failing.since is not None:
                notice = self._parts.notices.warn(self._destination, failing.since, percent)
                self._health.failing = failing._replace(warned=percent)
            else:
                return
        except ChangedMeanwhile:
            self._looked_on = None
            return
        self._state["notices"] = [*(self._state.get("notices") or []), notice]
        self.publish_notices()

    def publish_notices(self) -> bool:
        """Publishes the notices that are stored in the state; whether all are published."""
        stored = self._state.get("notices") or []
        if stored and self._parts.notices.publish(self._item, stored):
            self._state["notices"] = []
        return not self._state.get("notices")

    def _disabling(self, result: Result) -> Disabling | None:
        assert self._destination is not None
        if result.verdict in _DISABLING:
            return Disabling(_DISABLING[result.verdict], result.detail)
        if result.verdict == "unauthorized" and self._destination["kind"] != "webhook":
            return Disabling("authentication_failed", result.detail)
        return None

    def _read(self, changes: Mapping[str, Any]) -> Document:
        """Makes deliveries of new events, and stores them with the positions; returns what remains to be stored.

        While the destination is down, events are read when it is probed, so that a delivery that cannot succeed is not
        the only probe.
        """
        now, room = self._parts.clock(), MOST_ACTIVE - self._active
        probe_on = self._health.breaker.probe_on
        if room <= 0 or (probe_on is not None and probe_on > now):
            return dict(changes)
        batch = self._pump.read(room, now)
        if batch.read:
            self._busy_on = now
        if not batch.deliveries and not batch.positions and batch.window == self._state.get("window"):
            return dict(changes)
        self._block(batch)
        self._state |= {"positions": {**self._state["positions"], **batch.positions}, "window": batch.window}
        moved = {f"positions.{name}": at for name, at in batch.positions.items()}
        progress = {**changes, **moved, "window": batch.window}
        self._parts.deliveries.add(self._item, self._token, batch.deliveries, progress)
        self._saved_on = now
        self._active += len(batch.deliveries)
        if sum(map(len, self._events.values())) < _MOST_REMEMBERED:
            self._events |= {ref_id: events for ref_id, events in batch.events.items() if events}
        return {}

    def _block(self, batch: Batch) -> None:
        """Has deliveries wait for the earlier ones with their key."""
        keys = {delivery["orderKey"] for delivery in batch.deliveries if "orderKey" in delivery}
        if not keys:
            return
        active = self._parts.deliveries.active_keys(self._item, keys)
        for delivery in batch.deliveries:
            key = delivery.get("orderKey")
            if key in active:
                delivery["status"] = "blocked"
                del delivery["dueOn"]
            elif key is not None:
                active.add(key)

    def _choose(self) -> list[tuple[Document, bool]]:
        """The deliveries to send now, and whether they are probes."""
        now, deliveries = self._parts.clock(), self._parts.deliveries
        probe_on = self._health.breaker.probe_on
        room = min(self._at_once - len(self._sending), self._health.rate.available(now))
        if probe_on is not None:
            if probe_on > now or self._sending or not room:
                return []
            probe = deliveries.probe(self._item)
            if probe is None:
                self._health.breaker = self._health.breaker._replace(probe_on=None, failures=0)
            return [(probe, True)] if probe else []
        if room <= 0 or not self._active:
            return []
        return [(delivery, False) for delivery in deliveries.due(self._item, now, room, self._sending.keys())]

    def _save(self, changes: Document, chosen: Sequence[Any]) -> None:
        """Stores the state before messages are sent, so that no crash lets them exceed the rate."""
        now = self._parts.clock()
        if chosen:
            self._busy_on = now
            self._health.rate = self._health.rate.spend(len(chosen), now)
            changes = self._health.fields()
        if changes:
            self._parts.states.save(self._item, self._token, changes)
        elif now - self._saved_on > _RENEWED:
            self._parts.states.renew(self._item, self._token)
        else:
            return
        self._saved_on = now

    def _send(self, delivery: Document, *, is_probe: bool) -> None:
        events = self._events.pop(delivery["refId"], None)
        future = self._pool.submit(self._parts.attempts.make, self._sender, self._open, delivery, events)
        self._sending[delivery["refId"]] = _Sending(delivery, is_probe, future)


def _at_once(payload_bytes: int) -> int:
    """How many messages of at most so many bytes are under way, so that the function's memory has room for them."""
    return max(1, min(MOST_AT_ONCE, _MOST_BYTES // payload_bytes))
