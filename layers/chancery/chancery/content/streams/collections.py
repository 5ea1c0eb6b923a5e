"""The collection of activity streams: one small document for each delta, so that an append rewrites nothing."""

from chancery.content.streams.models import StreamDelta
from chancery.core.mongo.collections import Collection, Index

ACTIVITY_STREAMS = Collection(
    name="activity_streams",
    model=StreamDelta,
    retention_days=1,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1), ("activityId", 1), ("sequence", 1)), unique=True),),
)

COLLECTIONS = (ACTIVITY_STREAMS,)
