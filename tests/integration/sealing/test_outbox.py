"""One outbox entry drives leaf and event: each record is sealed once and published, through crashes and outages."""

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chancery.audit.ingest import EventValidator, IncomingEvent
from chancery.audit.recorder import AuditRecorder, ScopedEvent
from chancery.audit.writer import AuditWriter, _NotCommitted
from chancery.core.errors import Unavailable
from chancery.sealing.outbox import Outbox, OutboxReader
from tests.builders import SUBMITTER, event, sequence, writer
from tests.crashes import Crash, crash, crashing
from tests.fakes import FakeBus

RECORDED = "Audit Event Recorded"


class CrashingBus:
    """A bus in whose call the process dies."""

    def publish(self, *_):
        raise Crash


@pytest.fixture
def make_recorder(connect, bus):
    def make(publisher=bus):
        own = connect("writer")
        return AuditRecorder(writer(own), Outbox(own), publisher, lambda _: False, lambda _: None)

    return make


@pytest.fixture
def run_relay(make_relay):
    def run(remaining_ms: int = 60_000, **options) -> None:
        relay = make_relay(**options)
        relay.run(relay.outbox.tenants(), lambda: remaining_ms)

    return run


@pytest.fixture
def leftovers(connect):
    """Outbox entries and marks that are still there."""
    database = connect("admin")
    return lambda: (database.audit_outbox.count_documents({}), database.audit_outbox_marks.count_documents({}))


def scoped(*tenants: str) -> list[ScopedEvent]:
    return [ScopedEvent(EventValidator().validate(IncomingEvent(event())), tenant, SUBMITTER) for tenant in tenants]


def published_ids(bus) -> list[str]:
    return sorted(detail["refId"] for detail in bus.of(RECORDED))


def stored_ids(connect) -> list[str]:
    return sorted(item["refId"] for item in connect("reader").audit_logs.find())


def test_sealing_removes_entries_that_their_writer_has_published(make_recorder, make_sealer, connect, bus, leftovers):
    make_recorder().record(scoped("acme", "globex", "acme") * 200)  # three transactions, two tenants
    assert leftovers() == (6, 6)

    make_sealer().seal("acme"), make_sealer().seal("globex")

    assert leftovers() == (0, 0)
    assert published_ids(bus) == stored_ids(connect)


def test_a_writer_that_dies_before_publishing_leaves_it_to_the_relay(
    make_recorder, make_sealer, run_relay, connect, bus, leftovers
):
    with pytest.raises(Crash):
        make_recorder(CrashingBus()).record(scoped("acme", "globex", "acme"))
    make_sealer().seal("acme"), make_sealer().seal("globex")
    assert leftovers() == (2, 0)

    run_relay()

    assert len(stored_ids(connect)) == 3
    assert published_ids(bus) == stored_ids(connect)
    assert leftovers() == (0, 0)


def test_while_the_bus_is_unavailable_records_are_stored_and_sequenced_and_their_events_wait(
    make_recorder, make_sealer, run_relay, connect, bus, leftovers
):
    bus.unavailable = True
    results = [result for _ in range(3) for result in make_recorder().record(scoped("acme", "globex"))]
    assert sequence(connect("sealer"), "acme") == 3
    run_relay()
    assert (published_ids(bus), leftovers()) == ([], (6, 0))
    bus.unavailable = False

    make_sealer().seal("acme"), make_sealer().seal("globex")
    run_relay()

    assert {result.stored for result in results} == {"new"}
    assert published_ids(bus) == stored_ids(connect)
    assert leftovers() == (0, 0)


def test_events_are_published_although_their_leaves_wait(
    make_recorder, make_sealer, run_relay, connect, bus, leftovers
):
    """A forked log is not sealed on."""
    with pytest.raises(Crash):
        make_recorder(CrashingBus()).record(scoped("acme"))

    run_relay(), run_relay()
    assert published_ids(bus) == stored_ids(connect)
    assert leftovers() == (1, 0)
    make_sealer().seal("acme")

    assert leftovers() == (0, 0)


def test_a_writer_that_dies_before_marking_has_its_events_published_twice_at_most(
    make_recorder, run_relay, bus, monkeypatch
):
    with monkeypatch.context() as dying:
        dying.setattr(Outbox, "mark_published", crash)
        with pytest.raises(Crash):
            make_recorder().record(scoped("acme"))
    run_relay(), run_relay()

    assert len(published_ids(bus)) == 2 and len(set(published_ids(bus))) == 1


def test_each_half_of_a_transaction_that_was_split_is_marked(
    make_recorder, make_sealer, connect, bus, monkeypatch, leftovers
):
    real = AuditWriter._commit

    def too_large(self, records, *args):
        if len(records) > 3:
            raise _NotCommitted(0, 388)
        return real(self, records, *args)

    monkeypatch.setattr(AuditWriter, "_commit", too_large)
    make_recorder().record(scoped("acme", "globex") * 5)
    make_sealer().seal("acme"), make_sealer().seal("globex")

    assert published_ids(bus) == stored_ids(connect)
    assert leftovers() == (0, 0)


