"""Who asks for a run: one message for each destination that selects the source, and that no run serves."""

from datetime import timedelta

import orjson
import pytest

from chancery.core.aws.queue import ItemRef
from chancery.core.errors import Unavailable
from chancery.core.formats.times import now
from chancery.destinations.delivery.state_store import StateStore
from chancery.destinations.delivery.trigger import DeliveryTrigger
from tests.destinations import add_destination


class Queue:
    def __init__(self):
        self.sent = []
        self.is_away = False

    def send(self, body, delay_seconds=0):
        if self.is_away:
            raise Unavailable("away")
        self.sent.append(orjson.loads(body)["refId"])


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def seconds():
    return [100.0]


@pytest.fixture
def trigger(connect, queue, seconds):
    return DeliveryTrigger(StateStore(connect("writer")), queue, lambda: seconds[0])


def test_the_destinations_that_select_the_source_are_served(connect, trigger, queue):
    audit = add_destination(connect, events=["audit.*"])
    every = add_destination(connect, events=["*"])
    add_destination(connect, events=["log.error"])
    add_destination(connect, events=["audit.*"], tenantId="other")
    add_destination(connect, events=["audit.*"], enabled=False)
    add_destination(connect, events=["audit.*"], deletedOn=now())

    trigger.trigger("acme", "audit")
    trigger.trigger(None, "audit")

    assert sorted(queue.sent) == sorted([audit.ref_id, every.ref_id])


def test_a_destination_that_is_served_or_down_gets_no_other_run(connect, trigger, queue, seconds):
    served, down = add_destination(connect), add_destination(connect)
    trigger.states.leases.take(served.query, "token", None)
    later = now() + timedelta(minutes=5)
    connect("writer").destination_states.update_one(
        down.query, {"$set": {"breaker": {"failures": 5, "probeOn": later}}}
    )

    trigger.trigger("acme", "audit")
    assert queue.sent == []

    trigger.states.leases.release(served.query, "token")
    seconds[0] += 0.2
    trigger.trigger("acme", "audit")
    assert queue.sent == [served.ref_id]


def test_many_writes_at_once_ask_for_one_run_and_look_once(connect, trigger, queue, monkeypatch):
    item = add_destination(connect)
    looks = []
    real = trigger.states.served
    monkeypatch.setattr(trigger.states, "served", lambda *given: looks.append(given) or real(*given))

    for _ in range(10):
        trigger.trigger("acme", "audit")

    assert queue.sent == [item.ref_id]
    assert len(looks) == 1


def test_a_tenant_without_destinations_costs_no_round_trip(connect, trigger, monkeypatch):
    add_destination(connect, tenantId="other")
    trigger.trigger("acme", "audit")

    monkeypatch.setattr(trigger, "states", None)

    trigger.trigger("acme", "audit")


def test_a_new_destination_is_found_ten_seconds_later(connect, trigger, queue, seconds):
    trigger.trigger("acme", "audit")
    item = add_destination(connect)

    seconds[0] += 10
    trigger.trigger("acme", "audit")
    assert queue.sent == []

    seconds[0] += 0.1
    trigger.trigger("acme", "audit")
    assert queue.sent == [item.ref_id]


def test_a_message_that_is_not_sent_leaves_no_reservation(connect, trigger, queue):
    item = add_destination(connect)
    queue.is_away = True

    trigger.trigger("acme", "audit")

    assert not trigger.states.leases.is_held(item.query)
    with pytest.raises(Unavailable):
        trigger.start(item)
    queue.is_away = False
    trigger.start(ItemRef(*item))
    assert queue.sent == [item.ref_id]
