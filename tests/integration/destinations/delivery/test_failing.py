"""Receivers that are down, gone or failing for days: the breaker, notices, disabling."""

from datetime import timedelta

import pytest

from chancery.core.errors import Unavailable
from chancery.destinations.delivery.delivery_store import DeliveryStore
from chancery.destinations.delivery.notices import DISABLED, FAILING
from chancery.destinations.ports import Result
from tests.crashes import crashing
from tests.integration.destinations.delivery.conftest import FAILED

DAY = timedelta(days=1)


def records(connect, action):
    return list(connect("reader").audit_logs.find({"tenantId": "acme", "action": action}))


def destination(connect, item):
    return connect("reader").destinations.find_one(item.query)


def fail_for(world, item, days, most=400):
    """Has a destination fail for so many days, served whenever it wants to be."""
    until = world.clock() + days * DAY
    world.answers = [FAILED] * 5000
    for _ in range(most):
        wake_on = world.state(item).get("wakeOn")
        if world.clock() > until or wake_on is None:
            break
        world.clock.now = max(wake_on, world.clock())
        world.work(item)


def test_a_receiver_that_is_down_gets_probes_after_growing_pauses_and_no_delivery_fails(world):
    item = world.add()
    world.write(50)
    world.work(item)
    assert world.statuses(item) == ["delivered"] * 50
    world.asked.clear()

    world.write(50)
    world.answers = [FAILED] * 5000
    world.work(item)
    fail_for(world, item, 1)

    assert len(world.asked) < 100
    assert set(world.statuses(item)) == {"delivered", "pending"}
    assert len(world.stored(item)) < 1050
    world.answers = []
    world.until_done(item)
    assert set(world.statuses(item)) == {"delivered"}
    assert world.state(item)["breaker"] == {"failures": 0}


def test_a_test_that_was_not_sent_yet_is_the_probe_and_then_one_of_the_others(world, connect):
    item = world.add()
    world.write(5)
    world.answers = [FAILED] * 5
    world.work(item)
    older = world.stored(item)[0]
    del older["first"], older["last"]
    changes = {"refId": "01J0TEST000000000000000000", "kind": "test", "items": [], "createdOn": world.clock()}
    connect("writer").deliveries.insert_one({**older, **changes, "status": "pending", "attempt": 0})

    assert world.deliveries.probe(item)["kind"] == "test"
    connect("writer").deliveries.update_one({"refId": changes["refId"]}, {"$set": {"attempt": 9}})
    assert world.deliveries.probe(item)["kind"] != "test"


def test_events_of_an_outage_stay_in_their_source(world):
    item = world.add()
    world.write(5)
    world.answers = [FAILED] * 5000
    world.work(item)
    world.write(1200)

    fail_for(world, item, 0.5)
    assert len(world.stored(item)) <= 1000

    world.answers = []
    world.until_done(item)
    assert sorted(world.sequences()) == list(range(1, 1206))


def test_a_destination_that_fails_for_days_is_announced_and_then_disabled(world, connect, bus):
    item = world.add()
    world.write(5)
    world.answers = [FAILED] * 5000
    world.work(item)

    fail_for(world, item, 6)

    failing = records(connect, "destination.failing")
    assert sorted(record["metadata"]["percent"] for record in failing) == [50, 70, 90]
    assert [detail["percent"] for detail in bus.of(FAILING)] == [50, 70, 90]
    (disabled,) = records(connect, "destination.disabled")
    assert disabled["resourceId"] == item.ref_id
    assert [detail["reason"] for detail in bus.of(DISABLED)] == ["failing"]
    stored = destination(connect, item)
    assert (stored["enabled"], stored["disabledReason"], stored["version"]) == (False, "failing", 2)
    assert set(world.statuses(item)) == {"pending"}
    state = world.state(item)
    assert "failingSince" not in state
    assert not state.get("notices")


