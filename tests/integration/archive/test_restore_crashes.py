"""Restores that run short of time, are killed, or meet each other: they end with the same records."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.restores import RestoreStore
from chancery.audit.restored_records import RestoredRecords, RestoredSet
from chancery.core.mongo.client import DatabaseFailure
from tests.crashes import Crash, Kinds, crash
from tests.fakes import FakeQueue
from tests.integration.archive.restoring import Context, Restoring, canonical, restored_event
from tests.integration.archive.steps import Walk, at_step


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_short_of_time_it_stops_and_carries_on_by_message(restoring, month, live, restored, answers):
    restoring.ask(month["refId"])
    deliveries = 0

    def context() -> Context:
        nonlocal deliveries
        deliveries += 1
        assert deliveries < 50
        return Context(max(answers, 1))

    done = restoring.come_back(month, context)

    assert done["state"] == "restored"
    assert deliveries >= 6 // max(answers, 1)
    assert canonical(restored()) == canonical(live())


STEPS: Kinds = (
    (ArchiveBucket, ("head", "stream")),
    (RestoreStore, ("advance",)),
    (RestoredSet, ("_write", "count", "mark_incomplete", "mark_complete")),
    (FakeQueue, ("send",)),
)


@pytest.fixture
def world(restoring, connect) -> Callable[[], object]:
    """The state of all that a restore can change: restores, restored records, what hides them, the queue."""

    def look() -> object:
        names = ("archive_restores", "restored_audit_logs", "restored_loads")
        found = [list(connect("admin")[name].find().sort("_id", 1)) for name in names]
        return found, list(restoring.queue.sent)

    return look


def test_killed_in_every_state_it_ends_with_the_same_records(
    restoring, month, connect, live, restored, searched, world
):
    def begin() -> None:
        reset(restoring, connect)
        restoring.ask(month["refId"])

    def come_back() -> dict[str, Any]:
        return restoring.come_back(month)

    begin()
    places = Walk.of(come_back, world, STEPS).places
    assert len(places) == 14
    for place in places:
        begin()
        with at_step(place, crash, STEPS) as steps, suppress(Crash):
            come_back()
        assert steps.happened
        assert len(searched()) in (0, 25)

        restoring.queue.sent.clear()  # a message that was lost, too
        done = restoring.come_back(month)

        assert (done["state"], done["records"]) == ("restored", 25), place
        assert canonical(restored()) == canonical(live())
        assert len(searched()) == 25


def reset(restoring: Restoring, connect: Any) -> None:
    restoring.queue.sent.clear()
    for name in ("restored_audit_logs", "restored_loads", "archive_restores"):
        connect("admin")[name].delete_many({})


def test_of_two_workers_on_the_same_file_one_gives_way(restoring, month, live, restored, monkeypatch):
    restoring.ask(month["refId"])
    others = iter([True])
    advance = RestoreStore.advance

    def interrupted(store: RestoreStore, restore: dict[str, Any], **changes: Any) -> Any:
        if changes.get("progress") and next(others, False):
            restoring.cold_start = lambda _: None  # within the same test
            assert restoring.come_back(month)["state"] == "restored"
        return advance(store, restore, **changes)

    monkeypatch.setattr(RestoreStore, "advance", interrupted)

    assert restoring.come_back(month)["state"] == "restored"
    assert canonical(restored()) == canonical(live())


def test_a_worker_that_hides_a_month_and_loses_the_race_reveals_it_again(restoring, month, searched, monkeypatch):
    restoring.ask(month["refId"])
    others, hide = iter([True]), RestoredSet.mark_incomplete

    def interrupted(*arguments: Any) -> None:
        if next(others, False):
            restoring.cold_start = lambda _: None  # within the same test
            assert restoring.come_back(month)["state"] == "restored"
        hide(*arguments)

    monkeypatch.setattr(RestoredSet, "mark_incomplete", interrupted)
    restoring.come_back(month)

    assert len(searched()) == 25


def test_no_search_finds_half_a_month(restoring, month, restored, searched):
    restoring.ask(month["refId"])
    restoring.deliver(restored_event(month["key"]), Context(4))

    assert 0 < len(restored()) < 25
    assert searched() == []
    while restoring.queue.sent:
        restoring.deliver(restoring.queue.sent.pop())
    assert len(searched()) == 25


def test_a_month_that_is_in_sight_stays_so_while_it_is_restored_again(restoring, month, searched):
    restoring.restore(month["refId"])
    restoring.ask(month["refId"])
    for answers in (1, 2, 1, 1, 1):
        restoring.deliver(restoring.queue.sent.pop(), Context(answers))
        assert len(searched()) == 25


def test_no_search_finds_half_of_an_expired_month_that_is_restored_again(restoring, month, connect, searched):
    restoring.restore(month["refId"])
    expire(connect)
    restoring.ask(month["refId"])
    found = set()
    while restoring.queue.sent:
        restoring.deliver(restoring.queue.sent.pop(), Context(1))
        found.add(len(searched()))

    assert found == {0, 25}


def expire(connect: Any, ago: timedelta = timedelta(seconds=1)) -> None:
    """The restored records have expired, and MongoDB has not deleted them yet."""
    past = datetime.now(UTC) - ago
    connect("admin").restored_audit_logs.update_many({}, {"$set": {"expiresOn": past}})
    connect("admin").archive_restores.update_many({}, {"$set": {"expiresOn": past}})


@pytest.mark.parametrize("days", [(1, 30), (30, 1)])
@pytest.mark.parametrize("parts", [(3, 1), (1, 0)], ids=["after a whole one", "after a half one"])
def test_half_of_a_month_is_never_left_in_sight(restoring, month, connect, monkeypatch, days, parts):
    add = RestoredSet.add
    for number in range(2):
        left = iter(range(parts[number]))

        def some(*arguments: Any, left: Any = left) -> None:
            if next(left, None) is None:
                raise DatabaseFailure("The database refused a record (code 121).")
            add(*arguments)

        monkeypatch.setattr(RestoredSet, "add", some)
        restoring.ask(month["refId"], days=days[number])
        first = restored_event(month["key"])
        restoring.deliver(restoring.queue.sent.pop() if restoring.queue.sent else first, receives=3)

    assert restoring.newest(month["refId"])["state"] == "failed"
    for day in (0, 2, 31):
        assert found_after(day, connect) in (0, 25), day


def found_after(days: int, connect: Any) -> int:
    """How many records a search finds so many days later."""
    moment = datetime.now(UTC) + timedelta(days=days)
    connect("admin").restored_loads.delete_many({"expiresOn": {"$lte": moment}})  # as MongoDB does by then
    found = RestoredRecords(connect("reader"), lambda: moment)
    return len(found.page({}, fields=("refId",), descending=False, limit=500))


def test_a_month_whose_days_are_over_before_it_is_loaded_is_not_called_damaged(restoring, month, connect, capsys):
    restoring.ask(month["refId"], days=1)
    restoring.deliver(restored_event(month["key"]), Context(4))
    expire(connect)
    connect("admin").restored_audit_logs.delete_many({})  # as MongoDB does
    restoring.deliver(restoring.queue.sent.pop())

    failed = restoring.newest(month["refId"])
    assert (failed["state"], "ask for it again" in failed["error"]) == ("failed", True)
    assert "ArchivesDamaged" not in capsys.readouterr().out
    assert restoring.restore(month["refId"])["state"] == "restored"


def test_a_worker_that_is_late_does_not_end_a_restore_that_was_asked_for_since(restoring, month, connect, monkeypatch):
    restoring.ask(month["refId"])
    head, others = ArchiveBucket.head, iter([True])

    def late(bucket: ArchiveBucket, key: str) -> Any:
        found = head(bucket, key) | {"restore": None}  # S3 has deleted the copy
        if next(others, False):
            restoring.cold_start = lambda _: None  # within the same test
            assert restoring.come_back(month)["state"] == "failed"
            assert restoring.ask(month["refId"])[0] == 202
        return found

    monkeypatch.setattr(ArchiveBucket, "head", late)
    restoring.deliver(restored_event(month["key"]))

    assert restoring.newest(month["refId"])["state"] == "requested"


def test_a_worker_that_fails_and_loses_the_race_reveals_the_month_again(restoring, month, searched, monkeypatch):
    restoring.ask(month["refId"])
    restoring.deliver(restored_event(month["key"]), Context(5))
    others, hide = iter([True]), RestoredSet.mark_incomplete

    def interrupted(*arguments: Any) -> None:
        if next(others, False):
            restoring.cold_start = lambda _: None  # within the same test
            monkeypatch.setattr(ArchiveBucket, "head", head)
            assert restoring.come_back(month)["state"] == "restored"
        hide(*arguments)

    head = ArchiveBucket.head
    monkeypatch.setattr(RestoredSet, "mark_incomplete", interrupted)
    monkeypatch.setattr(ArchiveBucket, "head", lambda self, key: head(self, key) | {"restore": None})
    restoring.come_back(month)

    assert restoring.newest(month["refId"])["state"] == "restored"
    assert len(searched()) == 25
