"""Clients, records and runs of the live tail, against the real database."""

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Lock

import pytest

from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.core.aws.work_loop import Delivery
from chancery.core.formats.times import now
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.rate_limits import RateLimiter
from chancery.live.fan_out import FanOut, Run
from chancery.live.service import LiveSocket
from chancery.live.store import ConnectionStore, live_leases
from chancery.logs.groups.occurrences import ErrorOccurrences
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.recorder import LogRecorder
from chancery.logs.sequence import LogSequence
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.live_log import LiveLog
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from tests.builders import record, sequence, writer
from tests.conditions import eventually
from tests.fakes import FakeObjects

TOMORROW = now() + timedelta(days=1)
CALLER = Principal("user-1", Role.USER, ("acme",))


class FakeSockets:
    """Clients by their connection: what each was sent. `fails`: connection → the error of a post.

    `holds`: connection → the event until which it takes no frame.
    """

    def __init__(self):
        self.sent = defaultdict(list)
        self.fails = {}
        self.closed = []
        self.holds = {}
        self._lock = Lock()
        self._sending = []
        self._held = set()

    def pool(self, workers):
        """Threads that send frames, which `settle` knows."""
        pool, submit = ThreadPoolExecutor(workers), ThreadPoolExecutor.submit
        pool.submit = lambda *work: self._sending.append(submit(pool, *work)) or self._sending[-1]
        return pool

    def settle(self):
        """Waits until every frame that was handed to a thread is sent, but for those of clients that are held."""
        assert eventually(lambda: sum(not frame.done() for frame in self._sending) <= len(self._held))

    def post(self, connection_id, data):
        if hold := self.holds.get(connection_id):
            self._held.add(connection_id)
            hold.wait(120)
            self._held.discard(connection_id)
        if error := self.fails.get(connection_id):
            raise error
        with self._lock:
            self.sent[connection_id].append(json.loads(data))

    def close(self, connection_id):
        self.closed.append(connection_id)

    def last(self, connection_id):
        return self.sent[connection_id][-1]

    def records(self, connection_id):
        return [item for frame in self.sent[connection_id] for item in frame.get("records", ())]


class Queue:
    def __init__(self):
        self.sent = []

    def send(self, body):
        self.sent.append(json.loads(body))


class Audited:
    def __init__(self):
        self.events = []

    def record(self, principal, scope, action, resource_id="*", details=None, **_):
        self.events.append((action, scope.tenant_id, scope.crossing, details))


@pytest.fixture
def sockets(monkeypatch):
    sockets = FakeSockets()
    monkeypatch.setattr("chancery.live.fan_out.ThreadPoolExecutor", sockets.pool)
    return sockets


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def trail():
    return Audited()


@pytest.fixture
def tenant_limits():
    """The limits of every tenant: class → `{perSecond, burst}`."""
    return {}


def fan_out_of(stored, log, sockets, queue):
    feeds = {
        "audit": AuditLiveFeed(AuditStore(stored), log),
        "logs": LogLiveFeed(LogTail(stored, LogLines(stored))),
    }
    stores = ConnectionStore(stored), live_leases(stored)
    return FanOut(*stores, feeds, sockets, queue, sleep=lambda _: sockets.settle())


@pytest.fixture
def fan_out(connect, sockets, queue):
    """As `push_live` has it."""
    stored = connect("pusher")
    log = LogStore(stored)
    return fan_out_of(stored, LiveLog(log, Sequencer(stored, log), TileStorage(FakeObjects())), sockets, queue)


@pytest.fixture
def socket(connect, sockets, queue, trail, tenant_limits):
    """As `serve_live` has it."""
    stored = connect("writer")
    limiter = RateLimiter(stored, lambda _: tenant_limits)
    return LiveSocket(fan_out_of(stored, LogStore(stored), sockets, queue), trail, limiter.take)


@pytest.fixture
def subscribe(socket, sockets):
    """Connects and subscribes; the answer."""

    def do(connection="c1", caller=CALLER, **message):
        if connection not in sockets.sent:
            assert socket.connect(connection, caller, TOMORROW) == 200
        feeds = message if message.keys() & {"audit", "logs"} else {"audit": {}, "logs": {}, **message}
        socket.receive(connection, json.dumps({"action": "subscribe", **feeds}))
        return sockets.last(connection)

    return do


@pytest.fixture
def send(socket, sockets):
    def do(action, connection="c1"):
        socket.receive(connection, json.dumps({"action": action}))
        return sockets.last(connection)

    return do


@pytest.fixture
def stored(connect):
    """Stores an audit record for each name; its leaf waits for an index."""

    def store(*names, tenant_id="acme", **changes):
        for name in names:
            writer(connect("writer")).insert([record(tenant_id, resourceId=name, **changes)])

    return store


@pytest.fixture
def audited(connect, stored):
    """Stores audit records, whose leaves have an index."""

    def store(*names, tenant_id="acme", **changes):
        stored(*names, tenant_id=tenant_id, **changes)
        sequence(connect("sealer"), tenant_id)

    return store


@pytest.fixture
def logged(connect):
    def store(*messages, kind="app", tenant_id="acme", **fields):
        stored = connect("writer")
        lines = LogLines(stored)
        recorder = LogRecorder(lines, LogSequence(stored, lines, sleep=lambda _: None), ErrorOccurrences(stored))
        incoming = [
            IncomingEntry(KINDS_BY_NAME[kind], {"message": text, **fields}, Defaults("tests", None, None, at), False)
            for at, text in enumerate(messages)
        ]
        recorder.record([ScopedEntry(EntryValidator().validate(item), tenant_id) for item in incoming])

    return store


@pytest.fixture
def run(fan_out):
    """Runs the fan-out for some ticks; `during` is called before each."""

    def do(ticks=3, tenant_id="acme", former=None, during=lambda _: None):
        steps = count()

        def remaining():
            step = next(steps)
            during(step)
            return 0 if step >= ticks - 1 else 60_000

        fan_out.work(Run(tenant_id, former), Delivery(remaining))

    return do


def names(records):
    return [item["record"].get("resourceId") or item["record"]["message"] for item in records]
