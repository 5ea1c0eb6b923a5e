"""The collections of the live tail."""

from chancery.core.mongo.collections import Collection, Index
from chancery.live.models import LiveConnection, LiveLease

LIVE_CONNECTIONS = Collection(
    name="live_connections",
    model=LiveConnection,
    access={"writer": ("find", "insert", "update", "remove"), "pusher": ("find", "update", "remove")},
    indexes=(
        Index((("tenantId", 1), ("version", 1)), only_with="feeds"),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

LIVE_LEASES = Collection(
    name="live_leases",
    model=LiveLease,
    access={
        "writer": ("find", "insert", "update", "remove"),
        "pusher": ("find", "insert", "update", "remove"),
    },
    indexes=(Index((("tenantId", 1),), unique=True), Index((("expiresOn", 1),), expire_after=0)),
)

COLLECTIONS = (LIVE_CONNECTIONS, LIVE_LEASES)
