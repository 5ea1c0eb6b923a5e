"""Records and their leaves are stored in one transaction, although some records are refused."""

import pytest
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from chancery.audit.writer import Stored
from chancery.core.errors import Unavailable
from chancery.tlog.leaf import leaf_entry
from tests.builders import record, writer


@pytest.fixture
def stored(connect):
    """The resource ids of the stored records, and of those with an entry in the outbox."""

    def look() -> tuple[list[str], list[str]]:
        records = {item["refId"]: item for item in connect("reader").audit_logs.find()}
        waiting = [ref_id for entry in connect("reader").audit_outbox.find() for ref_id in entry["refIds"]]
        return sorted(item["resourceId"] for item in records.values()), sorted(
            records[ref_id]["resourceId"] for ref_id in waiting
        )

    return look


def outcomes(found) -> list[Stored]:
    return [outcome.stored for outcome in found]


def test_each_record_has_its_leaf_in_an_outbox_entry_a_tenant(connect):
    records = [record("acme"), record(None), record("acme")]

    writer(connect("writer")).insert(records)

    entries = {item["tenantId"]: item for item in connect("reader").audit_outbox.find()}
    assert entries.keys() == {"acme", None}
    assert entries["acme"]["refIds"] == [records[0]["refId"], records[2]["refId"]]
    assert entries[None]["entries"] == [leaf_entry(records[1]).decode()]


def test_duplicate_and_refused_records_do_not_prevent_the_others(connect, stored):
    own = writer(connect("writer"))
    own.insert([record(eventId="e-1", resourceId="a")])
    mixed = [
        record(eventId="e-1", resourceId="a", createdOn="2026-01-01T00:00:00Z"),
        record(resourceId="b"),
        record(resourceId="c") | {"actorType": "ghost"},
        record(eventId="e-2", resourceId="d"),
        record(eventId="e-2", resourceId="d", createdOn="2026-01-01T00:00:00Z"),
        record(eventId="e-2", resourceId="e"),
    ]

    found = own.insert(mixed, [frozenset({"createdOn"}) if at in (0, 4) else frozenset() for at in range(len(mixed))])

    assert outcomes(found) == [
        Stored.REPEATED, Stored.NEW, Stored.REFUSED, Stored.NEW, Stored.REPEATED, Stored.CONFLICT
    ]  # fmt: skip
    assert stored() == (["a", "b", "d"], ["a", "b", "d"])


def test_more_than_a_transaction_holds_is_stored_in_several(connect, stored):
    records = [record(resourceId=f"{at:02d}", after={"pad": "x" * 900_000}) for at in range(40)]

    found = writer(connect("writer")).insert(records)

    assert set(outcomes(found)) == {Stored.NEW}
    assert stored() == ([f"{at:02d}" for at in range(40)],) * 2


@pytest.mark.parametrize("failing", ["audit_logs", "audit_outbox"])
def test_a_crash_between_record_and_leaf_leaves_neither(connect, stored, monkeypatch, failing):
    real = Collection.insert_many

    def insert_many(self, *args, **kwargs):
        result = real(self, *args, **kwargs)
        if self.name == failing:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "insert_many", insert_many)
        with pytest.raises(KeyboardInterrupt):
            writer(connect("writer")).insert([record()])

    assert stored() == ([], [])


def test_a_commit_whose_answer_is_lost_is_unavailable_and_storing_again_is_safe(connect, stored, monkeypatch):
    own, real = writer(connect("writer")), ClientSession.commit_transaction

    def commit_transaction(self):
        real(self)
        raise AutoReconnect("gone")

    with monkeypatch.context() as patch:
        patch.setattr(ClientSession, "commit_transaction", commit_transaction)
        with pytest.raises(Unavailable):
            own.insert([record(eventId="e-1", resourceId="a")])

    found = own.insert([record(eventId="e-1", resourceId="a")], [frozenset({"createdOn"})])

    assert outcomes(found) == [Stored.REPEATED]
    assert stored() == (["a"], ["a"])


def test_a_participant_runs_in_the_transaction_of_a_new_record_only(connect, stored):
    own = writer(connect("writer"))
    noted: list[str] = []

    def note(item, _session):
        noted.append(item["refId"])

    first = own.insert_with(record(eventId="e-1", resourceId="a", createdOn="2026-01-01T00:00:00Z"), note)
    again = own.insert_with(record(eventId="e-1", resourceId="a", createdOn="2026-01-01T00:00:00Z"), note)
    other = own.insert_with(record(eventId="e-1", resourceId="b"), note)
    refused = own.insert_with(record(resourceId="c") | {"actorType": "ghost"}, note)

    assert outcomes([first, again, other, refused]) == [Stored.NEW, Stored.REPEATED, Stored.CONFLICT, Stored.REFUSED]
    assert again.record["refId"] == first.record["refId"]
    assert noted == [first.record["refId"]]
    assert stored() == (["a"], ["a"])


def test_a_record_whose_companion_fails_is_not_stored(connect, stored):
    def fails(_item, _session):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer(connect("writer")).insert_with(record(), fails)

    assert stored() == ([], [])
