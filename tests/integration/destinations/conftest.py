"""Audit records and log lines in the real database, and the sources over them."""

import pytest

from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.core.formats.identifiers import ref_id_of_name
from chancery.destinations.sources.event_store import EventStore
from chancery.destinations.sources.events import EventSource
from chancery.destinations.sources.facts import Fact
from chancery.destinations.sources.feeds import audit_source, log_source
from chancery.logs.groups.occurrences import ErrorOccurrences
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.recorder import LogRecorder
from chancery.logs.sequence import LogSequence
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.live_log import LiveLog
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from tests.builders import NOON, record, writer
from tests.fakes import FakeObjects


@pytest.fixture
def audited(connect):
    """Stores an audit record for each name; its leaf waits for an index."""

    def store(*names, tenant_id="acme", **changes):
        for name in names:
            writer(connect("writer")).insert([record(tenant_id, resourceId=name, **changes)])

    return store


@pytest.fixture
def logged(connect):
    """Stores log lines of a kind, in one batch."""

    def store(*messages, kind="app", tenant_id="acme", **fields):
        stored = connect("writer")
        lines = LogLines(stored)
        recorder = LogRecorder(lines, LogSequence(stored, lines, sleep=lambda _: None), ErrorOccurrences(stored))
        incoming = [
            IncomingEntry(KINDS_BY_NAME[kind], {"message": text, **fields}, Defaults("tests", None, None, at), False)
            for at, text in enumerate(messages)
        ]
        recorder.record([ScopedEntry(EntryValidator().validate(item), tenant_id) for item in incoming])

    return store


@pytest.fixture
def audit(connect):
    """The source of audit records, as a function has it that sequences them."""
    stored = connect("pusher")
    log = LogStore(stored)
    live = LiveLog(log, Sequencer(stored, log), TileStorage(FakeObjects()))
    return audit_source(AuditLiveFeed(AuditStore(stored), live))


@pytest.fixture
def logs(connect):
    stored = connect("pusher")
    return log_source(LogLiveFeed(LogTail(stored, LogLines(stored))))


@pytest.fixture
def store(connect):
    """The store of platform events, as their consumer has it."""
    return EventStore(connect("writer"))


@pytest.fixture
def events(connect):
    """The source of platform events, as a run of deliveries has it."""
    return EventSource(EventStore(connect("deliverer")))


def fact(name, tenant_id="acme", **data):
    """A fact whose refId follows from its name."""
    ref_id = ref_id_of_name(f"{tenant_id} {name}")
    return Fact(tenant_id, ref_id, "exchange.completed", NOON, {"requestId": name, "tenantId": tenant_id, **data})
