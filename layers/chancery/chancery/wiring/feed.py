"""Wires the feed to the deployment, once an execution environment."""

from functools import cache

from chancery.core.web.changes import ChangeTrail
from chancery.destinations.feed.reader import FeedReader
from chancery.destinations.feed.service import ConsumerEditor, Feed
from chancery.destinations.feed.store import ConsumerStore
from chancery.wiring.audit import database, trail
from chancery.wiring.event_sources import sources


@cache
def feed() -> Feed:
    return Feed(FeedReader(sources()), ConsumerStore(database()), trail())


@cache
def editor() -> ConsumerEditor:
    changes = ChangeTrail(trail(), "feed_consumer", ("name",))
    return ConsumerEditor(FeedReader(sources()), ConsumerStore(database()), trail(), changes)
