"""Consumers of feeds in MongoDB."""

from chancery.core.mongo.collections import Collection, Index
from chancery.destinations.feed.models import FeedConsumer

FEED_CONSUMERS = Collection(
    name="feed_consumers",
    model=FeedConsumer,
    access={"writer": ("find", "insert", "update", "remove"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1), ("name", 1)), unique=True),),
)

COLLECTIONS = (FEED_CONSUMERS,)
