"""The worker of deliveries over the real database; the clock, the events and the receivers are stand-ins."""

from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chancery.core.aws.queue import ItemRef
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import Unavailable
from chancery.destinations.delivery.attempts import Attempts
from chancery.destinations.delivery.delivery_store import DeliveryStore
from chancery.destinations.delivery.notices import Notices
from chancery.destinations.delivery.run import Parts
from chancery.destinations.delivery.state_store import StateStore
from chancery.destinations.delivery.trigger import DeliveryTrigger, Run
from chancery.destinations.delivery.worker import DeliveryWorker
from chancery.destinations.ports import BatchLimits, Result
from chancery.integrations.exchanges.bodies import ExchangeBodies
from chancery.integrations.exchanges.log import ExchangeLog
from chancery.integrations.exchanges.store import ExchangeStore
from chancery.wiring import audit
from chancery.wiring.deliveries import LoggedAttempts, NoticeRecorder
from tests.deliveries import Events, FakeSender, opened
from tests.destinations import add_destination
from tests.fakes import FakeObjects

ACCEPTED = Result("accepted", "http_200", status=200)
FAILED = Result("failed", "http_500", "The receiver answered with the status 500.", 500)
CHUNKS = BatchLimits(3, 10_000, 10_000, timedelta(seconds=30))


class Clock:
    """The time, which passes while a run sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Direct(Executor):
    """Does a job at once."""

    def submit(self, job: Any, /, *given: Any, **named: Any) -> Any:
        done: Future[Any] = Future()
        try:
            done.set_result(job(*given, **named))
        except Exception as exc:
            done.set_exception(exc)
        return done


@dataclass
class Queue:
    """The queue of deliveries. `sent`: the message and its delay."""

    sent: list[tuple[Run, int]] = field(default_factory=list)
    is_away: bool = False

    def send(self, body: str, delay_seconds: int = 0) -> None:
        if self.is_away:
            raise Unavailable("The queue does not answer; try again.")
        given = orjson.loads(body)
        self.sent.append((Run(ItemRef(given["tenantId"], given["refId"]), given["former"]), delay_seconds))


class World:
    """`answers`: what receivers answer next; then each message is accepted. `got`: ids and sequences."""

    def __init__(self, connect: Any, bus: Any) -> None:
        self.connect = connect
        self.clock = Clock()
        self.queue = Queue()
        self.answers: list[Result] = []
        self.got: list[tuple[str, list[int]]] = []
        self.asked: list[str] = []
        self.during: Any = lambda: None  # what happens while a message is sent
        self.remaining_ms = 300_000
        self.events = Events(self.clock)
        stored, sources = connect("deliverer"), {"audit": self.events}
        self.states = StateStore(stored, self.clock)
        self.deliveries = DeliveryStore(stored, self.states)
        store = ExchangeStore(stored, clock=self.clock)
        bodies = ExchangeBodies(FakeObjects(), self.clock)  # type: ignore[arg-type]
        log = ExchangeLog(store, bodies, audit.detectors(), lambda: None)
        self.parts = Parts(
            states=self.states,
            deliveries=self.deliveries,
            sources=sources,  # type: ignore[arg-type]
            senders={"webhook": FakeSender(self._receive), "datadog": FakeSender(self._receive, CHUNKS)},
            opened=opened,
            attempts=Attempts(sources, LoggedAttempts(log, store), self.clock),  # type: ignore[arg-type]
            notices=Notices(stored, NoticeRecorder(audit.recorder()), bus, self.clock),
            clock=self.clock,
            chance=lambda: 0.5,
            sleep=self.clock.sleep,
            executor=Direct,
        )
        trigger = DeliveryTrigger(self.states, self.queue, lambda: 0.0)  # type: ignore[arg-type]
        self.worker = DeliveryWorker(self.parts, trigger)

    def _receive(self, _destination: Any, delivery_id: str, sequences: list[int]) -> Result:
        self.asked.append(delivery_id)
        self.during()
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        if answer.verdict == "accepted":
            self.got.append((delivery_id, sequences))
        return answer

    def add(self, **changes: Any) -> ItemRef:
        """A destination of acme for its audit records, from the beginning."""
        return add_destination(self.connect, {"audit": 0}, createdOn=self.clock(), **changes)

    def write(self, count: int = 1, **data: Any) -> None:
        """Stores events of acme."""
        for _ in range(count):
            self.events.add("acme", self.clock(), **data)

    def work(self, item: ItemRef, former: str | None = None) -> None:
        """Delivers a message about a destination."""
        self.worker.work(Run(item, former), Delivery(lambda: self.remaining_ms))

    def wait(self, **time: float) -> None:
        self.clock.now += timedelta(**time)

    def until_done(self, item: ItemRef, most: int = 40) -> None:
        """Serves a destination until it needs no more, each time when it wants to be woken."""
        for _ in range(most):
            self.work(item)
            wake_on = self.state(item).get("wakeOn")
            if wake_on is None:
                return
            self.clock.now = max(self.clock.now, wake_on)
        raise AssertionError("The destination still wants to be served.")

    def state(self, item: ItemRef) -> dict[str, Any]:
        found: dict[str, Any] = self.connect("reader").destination_states.find_one(item.query)
        return found

    def stored(self, item: ItemRef) -> list[dict[str, Any]]:
        """The deliveries of a destination in the order of their events."""
        query = {"tenantId": item.tenant_id, "destinationId": item.ref_id}
        return list(self.connect("reader").deliveries.find(query, {"_id": 0}).sort([("first", 1), ("createdOn", 1)]))

    def statuses(self, item: ItemRef) -> list[str]:
        return [delivery["status"] for delivery in self.stored(item)]

    def exchanges(self) -> list[dict[str, Any]]:
        return list(self.connect("reader").integration_logs.find({}, {"_id": 0}).sort("startedAt", 1))

    def sequences(self) -> list[int]:
        """The events that arrived, in this order."""
        return [sequence for _, sequences in self.got for sequence in sequences]


@pytest.fixture
def world(environment, connect, bus, monkeypatch):
    monkeypatch.setenv("CHANCERY_SEAL_QUEUE_URL", "https://seal.fifo")
    monkeypatch.setattr("chancery.core.aws.queue.Queue.send_in_groups", lambda *_: None)
    environment("deliverer")
    return World(connect, bus)
