"""Platform events: numbered without a gap whatever happens, each once, for the tenants that follow them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pymongo.collection import Collection

from chancery.core.formats.times import now
from chancery.destinations.sources.collections import EVENT_DAYS
from chancery.destinations.sources.event_store import EventStore
from chancery.destinations.sources.events import EventSource
from tests.crashes import crashing
from tests.integration.destinations.conftest import fact

STEPS = ((Collection, ("find_one_and_update", "insert_many")),)


@pytest.fixture
def numbered(events):
    """The events of a tenant beyond a number: (sequence, name)."""
    return lambda after=0, tenant_id="acme": [
        (event.item.sequence, event.data["requestId"]) for event in events.after(tenant_id, after, 500).events
    ]


def test_events_have_the_numbers_from_one_per_tenant(store, events, numbered):
    assert store.add("acme", [fact("a"), fact("b")]) == 2
    assert store.add("globex", [fact("x", "globex")]) == 1
    assert store.add("acme", [fact("c")]) == 1

    assert numbered() == [(1, "a"), (2, "b"), (3, "c")]
    assert numbered(2) == [(3, "c")]
    assert numbered(tenant_id="globex") == [(1, "x")]
    assert (events.last("acme"), events.last("globex"), events.last("initech")) == (3, 1, 0)


def test_repetitions_take_no_number(store, numbered):
    store.add("acme", [fact("a"), fact("a"), fact("b")])

    assert store.add("acme", [fact("b"), fact("a")]) == 0
    assert store.add("acme", [fact("b"), fact("c")]) == 1
    assert numbered() == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("place", [1, 2])
def test_a_kill_at_any_step_leaves_no_gap(store, numbered, place, before):
    store.add("acme", [fact("a")])
    with crashing(place, STEPS, before=before) as steps:
        store.add("acme", [fact("b"), fact("c")])
    assert steps["crashed"] == 1
    assert numbered() == [(1, "a")]  # all of a batch or none of it

    store.add("acme", [fact("d")])
    store.add("acme", [fact("b"), fact("c")])  # the message is delivered again

    assert numbered() == [(1, "a"), (2, "d"), (3, "b"), (4, "c")]


def test_consumers_at_once_number_each_event_once(connect, numbered):
    """Each event is stored by two of four consumers; the tenant's first events among them."""
    names = [f"{place:02}" for place in range(24)]

    def consume(consumer):
        own = EventStore(connect("writer"))
        for at in range(0, len(names), 2):
            place = (at + 6 * (consumer // 2)) % len(names)
            own.add("acme", [fact(name) for name in names[place : place + 2]])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(consume, range(4)))

    found = numbered()
    assert [number for number, _ in found] == [*range(1, len(names) + 1)]
    assert sorted(name for _, name in found) == names


def test_items_are_read_again_as_the_same_events(store, events):
    store.add("acme", [fact("a"), fact("b")])
    first, second = events.after("acme", 0, 10).events

    assert events.get("acme", [second.item, first.item]) == [second, first]
    assert events.get("globex", [first.item]) == []
    assert first.source == "events"
    assert first.type == "exchange.completed"
    assert first.data == {"requestId": "a", "tenantId": "acme"}


def test_expired_events_are_missed_and_their_numbers_are_not_given_again(connect, numbered, events):
    long_ago = now() - timedelta(days=EVENT_DAYS, minutes=1)
    EventStore(connect("writer"), clock=lambda: long_ago).add("acme", [fact("a"), fact("b")])
    page = events.after("acme", 0, 10)
    assert (page.events, page.last, page.missed) == ([], 2, (1, 2))

    connect("admin").tenant_events.delete_many({})  # as the TTL index does
    EventStore(connect("writer")).add("acme", [fact("c")])

    page = events.after("acme", 0, 10)
    assert numbered() == [(3, "c")]
    assert (page.last, page.missed) == (3, (1, 2))
    assert events.after("acme", 2, 10).missed is None


def test_a_page_ends_at_its_last_event(store, events):
    store.add("acme", [fact(name) for name in "abc"])

    page = events.after("acme", 0, 2)

    assert [event.item.sequence for event in page.events] == [1, 2]
    assert (page.last, page.missed) == (2, None)


def test_a_tenant_follows_from_its_first_reading_until_nobody_has_read_for_long(connect, store):
    moment = [now()]
    monotonic = [0.0]
    reading = EventSource(EventStore(connect("reader"), clock=lambda: moment[0], monotonic=lambda: monotonic[0]))
    assert store.following(["acme", "globex"]) == set()

    reading.last("acme")
    assert store.following(["acme", "globex"]) == {"acme"}

    def is_followed(days):
        later = EventStore(connect("writer"), clock=lambda: now() + timedelta(days=days))
        return later.following(["acme"]) == {"acme"}

    assert is_followed(EVENT_DAYS - 1)
    assert not is_followed(EVENT_DAYS + 1)
    moment[0] += timedelta(days=2)
    monotonic[0] += 2 * 86_400
    reading.after("acme", 0, 10)
    assert is_followed(EVENT_DAYS + 1)


def test_a_process_writes_once_an_hour_that_a_tenant_follows(connect):
    monotonic = [0.0]
    reading = EventSource(EventStore(connect("reader"), monotonic=lambda: monotonic[0]))
    reading.last("acme")
    connect("admin").event_followers.delete_many({})

    reading.last("acme")
    assert connect("admin").event_followers.count_documents({}) == 0
    monotonic[0] = 3601.0
    reading.after("acme", 0, 10)

    assert connect("admin").event_followers.count_documents({"tenantId": "acme"}) == 1
