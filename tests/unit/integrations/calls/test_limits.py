"""The circuit breaker, and what answers and errors mean."""

from datetime import UTC, datetime, timedelta

import pytest

from chancery.core.outbound import errors
from chancery.core.outbound.retry_after import retry_after_of
from chancery.integrations.calls import admission, breaker
from chancery.integrations.calls.breaker import CLOSED
from chancery.integrations.calls.outcomes import delay_before, of_answer, of_error
from chancery.integrations.registry.models import Target
from chancery.integrations.registry.policies import BreakerPolicy, RetryPolicy
from tests.managed_calls import target_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = BreakerPolicy.model_validate(
    {"failurePercent": 50, "windowCalls": 10, "minimumCalls": 4, "consecutiveFailures": 3, "openSeconds": 60}
)
LEASE = NOW + timedelta(minutes=6)


def after(*outcomes, state=CLOSED):
    for failed in outcomes:
        state = breaker.record(state, "a", failed, NOW, POLICY)
    return state


@pytest.mark.parametrize(
    ("outcomes", "name"),
    [
        ([True, True], "closed"),
        ([True, True, True], "open"),
        ([True, None, True, None, True], "open"),
        ([True, False, True], "closed"),
        ([True, False, False, True], "open"),
        ([False] * 8 + [True, True], "closed"),
        ([True, False] * 5, "open"),
    ],
)
def test_it_opens_at_a_share_of_failures_or_after_some_in_a_row(outcomes, name):
    assert after(*outcomes).name == name


def test_it_is_open_for_a_while_and_lets_one_probe_through():
    opened, then = after(True, True, True), NOW + timedelta(seconds=60)

    assert breaker.held_until(opened, NOW) == then
    assert breaker.admit(opened, "b", NOW, LEASE) is None
    probing = breaker.admit(opened, "b", then, LEASE)
    assert probing.name == "half_open"
    assert breaker.held_until(probing, then) == LEASE
    assert breaker.admit(probing, "c", then, LEASE) is None
    assert breaker.admit(probing, "c", LEASE, LEASE).probe == "c"


@pytest.mark.parametrize(("failed", "name"), [(True, "open"), (False, "closed"), (None, "open")])
def test_the_probe_closes_it_or_opens_it_again(failed, name):
    probing = breaker.admit(after(True, True, True), "b", NOW + timedelta(seconds=60), LEASE)

    done = breaker.record(probing, "b", failed, NOW + timedelta(seconds=61), POLICY)

    assert (done.name, done.probe) == (name, None)


def test_attempts_from_before_do_not_count_while_it_is_open():
    opened = after(True, True, True)

    assert breaker.record(opened, "old", False, NOW, POLICY) == opened


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, ("SUCCESS", False, False)),
        (302, ("FAILED", False, False)),
        (404, ("FAILED", False, False)),
        (429, ("FAILED", True, None)),
        (500, ("FAILED", True, True)),
        (501, ("FAILED", False, True)),
    ],
)
def test_an_answers_status_says_what_follows(status, expected):
    outcome = of_answer(target_of(), status, (), NOW)

    assert (outcome.status, outcome.is_retryable, outcome.is_down) == expected


def test_statuses_of_success_may_be_others():
    assert of_answer(target_of(endpoint={"successStatuses": [404]}), 404, (), NOW).is_success


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.ReadTimedOut, ("TIMEOUT", True, True)),
        (errors.ConnectTimedOut, ("TIMEOUT", True, True)),
        (errors.ConnectFailed, ("FAILED", True, True)),
        (errors.CertificateInvalid, ("FAILED", True, True)),
        (errors.ConnectionReset, ("FAILED", True, True)),
        (errors.AddressRefused, ("FAILED", False, None)),
        (errors.BodyTooLarge, ("FAILED", False, False)),
    ],
)
def test_an_error_says_what_follows(error, expected):
    outcome = of_error(error("x"), RetryPolicy.model_validate({}))

    assert (outcome.status, outcome.is_retryable, outcome.is_down) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999999999", 604_800),
        ("Sun, 01 Mar 2026 00:01:00 GMT", 60),
        ("Sat, 28 Feb 2026 00:00:00 GMT", 0),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text, seconds):
    found = retry_after_of([("retry-after", text)], NOW)

    assert found == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("attempt", "retry_after", "chance", "seconds"),
    [
        (1, None, 1.0, 1),
        (2, None, 1.0, 2),
        (5, None, 1.0, 10),
        (3, None, 0.5, 2),
        (1, 0.5, 1.0, 1),
        (1, 30, 0.0, 30),
        (1, 30, 1.0, 31),
    ],
)
def test_the_delay_grows_and_is_not_before_retry_after(attempt, retry_after, chance, seconds):
    policy = RetryPolicy.model_validate({"initialDelayMs": 1000, "multiplier": 2, "maxDelayMs": 10_000})
    after = None if retry_after is None else timedelta(seconds=retry_after)

    assert delay_before(policy, attempt, after, lambda: chance) == timedelta(seconds=seconds)


@pytest.mark.parametrize("year", ["99999999999", "9" * 40])
def test_a_retry_after_of_a_year_that_no_calendar_has_is_none(year):
    assert retry_after_of([("retry-after", f"Mon, 01 Jan {year} 00:00:00 GMT")], NOW) is None


@pytest.mark.parametrize("attempt", [21, 400, 9999])
def test_the_delay_of_a_call_that_was_tried_again_many_times_is_the_longest_one(attempt):
    policy = RetryPolicy.model_validate({"multiplier": 10, "jitter": "none"})

    assert delay_before(policy, attempt, None, lambda: 1.0) == timedelta(minutes=1)


def test_the_rate_limits_of_no_two_tenants_are_one():
    target = target_of("b", rateLimit={"requests": 1}, endpoint={"code": "c", "rateLimit": {"requests": 1}})
    other = Target(target.system.model_copy(update={"tenant_id": "acme/b", "code": "c"}), target.endpoint)

    keys = [{key for key, _ in admission.limits_of(each)} for each in (target, other)]

    assert len(keys[0]) == 2 and not keys[0] & keys[1]
