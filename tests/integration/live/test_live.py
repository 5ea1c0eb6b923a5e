"""The live tail against the real database: subscriptions, frames, and a fan-out that is cut and killed."""

import json
import random
from collections import defaultdict
from itertools import count
from threading import Event, Lock

import pytest

from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import NotFound, Unavailable
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.live import fan_out as module
from chancery.live import service
from chancery.live.fan_out import FanOut, Run
from chancery.live.service import LiveSocket
from chancery.live.store import ConnectionStore, LeaseStore
from chancery.logs.groups.occurrences import ErrorOccurrences
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.recorder import LogRecorder
from chancery.logs.sequence import LogSequence
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.store import LogStore
from tests.builders import record, sequence, writer

CALLER = Principal("user-1", Role.USER, ("acme",))


class FakeSockets:
    """Clients by their connection: what each was sent. `fails`: connection → the error of a post."""

    def __init__(self):
        self.sent = defaultdict(list)
        self.fails = {}
        self.closed = []
        self.holds = {}
        self._lock = Lock()

    def post(self, connection_id, data):
        if connection_id in self.holds:
            self.holds[connection_id].wait(5)
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
def sockets():
    return FakeSockets()


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def trail():
    return Audited()


@pytest.fixture
def fan_out(connect, sockets, queue):
    stored = connect("writer")
    feeds = {
        "audit": AuditLiveFeed(AuditStore(stored), LogStore(stored)),
        "logs": LogLiveFeed(LogTail(stored, LogLines(stored))),
    }
    return FanOut(ConnectionStore(stored), LeaseStore(stored), feeds, sockets, queue, sleep=lambda _: None)


@pytest.fixture
def socket(fan_out, trail):
    return LiveSocket(fan_out, trail)


@pytest.fixture
def subscribe(socket, sockets):
    """Connects and subscribes; the answer."""

    def do(connection="c1", caller=CALLER, **message):
        if connection not in sockets.sent:
            assert socket.connect(connection, caller) == 200
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
def audited(connect):
    def store(*names, tenant_id="acme", **changes):
        for name in names:
            writer(connect("writer")).insert([record(tenant_id, resourceId=name, **changes)])
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


def test_new_records_of_both_feeds_come_once_and_in_order(subscribe, audited, logged, run, sockets):
    audited("before")
    assert subscribe()["position"] == {"audit": 1, "logs": 0}
    audited("a", "b")
    logged("x")
    logged("y", kind="event", eventType="step.done")

    run()

    records = sockets.records("c1")
    assert names([item for item in records if item["feed"] == "audit"]) == ["a", "b"]
    assert names([item for item in records if item["feed"] == "logs"]) == ["x", "y"]
    assert [item["kind"] for item in records] == ["audit", "audit", "app", "event"]
    assert [item["sequence"] for item in records] == [2, 3, 1, 2]
    assert sockets.last("c1")["position"] == {"audit": 3, "logs": 2}


def test_a_client_goes_on_after_the_numbers_that_it_has(subscribe, audited, run, sockets):
    audited("a", "b", "c")

    subscribe(audit={}, after={"audit": 1})
    run()

    assert names(sockets.records("c1")) == ["b", "c"]


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        ({"audit": {"action": "invoice.*"}}, ["i"]),
        ({"audit": {"actorId": "bob", "q": "PURPLE"}}, ["p"]),
        ({"logs": {"level": "error"}}, ["bad"]),
        ({"logs": {"kinds": ["performance"]}}, ["slow"]),
        ({"logs": {"userId": "u-7"}}, ["mine"]),
        ({"logs": {"q": "disk"}}, ["Disk at 91 %"]),
    ],
)
def test_filters_apply(subscribe, audited, logged, run, sockets, feeds, expected):
    subscribe(**feeds)
    audited("a")
    audited("i", action="invoice.sent", resourceType="invoice")
    audited("p", actorId="bob", description="a purple post")
    logged("fine", "Disk at 91 %")
    logged("bad", level="error")
    logged("mine", userId="u-7")
    logged("slow", kind="performance", endpoint="/x", durationMs=5)

    run()

    assert names(sockets.records("c1")) == expected


