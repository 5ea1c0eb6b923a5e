"""The parts without I/O: states, rates, the breaker, series of failures, alerts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.destinations.delivery import breaker
from chancery.destinations.delivery.alerts import counted
from chancery.destinations.delivery.breaker import CLOSED, TRIPS_AT, after_failure
from chancery.destinations.delivery.failing import GIVEN_UP_AFTER, Failing
from chancery.destinations.delivery.health import Health
from chancery.destinations.delivery.machine import (
    LONGEST_WAIT,
    SCHEDULE,
    Abandoned,
    Attempted,
    DeliveryState,
    Replayed,
    Unblocked,
    step,
)
from chancery.destinations.delivery.making import of_event
from chancery.destinations.delivery.rate import Rate
from chancery.destinations.ports import Result
from tests.deliveries import event_of
from tests.destinations import destination_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PENDING = DeliveryState("pending", "new", 0, 0, 0, NOW)
FAILED = Result("failed", "http_500", status=500)


def attempted(state, result=FAILED, *, chance=0.5, is_probe=False):
    return step(state, Attempted(state.attempt + 1, result, NOW, chance, is_probe))


def test_the_schedule_is_that_of_the_standard():
    state, waits = PENDING, []
    while state.status == "pending":
        state = attempted(state)
        waits.append(state.due_on and state.due_on - NOW)

    assert waits == [*SCHEDULE[1:], None]
    assert (state.status, state.reason, state.attempt) == ("failed", "attempts_exhausted", 10)


@given(st.floats(0, 1))
def test_waits_differ_by_a_tenth_at_most(chance):
    after = attempted(PENDING._replace(retries=3), chance=chance)

    assert after.due_on is not None
    assert abs((after.due_on - NOW) / SCHEDULE[4] - 1) <= 0.1 + 1e-9


@pytest.mark.parametrize(("asked", "wait"), [(1, SCHEDULE[1]), (3600, timedelta(hours=1)), (10**7, LONGEST_WAIT)])
def test_a_receiver_may_ask_for_a_longer_wait_up_to_a_day(asked, wait):
    after = attempted(PENDING, Result("slow_down", "http_429", retry_after=timedelta(seconds=asked)))

    assert after.due_on == NOW + wait


@pytest.mark.parametrize(
    ("result", "status", "retries"),
    [
        (Result("accepted", "http_204", status=204), "delivered", 0),
        (Result("disable", "http_200", status=200), "delivered", 0),
        (Result("disable", "http_500", status=500), "pending", 0),
        (Result("gone", "http_410", status=410), "pending", 0),
        (Result("abort", "http_400", status=400), "failed", 0),
        (Result("unsendable", "event_too_large"), "failed", 0),
        (Result("own_fault", "no_route"), "pending", 0),
        (Result("unauthorized", "http_401", status=401), "pending", 1),
        (FAILED, "pending", 1),
    ],
)
def test_what_becomes_of_a_delivery(result, status, retries):
    after = attempted(PENDING, result)

    assert (after.status, after.retries, after.attempt) == (status, retries, 1)
    assert (after.due_on is None) == (status != "pending")


def test_a_probe_uses_up_no_retry_whatever_number_it_is():
    state = PENDING._replace(retries=9)
    for _ in range(50):
        state = attempted(state, is_probe=True)

    assert (state.status, state.retries, state.attempt) == ("pending", 9, 50)


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_a_replay_is_a_new_round(status):
    ended = DeliveryState(status, "http_200", 1, 4, 3, None)

    assert step(ended, Replayed(NOW)) == DeliveryState("pending", "replay_requested", 2, 0, 0, NOW)


def test_what_comes_too_late_changes_nothing():
    ended, blocked = DeliveryState("delivered", "http_200", 0, 1, 0, None), PENDING._replace(status="blocked")

    assert attempted(ended) == ended
    assert attempted(blocked) == blocked
    assert step(ended, Unblocked(NOW)) == ended
    assert step(ended, Abandoned("destination_deleted")) == ended
    assert step(blocked, Unblocked(NOW)).status == "pending"
    assert step(blocked, Abandoned("destination_deleted")).status == "failed"


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 40)), max_size=60), st.integers(1, 100))
def test_no_more_than_the_rate_and_a_burst_of_a_second_is_sent(steps, per_second):
    rate, now, sent = Rate(per_second, NOW), NOW, list[datetime]()
    for wait, wanted in steps:
        now += timedelta(seconds=wait)
        messages = min(wanted, rate.available(now))
        rate = rate.spend(messages, now)
        sent += [now] * messages

    each, spent = timedelta(seconds=1) / per_second, NOW
    for moment in sent:
        spent = max(spent, moment) + each
        assert spent - moment <= timedelta(seconds=1) + timedelta(milliseconds=1)


def test_the_next_message_may_be_sent_when_the_rate_says_so():
    rate = Rate(2, NOW).spend(2, NOW)

    assert rate.available(NOW) == 0
    assert rate.next_on(NOW) == NOW + timedelta(seconds=0.5)
    assert rate.available(rate.next_on(NOW)) == 1


def test_a_receiver_that_asks_for_it_gets_less_and_then_more_again():
    slow = Rate(64, NOW).slower(NOW, timedelta(seconds=30))
    assert slow.share == 0.5
    assert slow.available(NOW + timedelta(seconds=29)) == 0
    assert slow.next_on(NOW) == NOW + timedelta(seconds=30)

    for _ in range(20):
        slow = slow.slower(NOW, timedelta(days=1))
    assert slow.available(NOW + timedelta(minutes=6)) == 1
    for _ in range(100):
        slow = slow.faster()
    assert slow.share == 1


def test_the_breaker_opens_after_failures_in_a_row_and_its_pauses_grow_to_half_an_hour():
    state, pauses = CLOSED, []
    for number in range(1, 16):
        state = after_failure(state, NOW, 0.5, is_probe=state.is_open)
        assert state.is_open == (number >= TRIPS_AT)
        if state.probe_on:
            pauses.append((state.probe_on - NOW).total_seconds())

    assert pauses[:4] == [5, 15, 45, 135]
    assert pauses[-1] == 1800
    assert after_failure(state, NOW + timedelta(days=1), 0.5, is_probe=False) == state  # it began before


@pytest.mark.parametrize(("verdict", "wait"), [("own_fault", timedelta(minutes=1)), ("unsendable", timedelta())])
def test_a_probe_that_says_nothing_is_followed_by_another(verdict, wait):
    health = Health.of({"breaker": {"failures": 7, "probeOn": NOW}, "failingSince": NOW}, 10, NOW)

    health.add(Result(verdict, "no_route"), PENDING, NOW, 0.5, is_probe=True)

    assert health.breaker == breaker.BreakerState(7, NOW + wait)
    assert health.failing.since == NOW


def test_a_series_of_failures_has_no_long_pause():
    hours = timedelta(hours=1)
    series = Failing().failed(NOW).failed(NOW + 30 * hours).failed(NOW + 65 * hours)
    assert series.since == NOW
    assert (series.percent, series.warning) == (54, 50)
    assert series._replace(warned=50).warning is None

    assert series.failed(NOW + 102 * hours).since == NOW + 102 * hours
    assert Failing(NOW, NOW + GIVEN_UP_AFTER).percent == 100
    assert Failing(NOW, NOW + GIVEN_UP_AFTER, 50).warning == 90


def test_an_alert_counts_what_came_since_the_last_one():
    window, contents = None, []
    for number in range(1, 31):
        event = event_of(number, NOW + timedelta(minutes=number))
        window, content = counted(window, event, {"count": 3, "minutes": 5}, event.occurred_on)
        contents += [(number, content["count"])] if content else []

    assert contents == [(3, 3), (8, 5), (13, 5), (18, 5), (23, 5), (28, 5)]


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=1), timedelta(days=4000)])
def test_a_clock_that_is_ahead_silences_no_later_alert(ahead):
    alert, window, contents = {"count": 2, "minutes": 5}, None, []
    for number in range(1, 13):
        now = NOW + timedelta(minutes=number)
        event = event_of(number, now + ahead if number <= 2 else now)
        window, content = counted(window, event, alert, now)
        contents += [number] if content else []

    assert contents == [2, 7, 12]


def test_events_that_are_far_apart_make_no_alert():
    window = None
    for number in range(1, 31):
        event = event_of(number, NOW + timedelta(minutes=10 * number))
        window, content = counted(window, event, {"count": 3, "minutes": 15}, event.occurred_on)
        assert content is None
        assert window is not None
        assert len(window["last"]) <= 3


@pytest.mark.parametrize(
    ("ordered_by", "data", "key"),
    [
        (None, {"key": 1}, None),
        ("key", {"key": 1}, "audit:1"),
        ("key", {"key": "a"}, 'audit:"a"'),
        ("actor.id", {"actor": {"id": "u"}}, 'audit:"u"'),
        ("actor.id", {"actor": None}, None),
        ("actor.id", {}, None),
        ("key", {"key": {"a": [1]}}, 'audit:{"a":[1]}'),
    ],
)
def test_the_order_key_is_the_value_at_a_path(ordered_by, data, key):
    destination = destination_of(**({"orderedBy": ordered_by} if ordered_by else {}))

    assert of_event(destination, event_of(1, NOW, **data), NOW).get("orderKey") == key


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_an_event_of_any_time_has_an_id_that_is_its_own_for_ever(year):
    destination, at = destination_of(), datetime(year, 6, 1, tzinfo=UTC)
    first, again = (of_event(destination, event_of(5, at), NOW + timedelta(days=day)) for day in (0, 1))

    assert first["refId"] == again["refId"]
    assert len(first["refId"]) == 26
    assert of_event(destination, event_of(6, at), NOW)["refId"] != first["refId"]
    assert of_event(destination_of(), event_of(5, at), NOW)["refId"] != first["refId"]
