"""Wires the sources of events, for whoever reads them: deliveries, the API of destinations, the feed."""

from collections.abc import Mapping
from functools import cache

from chancery.audit.feed import RecordSequence
from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.destinations.events import SourceName
from chancery.destinations.ports import Source
from chancery.destinations.sources.event_store import EventStore
from chancery.destinations.sources.events import EventSource
from chancery.destinations.sources.feeds import audit_source, log_source
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.store import LogStore
from chancery.wiring.audit import database


@cache
def sources() -> Mapping[SourceName, Source]:
    """For functions that change no log: audit records come once the sealer has given them their place."""
    return sources_of(LogStore(database()))


def sources_of(log: RecordSequence) -> Mapping[SourceName, Source]:
    """Every source. `log`: the order of audit records, which may sequence those that wait."""
    stored = database()
    return {
        "audit": audit_source(AuditLiveFeed(AuditStore(stored), log)),
        "logs": log_source(LogLiveFeed(LogTail(stored, LogLines(stored)))),
        "events": EventSource(EventStore(stored)),
    }
