"""Facts whose writer died, or found the bus away: none is lost, and none is told twice without need."""

from datetime import timedelta

import pytest

from chancery.audit.event_outbox import EventOutbox, OutboxRelay
from chancery.audit.service import AuditRecorder, Candidate
from chancery.audit.store import AuditStore
from chancery.audit.writer import AuditWriter
from chancery.core.errors import Unavailable
from chancery.core.formats.times import now
from tests.builders import event, record, writer

RECORDED = "Audit Event Recorded"


class Crash(BaseException):
    """What no handler catches: the process is gone."""


class CrashingBus:
    """A bus in whose call the process dies."""

    def publish(self, *_):
        raise Crash


@pytest.fixture
def make_recorder(connect, bus):
    def make(publisher=bus):
        own = connect("writer")
        return AuditRecorder(writer(own), EventOutbox(own), publisher, lambda _: False, lambda _: None)

    return make


@pytest.fixture
def announcer(connect, bus):
    """The sweep as it is some minutes later."""
    own = connect("writer")
    later = EventOutbox(own, lambda: now() + timedelta(minutes=2))
    return OutboxRelay(later, AuditStore(own), bus)


def candidates(*tenants: str) -> list[Candidate]:
    return [Candidate(event(), lambda _, tenant=tenant: tenant) for tenant in tenants]


def sweep(announcer: OutboxRelay, remaining_ms: int = 60_000) -> None:
    announcer.sweep(lambda: remaining_ms)


def told(bus) -> list[str]:
    return sorted(fact["refId"] for fact in bus.of(RECORDED))


def stored(connect) -> list[str]:
    return sorted(item["refId"] for item in connect("reader").audit_logs.find())


def test_what_is_published_leaves_no_note(make_recorder, connect, bus):
    make_recorder().record(candidates("acme", "globex", "acme") * 200)  # three transactions

    assert told(bus) == stored(connect)
    assert connect("writer").audit_unannounced.count_documents({}) == 0


def test_a_crash_between_storing_and_announcing_loses_no_fact(make_recorder, announcer, connect, bus):
    with pytest.raises(Crash):
        make_recorder(CrashingBus()).record(candidates("acme", "globex", "acme"))
    sweep(announcer)

    assert len(stored(connect)) == 3
    assert told(bus) == stored(connect)
    assert connect("writer").audit_unannounced.count_documents({}) == 0


def test_a_bus_that_is_away_fails_no_write_and_is_told_later(make_recorder, announcer, connect, bus):
    bus.away = True
    results = make_recorder().record(candidates("acme", "globex"))
    sweep(announcer)
    bus.away = False
    sweep(announcer)

    assert [result.stored for result in results] == ["new", "new"]
    assert told(bus) == stored(connect)


def test_a_crash_between_announcing_and_forgetting_tells_twice_at_most(make_recorder, announcer, bus, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(EventOutbox, "forget", lambda *_: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            make_recorder().record(candidates("acme"))
    sweep(announcer)
    sweep(announcer)

    assert len(told(bus)) == 2 and len(set(told(bus))) == 1


def test_a_transaction_that_had_to_be_split_leaves_no_note_either(make_recorder, connect, bus, monkeypatch):
    real = AuditWriter._commit

    def too_large(self, records, *args):
        return {"index": 0, "code": 388} if len(records) > 3 else real(self, records, *args)

    monkeypatch.setattr(AuditWriter, "_commit", too_large)
    make_recorder().record(candidates("acme", "globex") * 5)

    assert told(bus) == stored(connect)
    assert connect("writer").audit_unannounced.count_documents({}) == 0


def test_a_bus_that_takes_some_is_asked_again_for_the_others_only(announcer, connect, bus, monkeypatch):
    for at in range(5):
        writer(connect("writer")).insert([record(eventId=f"e-{at}")])
    real, taken = bus.publish, []

    def throttled(kind, details):
        if len(taken) == 3:
            raise Unavailable("The event bus did not take every event; try again.")
        taken.append(details)
        real(kind, details)

    with monkeypatch.context() as patched:
        patched.setattr(bus, "publish", throttled)
        sweep(announcer)
    sweep(announcer)

    assert told(bus) == stored(connect)


def test_a_sweep_that_dies_is_taken_up_by_the_next(make_recorder, announcer, connect, bus, monkeypatch):
    bus.away = True
    make_recorder().record(candidates("acme"))
    bus.away = False
    with monkeypatch.context() as dying:
        dying.setattr(bus, "publish", CrashingBus().publish)
        with pytest.raises(Crash):
            sweep(announcer)
    sweep(announcer)

    assert told(bus) == stored(connect)


def test_what_somebody_may_still_be_publishing_is_left_alone(connect, bus):
    own = connect("writer")
    writer(own).insert([record()])

    sweep(OutboxRelay(EventOutbox(own), AuditStore(own), bus))

    assert not bus.published
    assert own.audit_unannounced.count_documents({}) == 1


def test_more_than_one_reading_of_notes_is_announced_in_one_sweep(announcer, connect, bus):
    for at in range(50):
        writer(connect("writer")).insert([record(eventId=f"e-{at}")])

    sweep(announcer)

    assert told(bus) == stored(connect)


def test_a_sweep_stops_in_time_and_says_how_long_the_oldest_waits(announcer, connect, bus, monkeypatch):
    gauges = {}
    monkeypatch.setattr("chancery.audit.event_outbox.gauge", gauges.__setitem__)
    writer(connect("writer")).insert([record()])

    sweep(announcer, remaining_ms=1000)
    assert not bus.published
    assert 119 < gauges["AnnouncingDelay"] < 3600

    sweep(announcer)
    assert gauges["AnnouncingDelay"] == 0


def test_a_note_that_cannot_be_removed_fails_nobody(make_recorder, connect, bus, monkeypatch):
    def away(*_):
        raise Unavailable("The database does not answer; try again.")

    monkeypatch.setattr("chancery.audit.event_outbox.translated", away)

    assert [result.stored for result in make_recorder().record(candidates("acme"))] == ["new"]
