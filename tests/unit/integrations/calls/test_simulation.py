"""Thousands of calls to systems that fail and come back, by processes that end at any step.

`CHANCERY_SIMULATED_CALLS=100000 pytest tests/unit/integrations/calls/test_simulation.py` runs as many.
"""

import os
from collections import Counter
from datetime import timedelta

import pytest

from tests.managed_calls import START, ExternalWorld, World, call_of, target_of

CALLS = int(os.environ.get("CHANCERY_SIMULATED_CALLS", "4000"))
HOURS = max(1.0, CALLS / 20_000)


def system(code, world_random):
    """A system with its limits, and times at which it is down."""
    policy = {"maxAttempts": world_random.choice([1, 3, 6]), "maxDelayMs": world_random.choice([10_000, 3_600_000])}
    rate = world_random.choice([None, {"requests": 2, "burst": 5}, {"requests": 30, "perSeconds": 60, "burst": 1}])
    target = target_of(
        code,
        retryPolicy=policy | {"initialDelayMs": world_random.choice([100, 5_000])},
        rateLimit=rate,
        deadlineSeconds=world_random.choice([600, 7_200]),
        breaker={"consecutiveFailures": 5, "openSeconds": 30},
    )
    starts = [START + timedelta(minutes=world_random.randrange(int(HOURS * 60))) for _ in range(3)]
    return ExternalWorld(target, [(at, at + timedelta(minutes=world_random.randrange(1, 20))) for at in starts])


def simulated(seed):
    world = World({}, seed, crash_share=0.05)
    world.systems |= {f"s{at}": system(f"s{at}", world.random) for at in range(20)}
    for at in range(CALLS):
        code = world.random.choice(list(world.systems))
        moment = START + timedelta(seconds=world.random.random() * HOURS * 3600)
        call_id = f"{at:026}"

        def request(call_id=call_id, code=code):
            world.request(call_of(call_id, world.systems[code].target, world.now))

        world.at(moment, request)
        if world.random.random() < 0.02:
            later = moment + timedelta(seconds=world.random.random() * 120)
            world.at(later, lambda call_id=call_id: world.cancel(call_id))
    world.run(START + timedelta(hours=HOURS + 6))
    return world


@pytest.fixture(scope="module", params=[int(text) for text in os.environ.get("CHANCERY_SEEDS", "1,2").split(",")])
def world(request):
    return simulated(request.param)


def test_every_call_ends(world):
    statuses = Counter(call["status"] for call in world.calls.values())

    assert statuses.total() == CALLS
    assert set(statuses) <= {"succeeded", "failed", "timed_out", "cancelled"}
    assert statuses["succeeded"] > CALLS / 2
    assert world.crashes > CALLS / 50


def test_nothing_is_sent_that_is_not_logged_and_nothing_twice_under_one_id(world):
    assert len(set(world.sends)) == len(world.sends)
    assert set(world.sends) <= world.log.keys()
    assert not [request_id for request_id, logged in world.log.items() if logged["status"] == "PENDING"]


def test_a_call_that_succeeded_has_a_successful_attempt_and_no_other_has(world):
    successful = {request_id.partition("-")[0] for request_id, log in world.log.items() if log["status"] == "SUCCESS"}

    assert successful == {call_id for call_id, call in world.calls.items() if call["status"] == "succeeded"}


def test_attempts_are_numbered_and_linked_without_a_gap(world):
    for request_id, logged in world.log.items():
        call_id, _, number = request_id.partition("-")
        if number:
            assert logged["parent"] == (call_id if number == "2" else f"{call_id}-{int(number) - 1}")
        assert int(number or 1) <= world.calls[call_id]["allowed"]


def test_no_system_gets_more_than_its_rate_also_when_it_comes_back(world):
    for external in world.systems.values():
        rate = external.target.system.rate_limit
        if rate is None:
            continue
        each = timedelta(seconds=rate.per_seconds / rate.requests)
        spent = START
        for moment in external.sent:
            spent = max(spent, moment) + each
            assert spent - moment <= rate.burst * each + timedelta(milliseconds=1)


def test_a_system_that_is_down_gets_few_requests(world):
    for external in world.systems.values():
        for begin, end in external.down:
            got = [moment for moment in external.sent if begin <= moment < end]
            probes = (end - begin) / timedelta(seconds=30) + 1
            assert len(got) <= 5 + 60 + probes  # what trips it, what was under way, one probe each 30 s
