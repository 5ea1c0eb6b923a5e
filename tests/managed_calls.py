"""A world for managed calls: in-memory stores, a virtual clock, systems that fail and come back, processes that end.

The worker, the admission and the attempts are the real ones; what they read and write is here.
"""

import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from chancery.core.aws.queue import ItemRef
from chancery.core.aws.work_loop import Delivery
from chancery.integrations.calls.admission import Admission
from chancery.integrations.calls.attempts import Answered, Attempts, request_id_of
from chancery.integrations.calls.breaker import CLOSED, BreakerState
from chancery.integrations.calls.machine import CallState, CancelRequested, NotPossible, step
from chancery.integrations.calls.outcomes import Outcome, of_answer
from chancery.integrations.calls.run import Parts
from chancery.integrations.calls.sender import Sent
from chancery.integrations.calls.store import LONGEST_DELAY, StaleCall, fields_of, state_of
from chancery.integrations.calls.worker import CallWorker
from chancery.integrations.registry.models import ExternalSystem, IntegrationEndpoint, Target
from tests.crashes import Crash

START = datetime(2026, 3, 1, tzinfo=UTC)
FUNCTION_MS = 360_000
VISIBILITY = timedelta(seconds=6 * 360)
LATE = timedelta(minutes=5)


def target_of(code: str = "sap", *, endpoint: dict[str, Any] | None = None, **system: Any) -> Target:
    """An endpoint `orders` of a system of the tenant `acme`."""
    base = {"refId": f"01J{code.upper():0>23}"[:26], "tenantId": "acme", "createdBy": "admin", "createdOn": START}
    own = {"code": code, "name": code, "baseUrl": f"https://{code}.example.org", "version": 1, **system}
    orders = {"code": "orders", "name": "Orders", "pathTemplate": "/orders", "version": 1, **(endpoint or {})}
    ids = {"systemId": base["refId"], "systemCode": code}
    return Target(
        ExternalSystem.model_validate({**base, **own}), IntegrationEndpoint.model_validate({**base, **orders, **ids})
    )


def call_of(call_id: str, target: Target, now: datetime) -> dict[str, Any]:
    """A new call as it is stored."""
    state = CallState(
        "waiting", 0, target.retry_policy.max_attempts, now, now + timedelta(seconds=target.deadline_seconds)
    )
    return {
        "refId": call_id,
        "tenantId": "acme",
        "createdBy": "user-1",
        "createdOn": now,
        "version": 1,
        "systemCode": target.system.code,
        "endpointCode": target.endpoint.code,
        "actor": {"userId": "user-1", "triggeredBy": "user-1"},
        "request": {"body": {"id": call_id}, "pathParameters": {}, "query": {}},
        **fields_of(state),
    }


@dataclass
class ExternalWorld:
    """A system on the other side. `down`: times at which it does not answer. `sent`: when it got requests."""

    target: Target
    down: list[tuple[datetime, datetime]] = field(default_factory=list)
    sent: list[datetime] = field(default_factory=list)

    def is_down(self, now: datetime) -> bool:
        return any(begin <= now < end for begin, end in self.down)


class World:
    """Everything around the worker. `crash_share`: of the runs, those whose process ends at one of its steps."""

    def __init__(self, systems: dict[str, ExternalWorld], seed: int = 0, crash_share: float = 0.0) -> None:
        self.systems = systems
        self.random = random.Random(seed)
        self.crash_share = crash_share
        self.now = START
        self.calls: dict[str, dict[str, Any]] = {}
        self.log: dict[str, dict[str, Any]] = {}
        self.sends: list[str] = []
        self.crashes = 0
        self._agenda: list[tuple[datetime, int, Any]] = []
        self._number = 0
        self.sweeps: dict[str, datetime] = {}
        self._steps_left: int | None = None
        self.worker = CallWorker(
            Parts(
                calls=Calls(self),
                targets=self,
                admission=Admission(Breakers(self), Limits(self), self.random.random),
                attempts=Attempts(log := Log(self), log),
                sender=Sender(self),
                seals=Seals(self),
                transform=lambda _expression, value, _bindings, _maps: value,
                queue=Queue(self),
                clock=lambda: self.now,
                chance=self.random.random,
            )
        )

    # ---- time

    def at(self, moment: datetime, what: Any) -> None:
        self._number += 1
        heapq.heappush(self._agenda, (moment, self._number, what))

    def request(self, call: dict[str, Any]) -> None:
        """A caller's request: stored, then sent to the queue."""
        self.calls[call["refId"]] = call
        self.sweeps[call["refId"]] = call["dueOn"] + LATE
        self.at(self.now, ItemRef.of(call))

    def cancel(self, call_id: str) -> None:
        call = self.calls[call_id]
        try:
            state, _ = step(state_of(call), CancelRequested())
        except NotPossible:
            return
        self.store(call, state)

    def run(self, until: datetime) -> None:
        """Lets everything happen until a time, the sweep each minute."""
        self.at(self.now, self._sweep)
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, what = heapq.heappop(self._agenda)
            if isinstance(what, ItemRef):
                self._deliver(what)
            else:
                what()

    def _sweep(self) -> None:
        self.worker.sweep()
        self.at(self.now + timedelta(minutes=1), self._sweep)

    def _deliver(self, item: ItemRef) -> None:
        began = self.now
        if self.random.random() < self.crash_share:
            self._steps_left = self.random.randrange(12)
        try:
            self.worker.work(item, Delivery(lambda: FUNCTION_MS))
        except Crash:
            self.crashes += 1
            self.at(began + VISIBILITY, item)
        finally:
            self._steps_left = None
            self.now = began

    def target(self, _tenant_id: str, system: str, _endpoint: str) -> Target:
        return self.systems[system].target

    def step(self) -> None:
        """A step of a process, at which it may end."""
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise Crash

    def store(self, call: dict[str, Any], state: CallState, **fields: Any) -> dict[str, Any]:
        """Stores the next state of a call."""
        changed = {**call, **fields_of(state), **fields, "version": call["version"] + 1}
        self.calls[call["refId"]] = changed
        self.sweeps.pop(call["refId"], None)
        if state.due_on is not None:
            is_far = state.status == "waiting" and state.due_on - self.now > LONGEST_DELAY
            self.sweeps[call["refId"]] = state.due_on + (-timedelta(seconds=30) if is_far else LATE)
        return dict(changed)


