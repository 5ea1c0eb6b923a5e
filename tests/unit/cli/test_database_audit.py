"""A log compared with the records of the database: the first leaf or record that differs is named."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chancery.cli import database_audit as stored
from chancery.cli.database_audit import Comparison
from chancery.tlog.errors import VerificationError
from chancery.tlog.published_log import PublishedLog
from tests.builders import NOON
from tests.sealed import SealedLog, Signer, again_sealed, records

RECORDS = records(600)
LOG = SealedLog(Signer(), RECORDS)


@dataclass
class Records:
    """The store of a tenant's records. `waiting`: the refIds in the outbox."""

    given: Sequence[dict[str, Any]]
    waiting: set[str] = field(default_factory=set)

    def get_many(self, ref_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        return {record["refId"]: record for record in self.given if record["refId"] in set(ref_ids)}

    def ref_ids(self, until: datetime) -> Iterator[str]:
        return iter(sorted(record["refId"] for record in self.given if record["recordedOn"] <= until))

    def not_yet_sealed(self, ref_ids: Sequence[str], size: int) -> set[str]:
        return self.waiting & set(ref_ids)


def compare(given: Sequence[dict[str, Any]], waiting: set[str] | None = None, log: SealedLog = LOG) -> int:
    published = PublishedLog(log.tree_head(), log.files.__getitem__)
    comparison = Comparison(published, Records(given, waiting or set()))
    for start, leaves in published.walk():
        comparison.take(start, leaves)
    return comparison.finish()


def refused(given: Sequence[dict[str, Any]], **options: Any) -> VerificationError:
    with pytest.raises(VerificationError) as failure:
        compare(given, **options)
    return failure.value


def with_record(index: int, **changes: Any) -> list[dict[str, Any]]:
    return [*RECORDS[:index], RECORDS[index] | changes, *RECORDS[index + 1 :]]


def more(minutes: float) -> dict[str, Any]:
    """A record that was never sealed."""
    (record,) = records(1)
    return again_sealed(record | {"recordedOn": NOON + timedelta(minutes=minutes)})


def test_a_log_and_its_records_agree_in_any_order():
    assert compare(RECORDS) == 0
    assert compare(RECORDS[::-1]) == 0


def test_a_record_that_is_gone_is_named():
    failure = refused([*RECORDS[:300], *RECORDS[301:]])

    assert failure.what == "the sealed record is gone"
    assert (failure.index, failure.ref_id) == (300, RECORDS[300]["refId"])


@pytest.mark.parametrize(
    "changes",
    [
        {"actorId": "somebody"},
        {"digest": "0" * 64},
        {"digest": None},
        {"salts": {}},
        {"salts": None},
        {"salts": RECORDS[300]["salts"] | {"actorId": bytes(16)}},
        {"salts": RECORDS[300]["salts"] | {"before": 5}},
        {"createdOn": "2026-03-01T12:00:00.000Z"},
        {"createdOn": None},
        {"tenantId": 5},
        {"before": {"at": NOON}},
        {"before": {"n": 2**60}},
        {"note": "x"},
    ],
    ids=lambda changes: str(changes)[:10],
)
def test_a_record_that_was_changed_is_named(changes):
    failure = refused(with_record(300, **changes))

    assert (failure.index, failure.ref_id) == (300, RECORDS[300]["refId"])
    assert "content does not have its digest" in failure.what


def test_a_record_edited_consistently_is_named():
    failure = refused(with_record(300, **again_sealed(RECORDS[300] | {"actorId": "somebody"})))

    assert (failure.index, failure.what) == (300, "the record is not the one that was sealed")


def test_the_first_record_without_a_leaf_is_named():
    strangers = [more(3), more(4), more(5)]

    failure = refused([*RECORDS, *strangers])

    assert failure.what == "the record has no leaf in the log"
    assert failure.ref_id == min(record["refId"] for record in strangers)


def test_a_record_newer_than_the_last_leaf_needs_no_leaf():
    assert compare([*RECORDS, more(10), more(11)]) == 0


def test_unsealed_records_are_counted_and_do_not_hide_a_missing_leaf():
    waits, never = more(3), more(4)
    assert never["refId"] > waits["refId"]

    assert compare([*RECORDS, waits], {waits["refId"]}) == 1
    assert refused([*RECORDS, waits, never], waiting={waits["refId"]}).ref_id == never["refId"]


def test_the_first_is_found_among_more_records_than_are_held_at_once(monkeypatch):
    monkeypatch.setattr(stored, "_CANDIDATES", 3)
    monkeypatch.setattr(stored, "_BUCKETS", 2)
    waits = [more(3) for _ in range(10)]
    never = more(4)

    assert compare([*RECORDS, *waits], {record["refId"] for record in waits}) == 10
    assert refused([*RECORDS, *waits, never], waiting={one["refId"] for one in waits}).ref_id == never["refId"]


def test_a_record_that_was_sealed_twice_is_named():
    log = SealedLog(LOG.signer, [*RECORDS[:500], RECORDS[7]])

    failure = refused(RECORDS[:500], log=log)

    assert (failure.index, failure.ref_id) == (500, RECORDS[7]["refId"])
    assert failure.what == "the record has a leaf at index 7 already"


def test_a_sealed_record_twice_does_not_make_up_for_one_that_was_not(monkeypatch):
    monkeypatch.setattr(stored, "_BUCKETS", 1)
    log = SealedLog(LOG.signer, [*RECORDS[:500], RECORDS[499]])
    never = more(1)

    assert refused([*RECORDS[:500], never], log=log).ref_id == never["refId"]


def test_records_that_go_while_they_are_compared_are_noticed():
    published = PublishedLog(LOG.tree_head(), LOG.files.__getitem__)
    given = list(RECORDS)
    comparison = Comparison(published, Records(given))
    for start, leaves in published.walk():
        comparison.take(start, leaves)
    del given[5]

    with pytest.raises(VerificationError, match="changed while"):
        comparison.finish()


def test_a_last_leaf_without_a_time_is_refused():
    log = SealedLog(LOG.signer, [], strangers=3)

    assert refused([], log=log).what
