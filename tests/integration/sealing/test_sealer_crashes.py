"""Killed and concurrent sealers: each record is sealed once, in a gapless log."""

import random
import threading
from collections import Counter
from itertools import count

import orjson
import pytest
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chancery.core.aws.objects import Objects
from chancery.core.errors import ChanceryError, Unavailable
from chancery.sealing.live_log import LiveLog
from chancery.sealing.outbox import Outbox
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from tests.builders import record, writer
from tests.crashes import Crash, crash, crashing
from tests.fakes import FakeBus, FakeKms
from tests.integration.sealing.conftest import BUCKET, ref_ids

# Every step that changes something outside of the process; a kill between two reads leaves the same world.
STEPS = (
    (Collection, ("insert_many", "insert_one", "update_one", "update_many", "delete_many")),
    (ClientSession, ("commit_transaction",)),
    (Objects, ("create", "replace")),
    (FakeKms, ("sign",)),
    (FakeBus, ("publish",)),
)


def test_killed_at_every_step_each_record_is_sealed_once(insert, make_sealer, published, connect):
    for place in count(1):
        tenant = f"tenant-{place}"
        stored = insert(tenant, 3)
        make_sealer().seal(tenant)
        stored += insert(tenant, 255)
        Outbox(connect("writer")).mark_published(
            [(tenant, entry["_id"]) for entry in connect("admin").audit_outbox.find({"tenantId": tenant})]
        )
        stored += insert(tenant, 2)
        with crashing(place, STEPS) as steps:
            make_sealer().seal(tenant)
        stored += insert(tenant, 1)

        make_sealer().seal(tenant)

        assert ref_ids(published(tenant).entries) == stored, f"killed at step {place}"
        if not steps["crashed"]:
            break
    assert place - 1 == 16  # distinct states of the world


def test_twenty_writers_three_crashing_sealers_and_two_live_views_leave_no_gap(connect, make_sealer, published, s3):
    written: list[str] = []
    writing = threading.Barrier(20)
    done = threading.Event()
    chance = random.Random(7)
    deaths = Counter()
    sealers: set[int] = set()
    failures: list[ChanceryError] = []
    looked: list[int] = []

    def dying(function):
        def step(*args, **kwargs):
            if threading.get_native_id() in sealers:
                deaths["steps"] += 1
                if deaths["steps"] % 9 == 0:
                    deaths["sealers"] += 1
                    raise Crash
            return function(*args, **kwargs)

        return step

    def write(number: int) -> None:
        own = writer(connect("writer"))
        writing.wait()
        for _ in range(8):
            records = [record("acme", actorId=f"writer-{number}") for _ in range(chance.randint(1, 20))]
            try:
                own.insert(records)
            except Unavailable:  # timed out; records that were stored nevertheless are duplicates now
                own.insert(records)
            written.extend(item["refId"] for item in records)

    def seal() -> None:
        sealers.add(threading.get_native_id())
        while not done.is_set():
            try:
                make_sealer().seal("acme")
            except Crash:
                continue
            except ChanceryError as exc:
                failures.append(exc)

    def look() -> None:
        database = connect("pusher")
        store = LogStore(database)
        log, seen = LiveLog(store, Sequencer(database, store), TileStorage(Objects(BUCKET, s3))), 0
        while not done.is_set():
            assert log.size("acme") >= seen
            seen = log.size("acme")
        looked.append(seen)

    connect("writer"), connect("sealer"), connect("pusher")
    writers = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    competing = [threading.Thread(target=target) for target in (seal, seal, seal, look, look)]
    with pytest.MonkeyPatch.context() as patch:
        for owner, names in STEPS:
            for name in names:
                patch.setattr(owner, name, dying(getattr(owner, name)))
        for thread in (*writers, *competing):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for thread in competing:
            thread.join()
    make_sealer().seal("acme")

    assert deaths["sealers"] > 3
    assert len(looked) == 2
    assert [failure for failure in failures if not isinstance(failure, Unavailable)] == []
    assert Counter(ref_ids(published().entries)) == Counter(written)
    batches = list(connect("reader").audit_leaves.find({"tenantId": "acme"}).sort("start", 1))
    ends = [batch["start"] + len(batch["entries"]) for batch in batches]
    assert [batch["start"] for batch in batches] == [0, *ends[:-1]]


def test_another_sealer_in_between_has_the_head_read_again_and_nothing_is_sealed_twice(
    insert, make_sealer, published, monkeypatch
):
    """At each place where the optimistic lock is taken, another sealer seals everything first."""
    for owner, name in ((Sequencer, "sequence"), (LogStore, "publish")):
        stored = insert(count=3)
        real, others = getattr(owner, name), []

        def late(self, *args, owner=owner, name=name, real=real, others=others):
            if not others:
                others.append("sealed")
                insert(count=2)
                make_sealer().seal("acme")
            return real(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, late)
            make_sealer().seal("acme")
        make_sealer().seal("acme")

        log = published()
        assert ref_ids(log.entries)[-5:-2] == stored
    assert log.size == len(set(ref_ids(log.entries))) == 10


def test_an_outbox_entry_of_a_sealed_record_is_dropped(insert, make_sealer, published, connect):
    stored = insert(count=2)
    make_sealer().seal("acme")
    again = connect("reader").audit_logs.find_one({"refId": stored[0]})
    stored += insert()
    entry = connect("admin").audit_outbox.find_one({"sequencedOn": None})
    leaf = orjson.dumps({"refId": again["refId"]}).decode()
    changes = {"refIds": [again["refId"], *entry["refIds"]], "entries": [leaf, *entry["entries"]]}
    connect("admin").audit_outbox.update_one({"_id": entry["_id"]}, {"$set": changes})

    make_sealer().seal("acme")

    assert ref_ids(published().entries) == stored


def test_a_checkpoint_that_is_witnessed_already_is_published_as_it_is(insert, make_sealer, published, monkeypatch):
    """A crash, and then a key that would sign with other bytes."""
    insert(count=3)
    with monkeypatch.context() as patch:
        patch.setattr(TileStorage, "put_newest", crash)
        with pytest.raises(Crash):
            make_sealer().seal("acme")
    with monkeypatch.context() as patch:
        patch.setattr(LogKey, "sign", lambda *_: pytest.fail("signed again"))
        make_sealer().seal("acme")

    assert published().size == 3
