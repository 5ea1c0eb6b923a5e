"""Runs that are killed, meet each other or an outage, or whose destination changes meanwhile."""

from collections import Counter
from datetime import timedelta

import pytest

from chancery.core.errors import Unavailable
from chancery.core.mongo.leases import DURATION
from chancery.destinations.delivery.attempts import Attempts
from chancery.destinations.delivery.delivery_store import DeliveryStore
from chancery.destinations.delivery.state_store import LeaseLost, StateStore
from chancery.destinations.ports import Result
from chancery.wiring.deliveries import LoggedAttempts
from tests.crashes import crashing
from tests.destinations import destination_of
from tests.integration.destinations.delivery.conftest import CHUNKS, FAILED

STEPS = (
    (StateStore, ("take", "save", "renew", "end", "destination")),
    (DeliveryStore, ("add", "due", "store", "unblock", "next_due", "active", "blocked_keys")),
    (LoggedAttempts, ("open", "close")),
    (Attempts, ("make",)),
)


def crashed_steps(world, item, place, before):
    with crashing(place, STEPS, before=before) as steps:
        world.work(item)
    return steps["crashed"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("kind", ["webhook", "datadog"])
def test_a_run_that_is_killed_anywhere_is_followed_by_one_that_goes_on(world, kind, before):
    place, killed = 1, 0
    item = world.add(kind=kind, orderedBy="key")
    while True:
        world.got.clear()
        begin = len(world.events.stored["acme"])
        world.write(4, key="a")
        world.answers = [FAILED] if place % 3 == 0 else []
        is_killed = crashed_steps(world, item, place, before)
        killed += is_killed
        world.wait(seconds=DURATION.total_seconds())
        if is_killed:
            assert world.worker.sweep() == {"woken": 1}
        world.until_done(item)

        ids = {(delivery_id, sequence) for delivery_id, sequences in world.got for sequence in sequences}
        assert Counter(sequence for _, sequence in ids) == Counter(range(begin + 1, begin + 5))
        firsts = list(dict.fromkeys(world.sequences()))
        assert firsts == sorted(firsts)
        if not is_killed:
            break
        place += 1
    assert killed > 15
    assert set(world.statuses(item)) == {"delivered"}
    open_exchanges = [exchange for exchange in world.exchanges() if exchange["status"] == "PENDING"]
    assert open_exchanges == []


def test_a_success_that_is_logged_is_not_sent_again(world, monkeypatch):
    item = world.add()
    world.write()
    with crashing(1, ((DeliveryStore, ("store",)),), before=True):
        world.work(item)
    world.wait(seconds=10)

    world.until_done(item)

    assert len(world.asked) == 1
    (delivery,) = world.stored(item)
    assert (delivery["status"], delivery["reason"], delivery["attempt"]) == ("delivered", "recovered", 1)


def test_an_attempt_whose_end_is_not_known_is_lost_and_made_again_under_the_same_id(world):
    item = world.add()
    world.write()
    with crashing(1, ((LoggedAttempts, ("close",)),), before=True):
        world.work(item)
    world.wait(seconds=10)

    world.until_done(item)

    assert len(set(world.asked)) == 1
    assert [(e["attemptNumber"], e["status"]) for e in world.exchanges()] == [(1, "FAILED"), (2, "SUCCESS")]
    assert world.exchanges()[0]["error"]["type"] == "attempt_lost"


def test_the_same_message_twice_and_two_runs_at_once(world):
    item = world.add()
    world.write(3)
    world.during = lambda: world.work(item)

    world.work(item)
    world.during = lambda: None
    world.work(item)

    assert world.sequences() == [1, 2, 3]


def test_a_run_that_has_lost_its_lease_stores_nothing(world):
    item = world.add()
    state = world.states.take(item, "one", None)
    world.wait(seconds=11)
    assert world.states.take(item, "two", None)

    with pytest.raises(LeaseLost):
        world.states.save(item, "one", {"delivered": 5})
    with pytest.raises(LeaseLost):
        world.deliveries.add(item, "one", [], {"positions.audit": 7})
    assert world.states.end(item, "one", state.get("wakeOn"), None) is False
    assert world.state(item)["positions"] == {"audit": 0}
    assert world.state(item)["lease"]["token"] == "two"


@pytest.mark.parametrize("skew", [-120, 120])
def test_a_clock_that_differs_from_the_others_delays_and_repeats_nothing(world, skew):
    item = world.add()
    world.write(2)
    world.work(item)
    world.write(1)
    world.clock.now += timedelta(seconds=skew)
    world.events.stored["acme"][-1] = world.events.stored["acme"][-1]._replace(occurred_on=world.clock())
    if skew < 0:  # events of the future are read when they are there
        world.events.stored["acme"] = [e._replace(occurred_on=world.clock()) for e in world.events.stored["acme"]]

    world.until_done(item)

    assert world.sequences() == [1, 2, 3]


@pytest.mark.parametrize(
    ("owner", "method"),
    [(StateStore, "save"), (DeliveryStore, "add"), (DeliveryStore, "due"), (DeliveryStore, "store")],
)
def test_while_the_database_is_away_nothing_is_lost(world, monkeypatch, owner, method):
    item = world.add()
    world.write(3)

    def away(*_, **__):
        raise Unavailable("The database does not answer; try again.")

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, away)
        with pytest.raises(Unavailable):
            world.work(item)

    assert not world.states.leases.is_held(item.query)
    assert world.worker.sweep() == {"woken": 1}
    world.until_done(item)
    assert [d["status"] for d in world.stored(item)] == ["delivered"] * 3
    assert len({delivery_id for delivery_id, _ in world.got}) == 3