@dataclass
class Calls:
    """As `store.CallStore`."""

    world: World

    def get(self, item: ItemRef) -> dict[str, Any]:
        self.world.step()
        return dict(self.world.calls[item.ref_id])

    def advance(self, call: dict[str, Any], state: CallState, **fields: Any) -> dict[str, Any]:
        self.world.step()
        if self.world.calls[call["refId"]]["version"] != call["version"]:
            raise StaleCall
        done = self.world.store(call, state, **fields)
        self.world.step()
        return done

    def overdue(self, most: int) -> list[dict[str, Any]]:
        found = [call_id for call_id, at in self.world.sweeps.items() if at <= self.world.now]
        return [self.world.calls[call_id] for call_id in found[:most]]

    def postpone(self, call: dict[str, Any]) -> bool:
        self.world.sweeps[call["refId"]] = max(self.world.now, call["dueOn"]) + LATE
        return True


@dataclass
class Log:
    """As `exchanges.log.ExchangeLog` and what reads its exchanges. Refuses to open or close an exchange twice."""

    world: World

    def open(self, _tenant_id: str, exchange: dict[str, Any], _: str) -> None:
        self.world.step()
        request_id = exchange["requestId"]
        assert request_id not in self.world.log
        self.world.log[request_id] = {"status": "PENDING", "parent": exchange.get("parentRequestId")}
        self.world.step()

    def close(self, _tenant_id: str, request_id: str, end: dict[str, Any], _: str) -> None:
        self.world.step()
        assert self.world.log[request_id]["status"] == "PENDING"
        self.world.log[request_id] |= end
        self.world.step()

    def get(self, query: dict[str, Any], _fields: Any) -> dict[str, Any] | None:
        self.world.step()
        return self.world.log.get(query["requestId"])


@dataclass
class Breakers:
    """As `store.BreakerStore`."""

    world: World
    states: dict[str, BreakerState] = field(default_factory=dict)

    def get(self, _tenant_id: str, system: str) -> BreakerState:
        self.world.step()
        return self.states.get(system, CLOSED)

    def change(self, _tenant_id: str, system: str, work: Any) -> BreakerState | None:
        self.world.step()
        after: BreakerState | None = work(self.states.get(system, CLOSED))
        if after is not None:
            self.states[system] = after
        return after


@dataclass
class Limits:
    """As `admission.CallLimits`, for the limits of systems."""

    world: World
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def take(self, target: Target) -> timedelta | None:
        self.world.step()
        rate = target.system.rate_limit
        if rate is None:
            return None
        each, code, now = rate.per_seconds / rate.requests, target.system.code, self.world.now.timestamp()
        spent = max(self.spent[code], now)
        if spent + each - now <= rate.burst * each + 1e-6:
            self.spent[code] = spent + each
            return None
        self.spent[f"{code}:queue"] = max(self.spent[f"{code}:queue"], now) + each
        return timedelta(seconds=self.spent[f"{code}:queue"] - now)

    def give_back(self, target: Target) -> None:
        self.world.step()
        if rate := target.system.rate_limit:
            self.spent[target.system.code] -= rate.per_seconds / rate.requests


@dataclass
class Seals:
    """As `sealed_values.Seals`, without encryption."""

    world: World

    def open(self, _call: Any, sealed: Any) -> Any:
        self.world.step()
        return sealed

    def seal(self, _call: Any, value: Any) -> Any:
        self.world.step()
        return value


@dataclass
class Queue:
    """As the queue of calls."""

    world: World

    def send(self, body: str, delay_seconds: int = 0) -> None:
        self.world.step()
        given = orjson.loads(body)
        at = self.world.now + timedelta(seconds=delay_seconds)
        self.world.at(at, ItemRef(given["tenantId"], given["refId"]))
        self.world.step()


@dataclass
class Sender:
    """As `sender.Sender`, with the system on the other side. Refuses what is not logged."""

    world: World

    def send(self, target: Target, prepared: Any, _seconds: float, _clock: Any) -> Sent:
        world = self.world
        world.step()
        system = world.systems[target.system.code]
        call_id = dict(prepared.headers)["Idempotency-Key"]
        request_id = request_id_of(call_id, world.calls[call_id]["attempt"])
        assert world.log[request_id]["status"] == "PENDING"
        world.sends.append(request_id)
        system.sent.append(world.now)
        is_down, chance = system.is_down(world.now), world.random.random()
        world.now += timedelta(milliseconds=world.random.randrange(5, 3000))
        world.step()  # here the other side has done what was asked, and the call has not been told
        if is_down and chance < 0.5:
            return Sent(Outcome("TIMEOUT", "read_timed_out", is_retryable=True, is_down=True))
        status = 503 if is_down else 500 if chance < 0.02 else 422 if chance < 0.03 else 201
        outcome = of_answer(target, status, [("retry-after", "5")] if chance < 0.2 else [], world.now)
        return Sent(outcome, Answered(status, (), b"{}"), {"body": {}} if status == 201 else None)
