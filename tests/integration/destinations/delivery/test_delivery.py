"""What becomes of events: webhooks and chunks, retries, order, rates, filters, alerts, expired events."""

from datetime import timedelta

import pytest

from chancery.destinations.ports import Result
from tests.integration.destinations.delivery.conftest import ACCEPTED, FAILED


def test_each_event_that_is_selected_is_delivered_once_and_logged(world):
    item = world.add(filter={"kind": ["a"]})
    world.write(2, kind="a")
    world.write(1, kind="b")
    world.write(1, kind="a")

    world.work(item)
    world.work(item)

    assert world.sequences() == [1, 2, 4]
    assert world.statuses(item) == ["delivered"] * 3
    assert world.state(item)["positions"] == {"audit": 4}
    assert world.state(item)["delivered"] == 3
    logged = world.exchanges()
    assert {exchange["requestId"] for exchange in logged} == {f"{delivery_id}-0-1" for delivery_id, _ in world.got}
    assert {(e["status"], e["systemCode"], e["endpointCode"]) for e in logged} == {
        ("SUCCESS", "destination", item.ref_id)
    }


def test_a_delivery_is_retried_by_the_schedule_and_fails_after_three_days(world):
    item = world.add()
    world.write()
    world.answers = [FAILED] * 4
    waits = []
    for _ in range(4):
        world.work(item)
        (delivery,) = world.stored(item)
        waits.append((delivery["dueOn"] - world.clock()).total_seconds())
        world.clock.now = delivery["dueOn"]

    assert [round(wait / 60) for wait in waits[1:]] == [5, 30, 120]
    assert len(set(world.asked)) == 1
    assert [e["attemptNumber"] for e in world.exchanges()] == [1, 2, 3, 4]
    assert delivery["lastError"]["reason"] == "http_500"
    assert world.queue.sent[0][1] <= 5

    world.until_done(item)
    assert world.statuses(item) == ["delivered"]


def test_a_delivery_that_is_refused_each_time_fails_while_others_are_delivered(world):
    item = world.add()
    world.write()
    for _ in range(10):
        world.answers = [FAILED]
        world.work(item)
        world.write()  # delivered, so that the destination is not down
        world.wait(hours=25)
    world.work(item)

    stored = world.stored(item)
    assert (stored[0]["status"], stored[0]["reason"], stored[0]["attempt"]) == ("failed", "attempts_exhausted", 10)
    assert stored[0]["expiresOn"] - stored[0]["endedOn"] == timedelta(days=30)
    assert {delivery["status"] for delivery in stored[1:]} == {"delivered"}


@pytest.mark.parametrize(("verdict", "reason"), [("abort", "http_500"), ("unsendable", "address_refused")])
def test_what_is_not_to_be_retried_fails_at_once(world, verdict, reason):
    item = world.add()
    world.write(2)
    world.answers = [Result(verdict, reason)]

    world.work(item)

    assert sorted(world.statuses(item)) == ["delivered", "failed"]
    assert world.state(item)["failed"] == 1


def test_a_fault_of_ours_is_charged_to_nobody(world):
    item = world.add()
    world.write()
    world.answers = [Result("own_fault", "no_route")] * 30

    for _ in range(30):
        world.work(item)
        world.wait(minutes=2)

    state = world.state(item)
    assert "failingSince" not in state
    assert state["breaker"] == {"failures": 0}
    world.work(item)
    assert world.statuses(item) == ["delivered"]


def test_a_receiver_says_when_to_try_again(world):
    item = world.add()
    world.write()
    world.answers = [Result("slow_down", "http_429", status=429, retry_after=timedelta(minutes=40))]

    world.work(item)

    (delivery,) = world.stored(item)
    assert delivery["dueOn"] - world.clock() > timedelta(minutes=39)
    assert world.state(item)["rateShare"] == 0.5


def test_ordered_deliveries_wait_for_the_earlier_ones_of_their_key(world):
    item = world.add(orderedBy="key")
    for key in ("a", "b", "a", "a"):
        world.write(key=key)
    world.answers = [FAILED]

    world.work(item)
    assert world.statuses(item) == ["pending", "delivered", "blocked", "blocked"]

    world.until_done(item)
    assert world.sequences() == [2, 1, 3, 4]


def test_an_ordered_delivery_that_has_failed_blocks_the_others_no_more(world):
    item = world.add(orderedBy="key")
    world.write(2, key="a")
    world.answers = [Result("unsendable", "event_too_large")]

    world.work(item)

    assert world.statuses(item) == ["failed", "delivered"]