def test_what_the_log_does_not_take_is_not_sent(world, monkeypatch):
    item = world.add()
    world.write()

    def away(*_):
        raise Unavailable("The database does not answer; try again.")

    with monkeypatch.context() as patch:
        patch.setattr(LoggedAttempts, "open", away)
        with pytest.raises(Unavailable):
            world.work(item)
    assert world.asked == []

    world.until_done(item)
    assert world.sequences() == [1]


def test_a_run_hands_over_when_its_time_is_short(world):
    item = world.add(ratePerSecond=1)
    world.write(5)
    world.remaining_ms = 40_000

    world.work(item)

    (run, delay), *_ = world.queue.sent
    assert run.former is not None
    assert delay == 0
    assert world.states.leases.is_held(item.query)
    world.work(item)  # another message does nothing
    before = list(world.sequences())
    world.remaining_ms = 300_000
    world.work(item, run.former)
    assert world.sequences() == [1, 2, 3, 4, 5]
    assert len(before) < 5


@pytest.mark.parametrize("change", [{"enabled": False}, {"deletedOn": "now"}])
def test_a_destination_that_is_disabled_or_deleted_during_a_run_is_served_no_more(world, connect, change):
    item = world.add(ratePerSecond=1)
    world.write(10)
    changes = {name: world.clock() if value == "now" else value for name, value in change.items()}

    def during():
        connect("writer").destinations.update_one(item.query, {"$set": changes, "$inc": {"version": 1}})

    world.during = during
    world.work(item)

    assert len(world.got) <= 4
    expected = {"delivered", "pending"} if "enabled" in change else {"delivered", "failed"}
    assert set(world.statuses(item)) == expected


def test_an_enabled_destination_goes_on_where_it_stopped(world, connect):
    item = world.add(enabled=False)
    world.write(3)
    world.work(item)
    assert world.got == []

    connect("writer").destinations.update_one(item.query, {"$set": {"enabled": True}, "$inc": {"version": 1}})
    world.work(item)
    assert world.sequences() == [1, 2, 3]


def test_a_source_that_is_selected_later_is_followed_from_then_on(world, connect):
    item = world.add(events=["log.error"])
    connect("writer").destination_states.update_one(item.query, {"$set": {"positions": {}}})
    world.write(3)
    connect("writer").destinations.update_one(item.query, {"$set": {"events": ["audit.*"]}, "$inc": {"version": 1}})
    world.work(item)
    world.write(1)
    world.work(item)

    assert world.sequences() == [4]


def test_a_change_that_wants_the_destination_served_is_not_forgotten_by_a_run_that_ends(world, connect):
    item = world.add()
    world.write()
    moment = world.clock()
    world.during = lambda: connect("writer").destination_states.update_one(item.query, {"$set": {"wakeOn": moment}})

    world.work(item)

    assert world.state(item)["wakeOn"] == moment
    assert world.worker.sweep() == {"woken": 1}


def test_a_replay_is_sent_under_the_same_id_in_a_new_round(world, connect):
    item = world.add(orderedBy="key")
    world.write(2, key="a")
    world.answers = [Result("unsendable", "event_too_large")]
    world.work(item)
    again = {"status": "blocked", "round": 1, "attempt": 0, "retries": 0, "dueOn": world.clock()}
    connect("writer").deliveries.update_one(
        {"tenantId": "acme", "status": "failed"}, {"$set": again, "$unset": {"endedOn": "", "expiresOn": ""}}
    )

    world.work(item)

    assert world.sequences() == [2, 1]
    assert world.statuses(item) == ["delivered"] * 2
    assert world.exchanges()[-1]["requestId"].endswith("-1-1")


def test_the_sweep_finds_destinations_that_are_behind_due_or_whose_run_was_killed(world, connect):
    behind, killed, idle, due = (world.add() for _ in range(4))
    world.write()
    for item in (idle, due):
        world.work(item)
    world.queue.sent.clear()
    world.states.take(killed, "token", None)
    world.wait(seconds=11)
    connect("writer").destination_states.update_one(due.query, {"$set": {"wakeOn": world.clock()}})

    assert world.worker.sweep() == {"woken": 3}
    assert {run.item for run, _ in world.queue.sent} == {behind, killed, due}
    assert world.worker.sweep() == {"woken": 0}


