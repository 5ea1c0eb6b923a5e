"""The machine of a call: what each event makes of each state."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.integrations.calls.machine import (
    Admit,
    Admitted,
    CallState,
    CancelRequested,
    Finished,
    Held,
    Nothing,
    NotPossible,
    Recover,
    Refused,
    RetryRequested,
    Send,
    Wake,
    Woken,
    step,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER, DEADLINE = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)
WAITING = CallState("waiting", 0, 3, NOW, DEADLINE)
ATTEMPTING = WAITING._replace(status="attempting", attempt=1, due_on=LATER)
ENDED = [
    WAITING._replace(status=status, due_on=None, attempt=1)
    for status in ("succeeded", "failed", "timed_out", "cancelled")
]


def test_a_waiting_call_is_admitted_when_it_is_due():
    assert step(WAITING, Woken(NOW)) == (WAITING, Admit())


def test_a_message_that_comes_early_is_ignored_and_one_by_a_moment_is_sent_again():
    waiting = WAITING._replace(due_on=LATER)

    assert step(waiting, Woken(NOW)) == (waiting, Nothing())
    assert step(waiting, Woken(LATER - timedelta(seconds=1))) == (waiting, Wake(LATER))


def test_an_admitted_call_begins_its_next_attempt():
    state, effect = step(WAITING, Admitted(LATER))

    assert (state.status, state.attempt, state.due_on, effect) == ("attempting", 1, LATER, Send(1))


def test_a_second_message_does_nothing_while_an_attempt_may_be_under_way():
    assert step(ATTEMPTING, Woken(NOW)) == (ATTEMPTING, Nothing())


def test_an_attempt_whose_lease_is_over_is_recovered():
    assert step(ATTEMPTING, Woken(LATER)) == (ATTEMPTING, Recover(1))


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (Finished(True, "http_201"), "succeeded"),
        (Finished(False, "http_422"), "failed"),
        (Finished(False, "http_503", LATER), "waiting"),
        (Finished(False, "http_503", DEADLINE), "timed_out"),
        (Refused("endpoint_deleted"), "failed"),
    ],
)
def test_an_attempt_that_ends(event, status):
    state, _ = step(ATTEMPTING, event)

    assert (state.status, state.reason) == (status, event.reason)


def test_the_last_attempt_is_not_repeated():
    assert step(ATTEMPTING._replace(attempt=3), Finished(False, "http_503", LATER))[0].status == "failed"


def test_a_call_is_held_until_its_turn_but_not_beyond_its_deadline():
    assert step(WAITING, Held(LATER, "rate_limited")) == (
        WAITING._replace(due_on=LATER, reason="rate_limited"),
        Wake(LATER),
    )
    assert step(WAITING, Held(DEADLINE, "rate_limited"))[0].status == "timed_out"


def test_a_call_past_its_deadline_times_out_with_what_it_waited_for():
    state, _ = step(WAITING._replace(reason="breaker_open"), Woken(DEADLINE))

    assert (state.status, state.reason) == ("timed_out", "breaker_open")


def test_cancelling_ends_a_waiting_call_and_lets_an_attempt_finish():
    assert step(WAITING, CancelRequested())[0].status == "cancelled"
    cancelling, _ = step(ATTEMPTING, CancelRequested())

    assert step(cancelling, Finished(True, "http_201"))[0].status == "succeeded"
    assert step(cancelling, Finished(False, "http_503", LATER))[0].status == "cancelled"


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_call_stays_ended(state):
    assert step(state, Woken(DEADLINE)) == (state, Nothing())
    with pytest.raises(NotPossible):
        step(state, CancelRequested())


@pytest.mark.parametrize("state", ENDED[1:])
def test_an_ended_call_is_tried_again_on_request(state):
    again, effect = step(state, RetryRequested(NOW, 3, DEADLINE))

    assert (again.status, again.allowed, effect) == ("waiting", 4, Wake(NOW))


@pytest.mark.parametrize("state", [ATTEMPTING, ENDED[0]])
def test_a_call_that_is_sent_or_has_succeeded_is_not_tried_again(state):
    with pytest.raises(NotPossible):
        step(state, RetryRequested(NOW, 3, DEADLINE))


MOMENTS = st.integers(0, 7200).map(lambda seconds: NOW + timedelta(seconds=seconds))
EVENTS = st.one_of(
    st.builds(Woken, MOMENTS),
    st.builds(Held, MOMENTS, st.just("rate_limited")),
    st.builds(Admitted, MOMENTS),
    st.builds(Finished, st.booleans(), st.just("http"), st.none() | MOMENTS),
    st.just(CancelRequested()),
    st.builds(RetryRequested, MOMENTS, st.integers(1, 3), MOMENTS),
)


@given(st.lists(EVENTS, max_size=30))
def test_no_history_leaves_a_call_without_a_time_or_beyond_its_attempts(events):
    state = WAITING
    for event in events:
        if isinstance(event, Held | Admitted) and state.status != "waiting":
            continue
        if isinstance(event, Finished) and state.status != "attempting":
            continue
        if isinstance(event, Admitted) and state.attempt >= state.allowed:
            continue
        try:
            state, effect = step(state, event)
        except NotPossible:
            continue
        assert (state.due_on is not None) == state.is_active
        assert state.attempt <= state.allowed
        if state.status == "waiting" and state.attempt >= state.allowed:
            raise AssertionError("waits for an attempt that it may not make")
        if isinstance(effect, Send):
            assert (state.status, state.attempt) == ("attempting", effect.attempt)
