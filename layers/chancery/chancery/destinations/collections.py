"""Destinations in MongoDB: collections, indexes, list projections, rights."""

from chancery.core.mongo.collections import Collection, Index
from chancery.destinations.models import Delivery, Destination, DestinationState

_NEWEST = (("createdOn", -1), ("refId", -1))

DESTINATION_FIELDS = (
    *("refId", "tenantId", "createdBy", "createdOn", "version", "updatedBy", "updatedOn"),
    *("kind", "name", "url", "events", "filter", "format", "headerNames", "enabled", "disabledReason", "disabledOn"),
    *("orderedBy", "signing", "publicKey", "alert", "ratePerSecond", "maxAgeSeconds", "roleArn", "options"),
)
DELIVERY_FIELDS = (
    *("refId", "tenantId", "createdBy", "createdOn", "destinationId", "kind", "source", "first", "last", "types"),
    *(
        "orderKey",
        "status",
        "reason",
        "round",
        "attempt",
        "retries",
        "dueOn",
        "responseStatus",
        "lastError",
        "rejected",
        "endedOn",
    ),
)

DESTINATIONS = Collection(
    name="destinations",
    model=Destination,
    list_fields=DESTINATION_FIELDS,
    access={
        "writer": ("find", "insert", "update"),
        "reader": ("find",),
        "sealer": ("find",),
        "deliverer": ("find", "update"),
    },
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("name", 1), ("deletedOn", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index(_NEWEST),
        Index((("enabled", 1), ("tenantId", 1)), only_where={"enabled": True}),
    ),
)

DESTINATION_STATES = Collection(
    name="destination_states",
    model=DestinationState,
    access={
        "writer": ("find", "insert", "update"),
        "reader": ("find",),
        "sealer": ("find", "update"),  # reserves leases, to have new records delivered
        "deliverer": ("find", "update"),
    },
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("wakeOn", 1),), only_with="wakeOn"),
        Index((("lease.expiresOn", 1),), only_with="lease"),
    ),
)

DELIVERIES = Collection(
    name="deliveries",
    model=Delivery,
    list_fields=DELIVERY_FIELDS,
    retention_days=30,  # after its end
    expiry_field="expiresOn",
    access={"writer": ("find", "insert", "update"), "reader": ("find",), "deliverer": ("find", "insert", "update")},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("destinationId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("destinationId", 1), ("status", 1), *_NEWEST)),
        # What is to be sent next, and what waits for it.
        Index((("tenantId", 1), ("destinationId", 1), ("status", 1), ("dueOn", 1), ("first", 1))),
        Index((("tenantId", 1), ("destinationId", 1), ("orderKey", 1), ("first", 1)), only_where={"status": "blocked"}),
    ),
)

COLLECTIONS = (DESTINATIONS, DESTINATION_STATES, DELIVERIES)
