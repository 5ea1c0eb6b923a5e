"""Wires the sources of events and the feed to the deployment, once an execution environment."""

from collections.abc import Mapping
from functools import cache

from chancery.audit.feed import RecordSequence
from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.core.web.changes import ChangeTrail
from chancery.destinations.events import SourceName
from chancery.destinations.feed.reader import FeedReader
from chancery.destinations.feed.service import ConsumerEditor, Feed
from chancery.destinations.feed.store import ConsumerStore
from chancery.destinations.ports import Source
from chancery.destinations.sources.event_store import EventStore
from chancery.destinations.sources.events import EventSource
from chancery.destinations.sources.feeds import audit_source, log_source
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.store import LogStore
from chancery.wiring.audit import database, trail


def sources_of(log: RecordSequence) -> Mapping[SourceName, Source]:
    """Every source of events. `log`: the order of audit records, which may sequence those that wait."""
    stored = database()
    return {
        "audit": audit_source(AuditLiveFeed(AuditStore(stored), log)),
        "logs": log_source(LogLiveFeed(LogTail(stored, LogLines(stored)))),
        "events": EventSource(EventStore(stored)),
    }


@cache
def reader() -> FeedReader:
    """For functions that change no log: audit records come once the sealer has given them their place."""
    return FeedReader(sources_of(LogStore(database())))


@cache
def feed() -> Feed:
    return Feed(reader(), ConsumerStore(database()), trail())


@cache
def editor() -> ConsumerEditor:
    changes = ChangeTrail(trail(), "feed_consumer", ("name",))
    return ConsumerEditor(reader(), ConsumerStore(database()), trail(), changes)