@pytest.mark.parametrize(
    ("kind", "result", "reason"),
    [
        ("webhook", Result("gone", "http_410", status=410), "gone"),
        ("webhook", Result("disable", "http_500", status=500), "by_receiver"),
        ("datadog", Result("unauthorized", "http_403", status=403), "authentication_failed"),
    ],
)
def test_a_receiver_ends_its_subscription_at_once(world, connect, bus, kind, result, reason):
    item = world.add(kind=kind)
    world.write(3)
    world.answers = [result] * 3

    world.work(item)

    assert destination(connect, item)["disabledReason"] == reason
    assert set(world.statuses(item)) == {"pending"}
    assert len(records(connect, "destination.disabled")) == 1
    assert len(bus.of(DISABLED)) == 1
    world.wait(days=1)
    world.work(item)
    assert len(world.asked) <= 3


def test_a_webhook_that_takes_the_last_message_and_wants_no_more(world, connect):
    item = world.add(ratePerSecond=1)
    world.write(1)
    world.answers = [Result("disable", "http_200", status=200)]

    world.work(item)

    assert world.statuses(item) == ["delivered"]
    assert destination(connect, item)["disabledReason"] == "by_receiver"


def test_single_failures_days_apart_add_up_to_nothing(world, connect):
    item = world.add()
    for _ in range(5):
        world.write()
        world.answers = [FAILED]
        world.until_done(item)
        world.wait(days=2)

    assert destination(connect, item)["enabled"]
    assert records(connect, "destination.failing") == []


def test_a_notice_that_the_bus_did_not_take_is_published_later_and_recorded_once(world, connect, bus):
    item = world.add()
    world.write()
    world.answers = [Result("gone", "http_410", status=410)]
    real = bus.publish
    away = {"is": True}

    def publish(detail_type, details):
        if away["is"] and detail_type == DISABLED:
            raise Unavailable("The bus does not answer.")
        real(detail_type, details)

    bus.publish = publish
    world.work(item)
    assert bus.of(DISABLED) == []
    assert len(world.state(item)["notices"]) == 1

    away["is"] = False
    world.wait(minutes=2)
    assert world.worker.sweep() == {"woken": 1}
    world.work(item)
    assert len(bus.of(DISABLED)) == 1
    assert len(records(connect, "destination.disabled")) == 1
    assert not world.state(item)["notices"]


def test_a_kill_before_and_after_the_record_of_a_notice_leaves_one_record(world, connect, bus):
    item = world.add()
    world.write()
    for before in (True, False):
        world.answers = [Result("gone", "http_410", status=410)]
        with crashing(1, ((type(world.parts.notices), ("publish",)),), before=True):
            world.work(item)
        world.wait(seconds=11)
        assert before or len(records(connect, "destination.disabled")) == 1
    world.work(item)

    assert len(records(connect, "destination.disabled")) == 1
    assert len(bus.of(DISABLED)) == 1


def test_a_destination_that_a_person_changes_meanwhile_is_left_alone(world, connect):
    item = world.add()
    world.write()
    world.answers = [Result("gone", "http_410", status=410)]
    changes = {"$set": {"url": "https://hooks.example.org/new"}, "$inc": {"version": 1}}
    world.during = lambda: connect("writer").destinations.update_one(item.query, changes)

    world.work(item)

    assert records(connect, "destination.disabled") == []
    assert destination(connect, item)["enabled"]


def test_a_notice_that_is_stored_while_others_are_published_stays(world, connect, bus):
    item, later = world.add(), {"detailType": FAILING, "detail": {"percent": 50}}
    world.write()
    world.answers = [Result("gone", "http_410", status=410)]
    real = bus.publish

    def publish(detail_type, details):
        if detail_type == DISABLED:
            connect("writer").destination_states.update_one(item.query, {"$push": {"notices": later}})
        real(detail_type, details)

    bus.publish = publish
    world.work(item)

    assert world.state(item)["notices"] == [later]


@pytest.mark.parametrize("reason", ["attempt_lost", "aws_unreachable", "internal_error"])
def test_a_recovered_fault_of_ours_is_charged_to_nobody(world, reason):
    item = world.add()
    world.write()
    world.answers = [Result("own_fault", reason)]
    with crashing(1, ((DeliveryStore, ("store",)),), before=True):
        world.work(item)
    world.wait(seconds=11)

    world.work(item)

    state = world.state(item)
    assert world.stored(item)[0]["reason"] == reason
    assert "failingSince" not in state
    assert state["breaker"] == {"failures": 0}
