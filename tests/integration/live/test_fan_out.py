"""Runs of the fan-out: they hand over, fail and are killed; clients are slow, gone and cut."""

import random
from itertools import count
from threading import Event

import pytest

from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import NotFound, Unavailable
from chancery.live import fan_out as runs
from chancery.live import session
from chancery.live.fan_out import Run
from tests.integration.live.conftest import names


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
    assert not fan_out.leases.is_held({"tenantId": "acme"})
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
    monkeypatch.setattr(session, "_LONGEST_BACKOFF", 0.0)
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


def test_many_subscriptions_ask_for_one_run(subscribe, audited, run, sockets, queue):
    for number in range(5):
        subscribe(f"c{number}")
    audited("a")

    assert queue.sent == [{"tenantId": "acme", "former": None}]
    run()
    assert all(names(sockets.records(f"c{number}")) == ["a"] for number in range(5))


def test_a_run_that_cannot_be_asked_for_is_asked_for_again(subscribe, send, queue, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(queue, "send", unavailable)
        assert subscribe()["problem"]["status"] == 503

    assert send("ping")["type"] == "pong"
    assert len(queue.sent) == 1


def unavailable(_):
    raise Unavailable("away")


def test_a_run_that_fails_gives_its_lease_back(subscribe, audited, run, sockets, fan_out):
    subscribe()
    audited("a")

    def during(_):
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        run(during=during)

    assert not fan_out.leases.is_held({"tenantId": "acme"})
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
            fan_out.leases._collection.delete_many({})  # ten seconds later
    for client in clients:
        read(client)

    last = {feed: fan_out.feeds[feed].last("acme") for feed in ("audit", "logs")}
    assert last["audit"] == 12
    for client in clients:
        assert seen[client] == {feed: list(range(1, end + 1)) for feed, end in last.items()}


def test_runs_and_the_schedule_measure_connections_delays_and_what_is_dropped(
    subscribe, logged, run, fan_out, sockets, monkeypatch
):
    measured = {}
    for module in (runs, session):
        monkeypatch.setattr(module, "count", lambda name, number=1: measured.update({name: number}))
    monkeypatch.setattr(runs, "gauge", lambda name, seconds: measured.update({name: seconds}))
    monkeypatch.setattr(session, "_MOST_BEHIND", 20)
    monkeypatch.setattr(session, "_KEPT", 5)
    logged(*(f"l{number}" for number in range(30)))
    subscribe("c1", logs={}, after={"logs": 2})
    subscribe("c2")
    release = sockets.holds["c1"] = Event()

    run(ticks=5, during=lambda step: step < 4 or release.set())
    fan_out.start_all()

    assert measured["LiveConnections"] == 2
    assert measured["LiveRecordsDropped"] == 23
    assert measured["LiveDelay"] > 0
