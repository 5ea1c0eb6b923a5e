"""A world for deliveries: in-memory stores, a virtual clock, receivers that fail and come back, processes that end.

The worker, the runs, the pump and the attempts are the real ones; what they read and write is here. A run goes on by
itself until it ends, on a clock of its own; what it leaves (leases, messages) has the time at which it left it.
"""

import heapq
import random
from bisect import bisect_right
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from chancery.core.aws.queue import ItemRef
from chancery.core.aws.work_loop import Delivery
from chancery.core.mongo.leases import DURATION
from chancery.destinations.delivery.attempts import Attempts, Known
from chancery.destinations.delivery.delivery_store import Outcome, state_of
from chancery.destinations.delivery.machine import ACTIVE, step
from chancery.destinations.delivery.run import Parts
from chancery.destinations.delivery.state_store import LeaseLost
from chancery.destinations.delivery.trigger import DeliveryTrigger, Run
from chancery.destinations.delivery.worker import DeliveryWorker
from chancery.destinations.events import Event, Item
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result, SourcePage
from tests.crashes import Crash

START = datetime(2026, 3, 1, tzinfo=UTC)
FUNCTION_MS = 300_000
REDELIVERED = timedelta(minutes=30)  # the visibility timeout, after which a message comes again
CONCURRENT = 50  # runs


def event_of(sequence: int, occurred_on: datetime, **data: Any) -> Event:
    """An audit record of the tenant as an event."""
    ref_id = f"{sequence:026}"
    return Event("audit", Item(sequence, ref_id), "audit.post.updated", occurred_on, {"refId": ref_id, **data})


@dataclass
class Events:
    """Implements `ports.Source`: the events of tenants, each at its time."""

    clock: Any
    name: Any = "audit"
    stored: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    step: Any = lambda: None
    gone: set[int] = field(default_factory=set)  # sequences that are not stored any more
    missing: tuple[int, int] | None = None

    def add(self, tenant_id: str, occurred_on: datetime, **data: Any) -> Event:
        """Adds an event after all others."""
        events = self.stored[tenant_id]
        events.append(event_of(len(events) + 1, occurred_on, **data))
        return events[-1]

    def last(self, tenant_id: str) -> int:
        self.step()
        return bisect_right(self.stored[tenant_id], self.clock(), key=lambda event: event.occurred_on)

    def after(self, tenant_id: str, sequence: int, limit: int) -> SourcePage:
        last = self.last(tenant_id)
        missed = self.missing if self.missing and self.missing[0] > sequence else None
        begin = missed[1] if missed else sequence
        events = self.stored[tenant_id][begin : min(last, begin + limit)]
        return SourcePage(events, events[-1].item.sequence if events else max(begin, sequence), missed)

    def get(self, tenant_id: str, items: Any) -> list[Event]:
        self.step()
        return [self.stored[tenant_id][item.sequence - 1] for item in items if item.sequence not in self.gone]


class FakeSender:
    """Implements `ports.Sender`; what is sent goes to `receive(destination, delivery id, sequences)`."""

    def __init__(self, receive: Any, limits: BatchLimits | None = None) -> None:
        self.receive = receive
        self.own_limits = limits or BatchLimits(1, 10_000, 10_000, timedelta())

    def limits(self, _destination: Any) -> BatchLimits:
        return self.own_limits

    def size(self, _destination: Any, event: Event) -> int:
        return len(orjson.dumps(event.data))

    def prepare(self, to: OpenDestination, delivery: dict[str, Any], events: Any, _now: datetime) -> Outgoing:
        sequences = [event.item.sequence for event in events]
        body = orjson.dumps({"id": delivery["refId"], "sequences": sequences, "content": delivery.get("content")})
        return Outgoing("POST", to.url, (("webhook-id", delivery["refId"]),), body, to.url, {}, orjson.loads(body))

    def send(self, to: OpenDestination, message: Outgoing, _seconds: float) -> Result:
        sent = orjson.loads(message.body)
        return self.receive(to.document, sent["id"], sent["sequences"])


def opened(document: Any) -> OpenDestination:
    """Decrypts nothing."""
    return OpenDestination(document, document["url"], {}, None, ())


@dataclass
class Receiver:
    """The other side of a destination. `got`: when it took which events of which message; `asked`: each request."""

    destination: dict[str, Any]
    down: list[tuple[datetime, datetime]] = field(default_factory=list)
    got: list[tuple[datetime, str, tuple[int, ...]]] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)

    def is_down(self, now: datetime) -> bool:
        return any(begin <= now < end for begin, end in self.down)