def test_a_bus_that_takes_some_is_asked_again_for_the_others_only(run_relay, insert, connect, bus, monkeypatch):
    for _ in range(5):
        insert()
    real, taken = bus.publish, []

    def throttled(kind, details):
        if len(taken) == 3:
            raise Unavailable("The event bus did not take every event; try again.")
        taken.append(details)
        real(kind, details)

    with monkeypatch.context() as patched:
        patched.setattr(bus, "publish", throttled)
        run_relay()
    run_relay()

    assert published_ids(bus) == stored_ids(connect)


def test_the_relay_skips_entries_that_their_writer_may_still_publish(run_relay, insert, bus, leftovers):
    insert()

    run_relay(after=timedelta())

    assert not bus.published
    assert leftovers() == (1, 0)


def test_one_run_publishes_more_entries_than_it_reads_at_once(run_relay, insert, connect, bus):
    for _ in range(50):
        insert()

    run_relay()

    assert published_ids(bus) == stored_ids(connect)


def test_a_run_stops_in_time_and_the_oldest_entrys_age_is_known(run_relay, make_relay, insert, bus):
    insert()

    run_relay(remaining_ms=1000)

    assert not bus.published
    assert timedelta(seconds=118) < make_relay().outbox.oldest_age() < timedelta(seconds=180)


def test_an_empty_outbox_has_no_age(make_relay):
    assert make_relay().outbox.oldest_age() == timedelta()


def test_a_mark_that_cannot_be_stored_fails_no_write(make_recorder, caplog, monkeypatch):
    def unavailable(*_):
        raise Unavailable("The database does not answer; try again.")

    monkeypatch.setattr("chancery.sealing.outbox.translated", unavailable)

    assert [result.stored for result in make_recorder().record(scoped("acme"))] == ["new"]
    assert "OUTBOX_MARK_FAILED" in caplog.text


def test_an_entry_sequenced_while_its_events_are_published_is_removed(make_relay, connect, insert, leftovers):
    insert()
    outbox = make_relay().outbox
    (entry,) = outbox.unpublished("acme", timedelta())
    sequence(connect("sealer"), "acme")

    outbox.finish(entry)

    assert leftovers() == (0, 0)


# Every step that something outside of the process can see.
STEPS = (
    (Collection, ("insert_many", "update_one", "update_many", "delete_one", "delete_many")),
    (ClientSession, ("commit_transaction",)),
    (FakeBus, ("publish",)),
)


def test_killed_at_every_step_of_recording_each_stored_record_is_sealed_and_published(
    make_recorder, make_sealer, run_relay, connect, bus, leftovers
):
    for place in count(1):
        with crashing(place, STEPS, before=True) as steps:
            make_recorder().record(scoped("acme", "globex"))
        if not steps["crashed"]:
            break
        make_sealer().seal("acme"), make_sealer().seal("globex")
        run_relay()
        assert set(published_ids(bus)) == set(stored_ids(connect)), f"killed before step {place}"
        assert leftovers() == (0, 0)

    assert place == 6  # insert records, insert entries, commit, publish, mark; and the run that is not killed
    assert connect("reader").audit_logs.count_documents({}) == 2 * 3  # three kills after the commit, or none


def test_killed_at_every_step_of_the_relay_each_event_is_published_and_no_entry_stays(
    make_sealer, run_relay, insert, connect, bus, leftovers
):
    for place in count(1):
        insert("acme"), insert("globex")
        sequence(connect("sealer"), "acme")
        with crashing(place, STEPS, before=True) as steps:
            run_relay()

        run_relay()
        sequence(connect("sealer"), "globex")

        assert set(published_ids(bus)) == set(stored_ids(connect)), f"killed before step {place}"
        assert leftovers() == (0, 0)
        if not steps["crashed"]:
            break
    assert place == 8  # publish, remove and unmark one; publish, not remove, set and unmark the other
    assert Counter(Counter(published_ids(bus)).values()) == {
        1: 13,
        2: 3,
    }  # killed between publishing and removing one, and the other twice


def test_a_writer_publishes_once_where_nothing_fails(make_recorder, make_sealer, run_relay, connect, bus):
    make_recorder().record(scoped("acme") * 3)
    run_relay()
    make_sealer().seal("acme")
    run_relay()

    assert published_ids(bus) == stored_ids(connect)


def test_the_writer_can_only_insert(connect):
    database = connect("writer")
    Outbox(database)
    for operation in (
        lambda: database.audit_outbox.delete_one({}),
        lambda: database.audit_outbox.update_one({}, {"$set": {"publishedOn": None}}),
        lambda: database.audit_outbox.find_one({}),
        lambda: database.audit_outbox_marks.delete_one({}),
    ):
        with pytest.raises(Exception, match="not authorized"):
            operation()


def test_unpublished_entries_have_the_mark_of_their_writer(make_recorder, connect):
    make_recorder().record(scoped("acme"))

    (entry,) = OutboxReader(connect("sealer")).unpublished("acme", -timedelta(minutes=1))

    assert entry["marked"]
