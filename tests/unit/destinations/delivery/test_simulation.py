"""Thousands of deliveries to receivers that fail and come back, by processes that end at any step.

`CHANCERY_SIMULATED_DELIVERIES=100000 pytest tests/unit/destinations/delivery/test_simulation.py` has 200 destinations.
"""

import os
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import quantiles

import pytest

from tests.deliveries import START, World
from tests.destinations import destination_of

EVENTS = int(os.environ.get("CHANCERY_SIMULATED_DELIVERIES", "4000"))
DESTINATIONS = max(16, min(200, EVENTS // 500))
OUTAGE = (START + timedelta(hours=1), START + timedelta(hours=7))
HOURS = 8.0
KEYS = 5


def add_destination(world, at, *, has_outages):
    """One of five webhooks is ordered, one of five destinations is a stream, half of those ordered, too."""
    tenant, ref_id = f"tenant-{at}", f"{at:026}"
    is_stream, has_order = at % 5 == 1, at % 5 == 2 or at % 10 == 1
    destination = destination_of(
        refId=ref_id,
        tenantId=tenant,
        createdOn=START,
        kind="datadog" if is_stream else "webhook",
        ratePerSecond=world.random.choice([2, 10, 50]),
        **({"orderedBy": "key"} if has_order else {}),
    )
    down = []
    if has_outages and at % 4 == 0:
        down = [OUTAGE]
    elif has_outages and at % 4 == 2:
        starts = [START + timedelta(minutes=world.random.randrange(int(HOURS * 60))) for _ in range(3)]
        down = [(begin, begin + timedelta(minutes=world.random.randrange(1, 30))) for begin in starts]
    world.subscribe(destination, down)
    return tenant


def simulated(seed, *, has_outages=True, crash_share=0.0):
    world = World(seed, crash_share)
    tenants = [add_destination(world, at, has_outages=has_outages) for at in range(DESTINATIONS)]
    for tenant in tenants:
        seconds = sorted(world.random.random() * HOURS * 3600 for _ in range(EVENTS // DESTINATIONS))
        for second in seconds:
            world.write(tenant, START + timedelta(seconds=second), key=world.random.randrange(KEYS))
    world.run(START + timedelta(hours=HOURS + 4))
    return world


@pytest.fixture(scope="module", params=[int(text) for text in os.environ.get("CHANCERY_SEEDS", "1").split(",")])
def world(request):
    return simulated(request.param, crash_share=0.05)


@pytest.fixture(scope="module")
def quiet_world():
    """Without crashes."""
    return simulated(7)


def test_each_event_is_in_one_delivery_that_ended_or_is_pending(world):
    statuses = Counter(delivery["status"] for delivery in world.deliveries.stored.values())

    assert set(statuses) <= {"delivered", "pending", "blocked", "failed"}
    assert statuses["delivered"] > 0.98 * statuses.total()
    assert world.crashes > 20
    in_deliveries = Counter(
        (delivery["tenantId"], item["sequence"])
        for delivery in world.deliveries.stored.values()
        for item in delivery["items"]
    )
    assert set(in_deliveries.values()) == {1}
    assert in_deliveries.total() == sum(map(len, world.source.stored.values()))


def test_nothing_is_delivered_twice_with_a_new_id_and_what_was_delivered_arrived(world):
    for receiver in world.receivers.values():
        ids = defaultdict(set)
        for _, delivery_id, sequences in receiver.got:
            for sequence in sequences:
                ids[sequence].add(delivery_id)
        assert all(len(found) == 1 for found in ids.values())
        own = [d for d in world.deliveries.stored.values() if d["destinationId"] == receiver.destination["refId"]]
        arrived = {delivery_id for _, delivery_id, _ in receiver.got}
        assert {delivery["refId"] for delivery in own if delivery["status"] == "delivered"} <= arrived


def test_what_is_ordered_arrives_in_order(world):
    for ref_id, receiver in world.receivers.items():
        if "orderedBy" not in receiver.destination:
            continue
        events = world.source.stored[receiver.destination["tenantId"]]
        last = defaultdict(int)
        arrived = set()
        for _, _, sequences in receiver.got:
            for sequence in sequences:
                is_stream = receiver.destination["kind"] == "datadog"
                key = None if is_stream else events[sequence - 1].data["key"]
                if sequence not in arrived:  # the first time; a repetition may come later
                    assert sequence > last[key], (ref_id, sequence)
                    last[key] = sequence
                    arrived.add(sequence)


def test_no_receiver_gets_more_than_its_rate_also_when_it_comes_back(world):
    for receiver in world.receivers.values():
        each = timedelta(seconds=1) / receiver.destination["ratePerSecond"]
        spent = START
        for moment in sorted(receiver.asked):
            spent = max(spent, moment) + each
            assert spent - moment <= timedelta(seconds=1) + timedelta(milliseconds=1)


def test_a_receiver_that_is_down_gets_few_requests_and_costs_few_documents(world):
    for receiver in world.receivers.values():
        for begin, end in receiver.down:
            got = [moment for moment in receiver.asked if begin <= moment < end]
            assert len(got) <= 45 + (end - begin) / timedelta(minutes=25)


def test_a_destination_catches_up_after_six_hours(quiet_world):
    for receiver in quiet_world.receivers.values():
        if receiver.down != [OUTAGE]:
            continue
        events = quiet_world.source.stored[receiver.destination["tenantId"]]
        waiting = {event.item.sequence for event in events if OUTAGE[0] <= event.occurred_on < OUTAGE[1]}
        in_time = OUTAGE[1] + timedelta(minutes=35) + len(waiting) * timedelta(seconds=2)
        arrived = {sequence for moment, _, sequences in receiver.got if moment <= in_time for sequence in sequences}
        assert waiting <= arrived


def test_others_are_not_delayed_by_receivers_that_are_down(quiet_world):
    calm = simulated(7, has_outages=False)

    assert _delay(quiet_world) <= _delay(calm) * 1.2


def _delay(world):
    """The 95th percentile of the seconds in which webhooks that are never down get an event."""
    delays = []
    for at, receiver in enumerate(world.receivers.values()):
        if at % 2 == 0 or receiver.destination["kind"] != "webhook":
            continue
        events = world.source.stored[receiver.destination["tenantId"]]
        for moment, _, (sequence,) in receiver.got:
            delays.append((moment - events[sequence - 1].occurred_on).total_seconds())
    return quantiles(delays, n=20)[-1]