class World:
    """Everything around the worker. `crash_share`: of the runs, those whose process ends at one of its steps."""

    def __init__(self, seed: int = 0, crash_share: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.crash_share = crash_share
        self.now = START
        self.receivers: dict[str, Receiver] = {}
        self.log: dict[str, dict[str, Any]] = {}
        self.crashes = 0
        self.disabled: list[str] = []
        self._agenda: list[tuple[datetime, int, Any]] = []
        self._number = 0
        self._steps_left: int | None = None
        self._running: list[datetime] = []  # when runs end
        self.source = Events(lambda: self.now, step=self.step)
        self.states = States(self)
        self.deliveries = Deliveries(self)
        sources: Any = {"audit": self.source}
        batches = BatchLimits(20, 100_000, 10_000, timedelta(seconds=30))
        parts = Parts(
            states=self.states,  # type: ignore[arg-type]
            deliveries=self.deliveries,  # type: ignore[arg-type]
            sources=sources,
            senders={"webhook": FakeSender(self._receive), "datadog": FakeSender(self._receive, batches)},
            opened=opened,
            attempts=Attempts(sources, Exchanges(self), lambda: self.now),
            notices=Notices(self),  # type: ignore[arg-type]
            clock=lambda: self.now,
            chance=self.random.random,
            sleep=self._sleep,
            executor=lambda: Pool(self),
        )
        self.trigger = DeliveryTrigger(self.states, Queue(self), lambda: self.now.timestamp())  # type: ignore[arg-type]
        self.worker = DeliveryWorker(parts, self.trigger)

    # ---- time

    def at(self, moment: datetime, what: Any) -> None:
        self._number += 1
        heapq.heappush(self._agenda, (moment, self._number, what))

    def run(self, until: datetime) -> None:
        """Lets everything happen until a time, the sweep each minute."""
        self.at(self.now, self._sweep)
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, what = heapq.heappop(self._agenda)
            if isinstance(what, Run):
                self._deliver(what)
            else:
                what()

    def _sweep(self) -> None:
        self.worker.sweep()
        self.at(self.now + timedelta(minutes=1), self._sweep)

    def _deliver(self, run: Run) -> None:
        self._running = [end for end in self._running if end > self.now]
        if len(self._running) >= CONCURRENT:
            self.at(min(self._running), run)
            return
        began = self.now
        if self.random.random() < self.crash_share:
            self._steps_left = self.random.randrange(60)
        try:
            self.worker.work(run, Delivery(lambda: FUNCTION_MS - int((self.now - began).total_seconds() * 1000)))
        except Crash:
            self.crashes += 1
            self.at(began + REDELIVERED, run)
        finally:
            self._steps_left = None
            self._running.append(self.now)
            self.now = began

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def step(self) -> None:
        """A step of a process, at which it may end."""
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise Crash

    # ---- the other side

    def subscribe(self, destination: dict[str, Any], down: Any = ()) -> Receiver:
        """A destination with its receiver."""
        item = ItemRef.of(destination)
        self.states.destinations[item] = destination
        self.states.states[item] = {"tenantId": item.tenant_id, "refId": item.ref_id, "positions": {"audit": 0}}
        self.receivers[item.ref_id] = receiver = Receiver(destination, list(down))
        return receiver

    def write(self, tenant_id: str, occurred_on: datetime, **data: Any) -> None:
        """An event at its time, of which the writer tells the trigger."""
        self.source.add(tenant_id, occurred_on, **data)
        self.at(occurred_on, lambda: self.trigger.trigger(tenant_id, "audit"))

    def _receive(self, destination: Any, delivery_id: str, sequences: list[int]) -> Result:
        self.step()
        receiver, chance = self.receivers[destination["refId"]], self.random.random()
        receiver.asked.append(self.now)
        is_down = receiver.is_down(self.now)
        self.now += timedelta(seconds=20) if is_down and chance < 0.5 else timedelta(milliseconds=20 + 200 * chance)
        if is_down:
            return Result("failed", "read_timed_out" if chance < 0.5 else "http_503")
        if chance < 0.01:
            return Result("failed", "http_500", status=500)
        if chance < 0.012:
            return Result("slow_down", "http_429", status=429, retry_after=timedelta(seconds=2))
        receiver.got.append((self.now, delivery_id, tuple(sequences)))
        self.step()  # here the receiver has the message, and nobody knows
        return Result("accepted", "http_200", status=200)


class Pool:
    """As a pool of threads: a job begins now and is done when its clock says so."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def submit(self, job: Any, *given: Any) -> Any:
        began = self._world.now
        done: Future[Any] = Future()
        done.set_result(job(*given))
        ended, self._world.now = self._world.now, began
        return _Later(self._world, done.result(), ended)


@dataclass
class _Later:
    world: World
    value: Any
    ended: datetime

    def done(self) -> bool:
        return self.world.now >= self.ended

    def result(self) -> Any:
        return self.value


@dataclass
class Queue:
    """As the queue of deliveries."""

    world: World

    def send(self, body: str, delay_seconds: int = 0) -> None:
        self.world.step()
        given = orjson.loads(body)
        run = Run(ItemRef(given["tenantId"], given["refId"]), given["former"])
        self.world.at(self.world.now + timedelta(seconds=delay_seconds, milliseconds=30), run)
        self.world.step()


@dataclass
class States:
    """As `state_store.StateStore`."""

    world: World
    destinations: dict[ItemRef, dict[str, Any]] = field(default_factory=dict)
    states: dict[ItemRef, dict[str, Any]] = field(default_factory=dict)

    def enabled(self) -> list[dict[str, Any]]:
        return [item for item in self.destinations.values() if item["enabled"]]

    def served(self, tenant_id: str, ref_ids: Any) -> set[str]:
        now = self.world.now
        found = {ref_id: self.states[ItemRef(tenant_id, ref_id)] for ref_id in ref_ids}
        return {ref_id for ref_id, state in found.items() if self._is_held(state) or self._probe_on(state) > now}

    def to_wake(self, _most: int) -> list[ItemRef]:
        return [item for item, state in self.states.items() if not self._is_held(state) and self._is_due(state)]

    def _is_due(self, state: dict[str, Any]) -> bool:
        wake_on, token = state.get("wakeOn"), state.get("lease", {}).get("token", "free")
        return token != "free" or (wake_on is not None and wake_on <= self.world.now)

    def positions(self) -> list[dict[str, Any]]:
        return [state for state in self.states.values() if not self._is_held(state) and self._probe_on(state) == START]

    def reserve(self, item: ItemRef) -> bool:
        self.world.step()
        if self._is_held(self.states[item]):
            return False
        self._hold(item, "reserved")
        return True

    def cancel(self, item: ItemRef) -> None:
        self._free(item)

    def destination(self, item: ItemRef) -> dict[str, Any] | None:
        self.world.step()
        return self.destinations.get(item)

    def take(self, item: ItemRef, token: str, former: str | None) -> dict[str, Any] | None:
        self.world.step()
        state = self.states[item]
        if self._is_held(state) and state["lease"]["token"] not in ("reserved", former):
            return None
        self._hold(item, token)
        self.world.step()
        return dict(state)

    def save(self, item: ItemRef, token: str, changes: Any) -> None:
        self.world.step()
        self.change(item, token, changes)
        self.world.step()

    def change(self, item: ItemRef, token: str, changes: Any) -> None:
        state = self.states[item]
        if state["lease"]["token"] != token:
            raise LeaseLost
        moved = {name.partition(".")[2]: at for name, at in changes.items() if name.startswith("positions.")}
        others = {name: value for name, value in changes.items() if not name.startswith("positions.")}
        state.update({**others, "positions": {**state["positions"], **moved}})
        self._hold(item, token)

    def renew(self, item: ItemRef, token: str) -> None:
        self.save(item, token, {})

    def positions_of(self, item: ItemRef) -> dict[str, int]:
        positions: dict[str, int] = self.states[item]["positions"]
        return positions

    def end(self, item: ItemRef, token: str, _former: datetime | None, wake_on: datetime | None) -> bool:
        self.save(item, token, {"wakeOn": wake_on})
        self._free(item)
        self.world.step()
        return True

    def give_back(self, item: ItemRef, _token: str) -> None:
        self.states[item]["wakeOn"] = self.world.now
        self._free(item)

    def _hold(self, item: ItemRef, token: str) -> None:
        self.states[item]["lease"] = {"token": token, "expiresOn": self.world.now + DURATION}

    def _free(self, item: ItemRef) -> None:
        self.states[item]["lease"] = {"token": "free", "expiresOn": self.world.now}

    def _is_held(self, state: dict[str, Any]) -> bool:
        return "lease" in state and bool(state["lease"]["expiresOn"] > self.world.now)

    def _probe_on(self, state: dict[str, Any]) -> datetime:
        probe_on: datetime = (state.get("breaker") or {}).get("probeOn") or START
        return probe_on


@dataclass
class Deliveries:
    """As `delivery_store.DeliveryStore`."""

    world: World
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    open: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, item: ItemRef, token: str, deliveries: Any, changes: Any) -> None:
        self.world.step()
        self.world.states.change(item, token, changes)
        for delivery in deliveries:
            assert delivery["refId"] not in self.stored
            self._put(dict(delivery))
        self.world.step()

    def due(self, item: ItemRef, now: datetime, most: int, but: Any) -> list[dict[str, Any]]:
        self.world.step()
        found = [delivery for delivery in self._pending(item) if delivery["dueOn"] <= now]
        found.sort(key=lambda delivery: (delivery["dueOn"], delivery["first"]))
        return [dict(delivery) for delivery in found if delivery["refId"] not in but][:most]

    def probe(self, item: ItemRef) -> dict[str, Any] | None:
        return min(self._pending(item), key=lambda d: (d["attempt"], d["createdOn"], d["first"]), default=None)

    def next_due(self, item: ItemRef) -> datetime | None:
        self.world.step()
        return min((delivery["dueOn"] for delivery in self._pending(item)), default=None)

    def oldest(self, item: ItemRef) -> datetime | None:
        return min((delivery["createdOn"] for delivery in self.open[item.ref_id].values()), default=None)

    def active(self, item: ItemRef, most: int) -> int:
        self.world.step()
        return min(most, len(self.open[item.ref_id]))

    def active_keys(self, item: ItemRef, keys: Any) -> set[str]:
        return {found["orderKey"] for found in self.open[item.ref_id].values() if found.get("orderKey") in keys}

    def blocked_keys(self, item: ItemRef) -> set[str]:
        return {found["orderKey"] for found in self.open[item.ref_id].values() if found["status"] == "blocked"}

    def store(self, outcomes: list[Outcome]) -> None:
        self.world.step()
        for outcome in outcomes:
            before = self.stored[outcome.delivery["refId"]]
            if before["attempt"] == outcome.delivery["attempt"] and before["status"] == outcome.delivery["status"]:
                fields = outcome.state._asdict()
                self._put({**before, **fields, **outcome.fields, "dueOn": fields["due_on"]})
            self.world.step()

    def unblock(self, item: ItemRef, keys: Any, event: Any) -> None:
        for key in sorted(keys):
            own = [found for found in self.open[item.ref_id].values() if found.get("orderKey") == key]
            if own and all(found["status"] == "blocked" for found in own):
                first = min(own, key=lambda delivery: delivery["first"])
                self.store([Outcome(first, step(state_of(first), event), {})])

    def abandon(self, _item: ItemRef, _reason: str) -> int:
        return 0

    def _pending(self, item: ItemRef) -> list[dict[str, Any]]:
        return [delivery for delivery in self.open[item.ref_id].values() if delivery["status"] == "pending"]

    def _put(self, delivery: dict[str, Any]) -> None:
        self.stored[delivery["refId"]] = delivery
        own = self.open[delivery["destinationId"]]
        if delivery["status"] in ACTIVE:
            own[delivery["refId"]] = delivery
        else:
            own.pop(delivery["refId"], None)


@dataclass
class Exchanges:
    """Implements `attempts.Exchanges`. Refuses to close an exchange twice."""

    world: World

    def open(self, _tenant_id: str, exchange: Any) -> Known | None:
        self.world.step()
        known = self.world.log.get(exchange["requestId"])
        if known is not None:
            return Known(known["status"] == "PENDING", known["status"] == "SUCCESS", "http_200")
        parent = exchange.get("parentRequestId")
        assert parent is None or parent in self.world.log
        self.world.log[exchange["requestId"]] = {"status": "PENDING"}
        self.world.step()
        return None

    def close(self, _tenant_id: str, request_id: str, end: Any) -> None:
        self.world.step()
        assert self.world.log[request_id]["status"] == "PENDING"
        self.world.log[request_id] = {"status": end["status"]}
        self.world.step()


@dataclass
class Notices:
    """As `notices.Notices`."""

    world: World

    def disable(self, destination: Any, why: Any) -> dict[str, Any]:
        destination["enabled"] = False
        self.world.disabled.append(why.reason)
        return {}

    def warn(self, _destination: Any, _since: Any, _percent: int) -> dict[str, Any]:
        return {}

    def publish(self, _item: ItemRef, _notices: Any) -> bool:
        return True