def test_frames_are_bounded_and_follow_each_other(subscribe, logged, run, sockets):
    subscribe(logs={})
    logged(*(f"{n} " + "x" * 1500 for n in range(60)))

    run(ticks=8)

    frames = [frame for frame in sockets.sent["c1"] if frame["type"] == "records"]
    assert len(frames) > 2
    assert all(len(json.dumps(frame)) <= 32_768 for frame in frames)
    assert [frame["more"] for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert [item["sequence"] for item in sockets.records("c1")] == list(range(1, 61))


def test_a_record_that_fits_into_no_frame_comes_with_its_main_fields(subscribe, logged, run, sockets):
    subscribe(logs={})
    logged("x" * 32_000, attributes={"more": "y" * 9000})

    run()

    (item,) = sockets.records("c1")
    assert item["cut"] is True
    assert item["record"].keys() == {"refId", "tenantId", "createdOn", "level"}


def test_what_a_client_is_too_far_behind_for_is_named_as_a_range(subscribe, logged, run, sockets, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BEHIND", 20)
    monkeypatch.setattr(module, "_KEPT", 5)
    logged(*(f"l{n}" for n in range(30)))

    subscribe(logs={}, after={"logs": 2})
    run()

    assert sockets.sent["c1"][1]["dropped"] == [{"feed": "logs", "from": 3, "to": 25}]
    assert [item["sequence"] for item in sockets.records("c1")] == [26, 27, 28, 29, 30]


def test_records_wait_while_a_connection_is_paused(subscribe, send, audited, run, sockets):
    subscribe()
    assert send("pause")["type"] == "paused"
    audited("a")
    run()
    assert sockets.records("c1") == []

    assert send("resume")["type"] == "resumed"
    run(former=None)
    assert sockets.records("c1") == []  # the former run still holds the tenant


def test_a_run_hands_over_by_a_message_and_the_next_one_goes_on(subscribe, send, audited, run, sockets, queue):
    subscribe()
    send("pause")
    audited("a")
    run()
    send("resume")

    handed = queue.sent[-1]
    run(former=handed["former"])

    assert handed["tenantId"] == "acme"
    assert names(sockets.records("c1")) == ["a"]


def test_a_connection_that_is_gone_is_removed_and_the_run_ends(subscribe, audited, run, sockets, fan_out, queue):
    subscribe()
    queue.sent.clear()
    sockets.fails["c1"] = NotFound("gone")
    audited("a")

    run(ticks=50)

    assert fan_out.connections.get("c1") is None
    assert not fan_out.leases.is_held("acme")
    assert queue.sent == []


def test_a_client_that_does_not_take_its_frame_delays_no_other(subscribe, audited, run, sockets):
    subscribe("slow")
    subscribe("quick")
    release = sockets.holds["slow"] = Event()

    def during(step):
        if step < 5:
            audited(f"r{step}")
        if len(sockets.records("quick")) >= 5:
            release.set()

    run(ticks=400, during=during)

    assert release.is_set()
    assert names(sockets.records("quick")) == [f"r{n}" for n in range(5)]
    assert names(sockets.records("slow")) == [f"r{n}" for n in range(5)]


def test_a_connection_that_keeps_failing_is_closed(subscribe, audited, run, sockets, fan_out, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.0)
    subscribe()
    sockets.fails["c1"] = Unavailable("slow")
    audited("a")

    run(ticks=2000)

    assert sockets.closed == ["c1"]
    assert fan_out.connections.get("c1") is None


def test_a_second_run_leaves_a_tenant_that_is_served_alone(subscribe, audited, run, sockets, fan_out):
    subscribe()
    audited("a")

    def during(step):
        if step == 0:
            before = len(sockets.sent["c1"])
            fan_out.work(Run("acme"), Delivery(lambda: 60_000))
            assert len(sockets.sent["c1"]) >= before

    run(during=during)

    assert names(sockets.records("c1")) == ["a"]


def test_limits_and_faults_are_refused_with_the_reason(socket, subscribe, send, sockets, monkeypatch, audited):
    monkeypatch.setattr(service, "MOST_SUBSCRIBED", 1)
    audited("a")
    assert subscribe("c1", audit={})["type"] == "subscribed"
    assert subscribe("c1", audit={"actorId": "x"})["type"] == "subscribed"

    refused = subscribe("c2")
    assert (refused["type"], refused["problem"]["status"]) == ("refused", 429)
    assert "1 live subscription" in refused["problem"]["detail"]
    for message, pointer in [
        ({"audit": {"nope": 1}}, "/audit/nope"),
        ({"logs": {"level": "loud"}}, "/logs/level"),
        ({"audit": {}, "after": {"audit": 9}}, "/after/audit"),
        ({"audit": {"tenantId": "acme"}}, "/audit/tenantId"),
    ]:
        assert subscribe("c1", **message)["problem"]["errors"][0]["pointer"] == pointer
    assert send("dance")["problem"]["errors"][0]["pointer"] == "/action"
    assert send("pause", "c2")["problem"]["status"] == 422
    socket.receive("c1", "{")
    assert sockets.last("c1")["problem"]["status"] == 422
    assert socket.connect("c3", Principal("p", Role.PRODUCER, ("acme",))) == 403


def test_tenants_are_apart_and_crossings_are_audited(subscribe, audited, run, sockets, trail):
    admin = Principal("root", Role.SUPER_ADMIN)
    assert subscribe("c1", tenantId="globex")["problem"]["status"] == 404
    assert subscribe("c2", admin)["problem"]["errors"][0]["pointer"] == "/tenantId"
    assert trail.events == []

    subscribe("c1", audit={})
    subscribe("c2", admin, audit={"actorId": "user-1"}, tenantId="globex")
    audited("a")
    audited("g", tenant_id="globex")
    run()
    run(tenant_id="globex")

    assert names(sockets.records("c1")) == ["a"]
    assert names(sockets.records("c2")) == ["g"]
    details = {"filters": ["actorId"], "live": True}
    assert trail.events[-1] == ("audit_log.followed", "globex", True, details)


def test_a_ping_starts_the_fan_out_where_no_run_holds_the_tenant(subscribe, send, run, queue, fan_out):
    subscribe()
    queue.sent.clear()

    assert send("ping")["type"] == "pong"
    fan_out.start_all()
    run()
    send("ping")

    assert [item["former"] is None for item in queue.sent] == [True, True, False]


def test_an_unsubscribed_or_ended_connection_gets_nothing(subscribe, send, socket, audited, run, sockets):
    subscribe("c1")
    subscribe("c2")
    send("unsubscribe", "c1")
    socket.disconnect("c2")
    audited("a")

    run()

    assert sockets.records("c1") == sockets.records("c2") == []


def test_a_run_that_fails_gives_its_lease_back(subscribe, audited, run, sockets, fan_out):
    subscribe()
    audited("a")

    def during(_):
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        run(during=during)

    assert not fan_out.leases.is_held("acme")
    run()
    assert {item["sequence"] for item in sockets.records("c1")} == {1}


class Killed(BaseException):
    """The end of the process of a run."""


def test_clients_that_are_cut_have_each_record_once_although_runs_are_killed(
    subscribe, socket, audited, logged, run, sockets, fan_out
):
    chance, clients = random.Random(7), [f"c{n}" for n in range(20)]
    seen = {client: {"audit": [], "logs": []} for client in clients}
    ids = {client: client for client in clients}

    def read(client):
        """What a client does with its frames: skips what it has."""
        for item in sockets.records(ids[client]):
            own = seen[client][item["feed"]]
            if not own or item["sequence"] > own[-1]:
                own.append(item["sequence"])

    def cut(client):
        read(client)
        socket.disconnect(ids[client])
        ids[client] = f"{client}-{chance.random()}"
        after = {feed: own[-1] if own else 0 for feed, own in seen[client].items()}
        assert subscribe(ids[client], audit={}, logs={}, after=after)["type"] == "subscribed"

    def during(step):
        if step < 12:
            audited(f"a{step}")
            logged(*(f"l{step}-{n}" for n in range(chance.randrange(5))))
            cut(chance.choice(clients))
        if step in (4, 9):
            raise Killed

    for client in clients:
        subscribe(client)
    steps = count()
    for _ in range(3):
        try:
            run(ticks=60, during=lambda _: during(next(steps)))
        except Killed:
            fan_out.leases._leases.delete_many({})  # ten seconds later
    for client in clients:
        read(client)

    last = {feed: fan_out.feeds[feed].last("acme") for feed in ("audit", "logs")}
    assert last["audit"] == 12
    for client in clients:
        assert seen[client] == {feed: list(range(1, end + 1)) for feed, end in last.items()}