def test_a_time_that_sqs_can_wait_for_is_a_message_and_it_is_sent_once(world):
    item = world.add()
    world.write()
    world.answers = [FAILED]
    world.work(item)
    assert [delay for _, delay in world.queue.sent] == [4]

    world.work(item)  # for another reason
    assert len(world.queue.sent) == 1


def test_a_delivery_that_is_stored_is_not_stored_again(world):
    item = world.add()
    world.write(2)
    world.work(item)
    stored = world.stored(item)
    world.states.take(item, "token", None)
    new = {**stored[0], "refId": "01J0000000000000000000000A", "status": "pending"}
    del new["endedOn"], new["expiresOn"]

    world.deliveries.add(item, "token", [*stored, new], {"positions.audit": 2})

    assert sorted(d["refId"] for d in world.stored(item)) == sorted([*(d["refId"] for d in stored), new["refId"]])
    assert destination_of()["enabled"]


@pytest.mark.parametrize("changes", [{"status": "SUCCESS"}, {"status": "PENDING"}, {"createdOn": None}], ids=str)
def test_the_exchange_of_another_caller_is_no_attempt_whatever_its_id(world, connect, changes):
    item = world.add()
    world.write()
    world.answers = [FAILED]
    world.work(item)
    (own,) = world.exchanges()
    taken = own["requestId"].removesuffix("-1") + "-2"
    old = {"createdOn": own["createdOn"] - timedelta(days=999)} if "createdOn" in changes else changes
    foreign = {**own, "refId": destination_of()["refId"], "requestId": taken, "createdBy": "user-1", **old}
    connect("writer").integration_logs.insert_one(foreign)

    world.until_done(item)

    (delivery,) = world.stored(item)
    assert (delivery["status"], delivery["attempt"], world.sequences()) == ("delivered", 3, [1])


def test_an_attempt_that_ends_while_it_is_closed_as_lost_is_not_sent_again(world, monkeypatch):
    item = world.add()
    world.write()
    with crashing(1, ((LoggedAttempts, ("close",)),), before=True):
        world.work(item)
    world.wait(seconds=10)
    real = LoggedAttempts.close

    def close(log, tenant_id, request_id, end):
        monkeypatch.setattr(LoggedAttempts, "close", real)
        real(log, tenant_id, request_id, {"status": "SUCCESS"})
        real(log, tenant_id, request_id, end)

    monkeypatch.setattr(LoggedAttempts, "close", close)
    world.until_done(item)

    assert len(world.asked) == 1
    assert world.statuses(item) == ["delivered"]


@pytest.mark.parametrize(("events", "woken"), [(["log.error"], 0), (["audit.*"], 1), (["*"], 1)])
def test_only_sources_that_a_destination_selects_now_wake_it(world, events, woken):
    world.add(events=events)
    world.write()

    assert world.worker.sweep() == {"woken": woken}


def test_a_rate_that_is_changed_during_a_run_holds_in_it(world, connect):
    item = world.add(ratePerSecond=1)
    world.write(50)
    begin, changes = world.clock(), {"$set": {"ratePerSecond": 100}, "$inc": {"version": 1}}

    def during():
        world.during = lambda: None
        connect("writer").destinations.update_one(item.query, changes)

    world.during = during
    world.work(item)

    assert world.sequences() == list(range(1, 51))
    assert world.clock() - begin < timedelta(seconds=10)


@pytest.mark.parametrize(("payload_bytes", "most"), [(10_000, 16), (1_000_000, 16), (5_000_000, 3), (20_000_000, 1)])
def test_fewer_large_messages_are_under_way_at_once(world, payload_bytes, most):
    item = world.add()
    world.write(40)
    world.parts.senders["webhook"].own_limits = CHUNKS._replace(entries=1, payload_bytes=payload_bytes)
    chosen = []
    due = world.deliveries.due

    def counted(*given):
        found = due(*given)
        chosen.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeliveryStore, "due", lambda _, *given: counted(*given))
        world.work(item)

    assert max(chosen) == most
    assert len(world.got) == 40


def test_events_of_few_chunks_only_are_remembered(world, monkeypatch):
    item = world.add(kind="datadog", ratePerSecond=1)
    world.parts.senders["datadog"].own_limits = CHUNKS._replace(entries=150, payload_bytes=1_000_000)
    world.write(1200)
    read = []
    real = world.events.get
    monkeypatch.setattr(world.events, "get", lambda tenant_id, items: read.append(len(items)) or real(tenant_id, items))

    world.work(item)

    assert sorted(world.sequences()) == list(range(1, 1201))
    assert sum(read) >= 1200 - 200 - 500 - 150
