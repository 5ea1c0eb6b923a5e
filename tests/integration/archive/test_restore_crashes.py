"""Restores that run short of time, are killed, or meet each other: they end with the same records."""

from collections.abc import Callable
from typing import Any

import pytest

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.store import ArchiveStore
from chancery.audit.restored import RestoredSet
from tests.integration.archive.restoring import Context, Restoring, canonical, restored_event


class Kill(BaseException):
    """The process is gone; nothing in the code may catch this."""


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


STEPS = (
    (ArchiveBucket, "head"),
    (ArchiveBucket, "read"),
    (ArchiveStore, "advance"),
    (RestoredSet, "_write"),
    (RestoredSet, "count"),
    (RestoredSet, "hide"),
    (RestoredSet, "show"),
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_step_it_ends_with_the_same_records(
    restoring, month, connect, live, restored, searched, monkeypatch, after
):
    left = 0

    def killing(owner: type, name: str) -> Callable[..., Any]:
        step = getattr(owner, name)

        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                raise Kill
            done = step(*arguments, **options)
            done = list(done) if name == "read" else done
            if left == 0:
                raise Kill
            return done

        return run

    steps, killed = 0, True
    while killed:
        steps += 1
        reset(restoring, month, connect)
        restoring.ask(month["refId"])
        left, killed = steps, False
        with monkeypatch.context() as patch:
            for owner, name in STEPS:
                patch.setattr(owner, name, killing(owner, name))
            try:
                restoring.come_back(month)
            except Kill:
                killed = True
        assert len(searched()) in (0, 25)

        done = restoring.come_back(month)

        assert (done["state"], done["restore"]["records"]) == ("restored", 25), steps
        assert canonical(restored()) == canonical(live())
        assert len(searched()) == 25
    assert steps > 20


def reset(restoring: Restoring, month: dict[str, Any], connect: Any) -> None:
    restoring.queue.sent.clear()
    for name in ("restored_audit_logs", "restored_loads"):
        connect("admin")[name].delete_many({})
    connect("admin").archive_partitions.replace_one({"refId": month["refId"]}, dict(month))


def test_of_two_workers_on_the_same_file_one_gives_way(restoring, month, live, restored, monkeypatch):
    restoring.ask(month["refId"])
    others = iter([True])
    advance = ArchiveStore.advance

    def interrupted(store: ArchiveStore, partition: dict[str, Any], **changes: Any) -> Any:
        if changes.get("restoring") and next(others, False):
            restoring.cold_start = lambda _: None  # within the same test
            assert restoring.come_back(month)["state"] == "restored"
        return advance(store, partition, **changes)

    monkeypatch.setattr(ArchiveStore, "advance", interrupted)

    assert restoring.come_back(month)["state"] == "restored"
    assert canonical(restored()) == canonical(live())


def test_whoever_hides_a_month_and_loses_the_race_shows_it_again(restoring, month, searched, monkeypatch):
    restoring.ask(month["refId"])
    others, hide = iter([True]), RestoredSet.hide

    def interrupted(*arguments: Any) -> None:
        if next(others, False):
            restoring.cold_start = lambda _: None  # within the same test
            assert restoring.come_back(month)["state"] == "restored"
        hide(*arguments)

    monkeypatch.setattr(RestoredSet, "hide", interrupted)
    restoring.come_back(month)

    assert len(searched()) == 25


def test_nobody_finds_half_a_month(restoring, month, restored, searched):
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