def test_streams_send_chunks_that_are_full_or_old_enough(world):
    item = world.add(kind="datadog")
    world.write(7)

    world.work(item)
    assert [sequences for _, sequences in world.got] == [[1, 2, 3], [4, 5, 6]]
    assert world.state(item)["positions"] == {"audit": 6}

    world.until_done(item)
    assert world.got[-1][1] == [7]
    assert [(d["first"], d["last"]) for d in world.stored(item)] == [(1, 3), (4, 6), (7, 7)]


def test_a_failed_chunk_keeps_its_range_and_holds_newer_ones_back_only_where_order_is_asked_for(world):
    free, ordered = world.add(kind="datadog"), world.add(kind="datadog", orderedBy="sequence")
    world.write(6)

    for item in (free, ordered):
        world.answers = [FAILED]
        world.work(item)

    assert world.statuses(free) == ["pending", "delivered"]
    assert world.statuses(ordered) == ["pending", "blocked"]
    world.until_done(free)
    world.until_done(ordered)
    assert [sequences for _, sequences in world.got] == [[4, 5, 6], [1, 2, 3], [1, 2, 3], [4, 5, 6]]


def test_a_delivery_keeps_its_events_when_the_filter_changes_between_attempts(world, connect):
    item = world.add()
    world.write(1, kind="a")
    world.answers = [FAILED]
    world.work(item)

    changes = {"$set": {"filter": {"kind": ["b"]}}, "$inc": {"version": 1}}
    connect("writer").destinations.update_one(item.query, changes)
    world.write(1, kind="a")
    world.write(1, kind="b")
    world.until_done(item)

    assert sorted(world.sequences()) == [1, 3]


def test_events_that_are_gone_are_left_out_and_a_delivery_of_none_fails(world):
    item = world.add(kind="datadog")
    world.write(6)
    world.answers = [FAILED, FAILED]
    world.work(item)
    world.events.gone = {1, 4, 5, 6}

    world.until_done(item)

    assert [sequences for _, sequences in world.got] == [[2, 3]]
    stored = world.stored(item)
    assert [(d["status"], d["reason"]) for d in stored] == [("delivered", "http_200"), ("failed", "events_expired")]


def test_numbers_that_expired_before_they_were_read_are_a_failed_delivery(world):
    item = world.add()
    world.write(5)
    world.events.missing = (1, 3)

    world.work(item)

    stored = world.stored(item)
    assert [(d["first"], d["last"], d["status"]) for d in stored] == [
        (1, 3, "failed"),
        (4, 4, "delivered"),
        (5, 5, "delivered"),
    ]
    assert stored[0]["reason"] == "events_expired"


def test_an_alert_is_one_message_for_many_events_and_then_none_for_a_while(world):
    item = world.add(alert={"count": 3, "minutes": 10})
    for _ in range(8):
        world.write()
        world.wait(minutes=1)
    world.work(item)

    (alert,) = world.stored(item)
    assert (alert["kind"], alert["items"], alert["content"]["count"]) == ("alert", [], 3)
    assert world.state(item)["window"]["counted"] == 5

    world.wait(minutes=5)
    world.write()
    world.wait(minutes=1)
    world.work(item)
    assert [d["content"]["count"] for d in world.stored(item)] == [3, 6]


def test_an_event_that_cannot_be_made_into_a_message_does_not_stop_the_others(world, monkeypatch):
    item = world.add()
    world.write(3)
    sender = world.parts.senders["webhook"]
    real = sender.prepare

    def prepare(to, delivery, events, now):
        if events[0].item.sequence == 2:
            raise TypeError("poison")
        return real(to, delivery, events, now)

    monkeypatch.setattr(sender, "prepare", prepare)
    world.work(item)

    assert world.statuses(item) == ["delivered", "failed", "delivered"]
    assert world.stored(item)[1]["reason"] == "internal_error"


def test_exchanges_with_destinations_are_no_events_for_destinations(world):
    item = world.add(events=["audit.*", "exchange.completed"])
    world.write(1, systemCode="destination")  # of another source it is data as any other
    world.work(item)
    assert world.sequences() == [1]

    pump = world.parts.sources["audit"]
    event = pump.after("acme", 0, 1).events[0]._replace(source="events", type="exchange.completed")
    pump.stored["acme"].append(event._replace(item=event.item._replace(sequence=2)))
    world.work(item)

    assert world.sequences() == [1]
    assert world.state(item)["positions"] == {"audit": 2}


def test_thousands_that_wait_leave_the_others_in_their_source(world):
    item = world.add(ratePerSecond=1)
    world.write(1500)
    world.answers = [FAILED] * 5
    world.work(item)
    waiting = world.deliveries.active(item, 5000)
    assert 900 < waiting <= 1000
    assert world.state(item)["positions"]["audit"] <= 1000

    assert ACCEPTED.verdict == "accepted"
