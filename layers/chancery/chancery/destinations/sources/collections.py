"""Platform events in MongoDB."""

from chancery.core.mongo.collections import Collection, Index
from chancery.destinations.sources.models import EventFollower, TenantEvent, TenantEventCounter

EVENT_DAYS = 30

TENANT_EVENTS = Collection(
    name="tenant_events",
    model=TenantEvent,
    retention_days=EVENT_DAYS,
    access={"writer": ("find", "insert"), "reader": ("find",), "deliverer": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("sequence", 1)), unique=True),
        Index((("tenantId", 1), ("refId", 1)), unique=True),
    ),
)

TENANT_EVENT_COUNTERS = Collection(
    name="tenant_event_counters",
    model=TenantEventCounter,
    access={"writer": ("find", "insert", "update"), "reader": ("find",), "deliverer": ("find",)},
    indexes=(Index((("tenantId", 1),), unique=True),),
)

# Whoever reads events says so: storing them for every tenant would cost more than all that is read of them.
EVENT_FOLLOWERS = Collection(
    name="event_followers",
    model=EventFollower,
    retention_days=EVENT_DAYS,  # after its tenant read events last
    expiry_field="expiresOn",
    access={
        "writer": ("find", "insert", "update"),
        "reader": ("find", "insert", "update"),
        "deliverer": ("find", "insert", "update"),
    },
    indexes=(Index((("tenantId", 1),), unique=True),),
)

COLLECTIONS = (TENANT_EVENTS, TENANT_EVENT_COUNTERS, EVENT_FOLLOWERS)
