"""Whatever a host writes, intake accepts it or the client counts it as rejected."""

import math
import string
from dataclasses import make_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Address

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from chancery.audit.ingest import EventValidator, IncomingEvent
from chancery_client import AuditClient
from chancery_client.event_fields import event_fields

NAMES = (*event_fields().by_name, "actor_id", "order_id", "password", "_degraded", "a\0b", "__class__")
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(), max_size=20),  # with lone surrogates
    st.text(string.printable + "\0\x01\x7f\x9f\u200b\u202e", max_size=20),
    st.sampled_from(
        ["", "4111111111111111", "Bearer mF_9.B5f-4.1JqM", "platform", "null", "[REDACTED]", "e\u0301", "-"]
    ),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=3), st.sampled_from([100, 513, 10_001])),
    st.ip_addresses().map(str),
    st.datetimes().map(str),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**53, -(2**63), 2**64, 10**400, math.inf, math.nan, 1e308, -0.0]),
    st.floats(),
    TEXTS,
    st.binary(max_size=20),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.dates(),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.uuids(),
    st.ip_addresses(),
    st.builds(object),
    st.sampled_from([ValueError("x"), int, print, IPv4Address("192.0.2.1")]),
)
NAMED = st.sampled_from(["$ref", "$id", "_id", "", "a.b", "$set", "password"])
KEYS = st.one_of(TEXTS, NAMED, SCALARS.filter(lambda key: not (isinstance(key, Decimal) and key.is_snan())))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.frozensets(st.integers() | st.text(max_size=5), max_size=3),
        inner.map(lambda value: make_dataclass("Data", ["value"])(value)),
    ),
    max_leaves=12,
)
PLAUSIBLE = st.fixed_dictionaries(
    {
        "action": st.just("post.approved"),
        "resourceType": st.just("post"),
        "actorId": st.just("u"),
        "resourceId": st.just("r"),
    }
)
EVENTS = st.builds(
    lambda plain, odd: plain | odd,
    st.one_of(PLAUSIBLE, st.just({})),
    st.dictionaries(st.sampled_from(NAMES) | KEYS, VALUES, max_size=6),
)


class AcceptingBus:
    def __init__(self):
        self.details = []

    def __call__(self, Entries):
        self.details += [orjson.loads(entry["Detail"]) for entry in Entries]
        return {"Entries": [{} for _ in Entries]}


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_each_event_is_accepted_by_intake_or_counted_as_rejected(events):
    bus = AcceptingBus()
    client = AuditClient("bus", linger=0, put_events=bus)

    for event in events:
        client.write(event)
    assert client.flush(60)
    client.close()

    stats = client.stats
    assert stats.accepted == len(events) == stats.sent + stats.rejected
    for detail in bus.details:
        EventValidator(lambda: datetime.now(UTC)).validate(IncomingEvent(detail))
    assert len(bus.details) == stats.sent


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([name for name in NAMES if name not in ("action", "resourceType", "tenantId")]), VALUES
    )
)
def test_an_event_with_a_valid_tenant_and_action_is_never_rejected(fields):
    bus = AcceptingBus()
    client = AuditClient("bus", linger=0, put_events=bus)

    client.write({"action": "post.approved", "resourceType": "post", "tenantId": "acme"} | fields)
    assert client.flush(60)
    client.close()

    (detail,) = bus.details
    EventValidator(lambda: datetime.now(UTC)).validate(IncomingEvent(detail))
