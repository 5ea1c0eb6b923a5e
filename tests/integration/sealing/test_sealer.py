"""From the outbox to a signed checkpoint: in order, once each, whoever crashes and whoever competes."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count

import orjson
import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.monitoring import CommandListener

from chancery.core.aws.objects import Objects
from chancery.core.errors import ChanceryError, Unavailable
from chancery.sealing.models import LogForked
from chancery.sealing.outbox import Outbox
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import Tile
from tests.builders import record, sealer, writer
from tests.fakes import FakeBus, FakeKms, FakeObjects
from tests.integration.sealing.conftest import BUCKET


class Crash(BaseException):
    """The process is gone; nothing in the code may catch this."""


# Every step that changes something outside of the process; a kill between two reads leaves the same world.
STEPS = (
    (Collection, ("insert_many", "insert_one", "update_one", "update_many", "delete_many")),
    (ClientSession, ("commit_transaction",)),
    (Objects, ("create", "replace")),
    (FakeKms, ("sign",)),
    (FakeBus, ("publish",)),
)


@contextmanager
def crash_after(place: int) -> Iterator[Counter]:
    """Has the process end after a step; counts the steps. (Before a step is after the one before it.)"""
    steps: Counter = Counter()

    def wrap(real):
        def step(*args, **kwargs):
            result = real(*args, **kwargs)
            steps["taken"] += 1
            if steps["taken"] == place:
                steps["crashed"] = 1
                raise Crash
            return result

        return step

    with pytest.MonkeyPatch.context() as patch, suppress(Crash):
        for owner, names in STEPS:
            for name in names:
                patch.setattr(owner, name, wrap(getattr(owner, name)))
        yield steps


def ref_ids(entries: list[bytes]) -> list[str]:
    return [orjson.loads(entry)["refId"] for entry in entries]


def test_records_are_sealed_in_the_order_they_were_stored(insert, make_sealer, published, connect):
    stored = [ref_id for _ in range(3) for ref_id in insert(count=5)]

    sealed = make_sealer().seal("acme")

    assert sealed == 15
    log = published()
    assert ref_ids(log.entries) == stored
    assert connect("reader").audit_outbox.count_documents({"sequencedOn": None}) == 0


def test_a_leaf_commits_to_the_records_digest_and_nothing_of_its_content(insert, make_sealer, published, connect):
    (ref_id,) = insert(description="Only the digest leaves the database")

    make_sealer().seal("acme")

    (entry,) = published().entries
    stored = connect("reader").audit_logs.find_one({"refId": ref_id})
    recorded_on = stored["recordedOn"].isoformat(timespec="milliseconds")[:23] + "Z"
    assert orjson.loads(entry) == {"refId": ref_id, "recordedOn": recorded_on, "digest": stored["digest"]}


def test_each_tenant_and_the_platform_have_a_log_of_their_own(insert, make_sealer, published):
    mine, theirs, ours = insert("acme", 2), insert("a tenant / with+odd name", 3), insert(None, 1)
    sealer = make_sealer()

    for tenant in ("acme", "a tenant / with+odd name", None):
        sealer.seal(tenant)

    assert ref_ids(published("acme").entries) == mine
    assert ref_ids(published("a tenant / with+odd name").entries) == theirs
    assert ref_ids(published(None).entries) == ours
    assert Checkpoint.unverified(published(None).note).origin == "log.example/chancery/platform"


def test_a_log_grows_across_full_tiles(insert, make_sealer, published, versions):
    sealer, stored = make_sealer(), []
    for size in (200, 56, 1, 300, 255):
        stored += insert(count=size)
        sealer.seal("acme")

    log = published()
    assert ref_ids(log.entries) == stored
    assert log.checkpoints == [200, 256, 257, 557, 812]
    assert {key for key, number in versions().items() if number > 1} == {"logs/tenant-acme/checkpoint"}


def test_a_checkpoint_is_announced_with_its_watermark(insert, make_sealer, bus, published):
    insert(count=3)
    make_sealer().seal("acme")

    (told,) = bus.of("Audit Checkpoint Sealed")

    assert (told["tenantId"], told["log"], told["previousSize"], told["size"]) == ("acme", "tenant-acme", 0, 3)
    assert told["checkpoint"] == published().note


def test_what_is_sealed_is_locked(insert, make_sealer, s3, versions):
    s3.put_object_lock_configuration(
        Bucket=BUCKET,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    insert()
    make_sealer().seal("acme")

    for key in versions():
        head = s3.head_object(Bucket=BUCKET, Key=key)
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=BUCKET, Key=key, VersionId=head["VersionId"])


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
        with crash_after(place) as steps:
            make_sealer().seal(tenant)
        stored += insert(tenant, 1)

        make_sealer().seal(tenant)

        assert ref_ids(published(tenant).entries) == stored, f"killed at step {place}"
        if not steps["crashed"]:
            break
    assert place - 1 == 16  # distinct states of the world


def test_twenty_writers_and_three_sealers_that_keep_dying_leave_no_gap(connect, make_sealer, published):
    written: list[str] = []
    writing = threading.Barrier(20)
    done = threading.Event()
    chance = random.Random(7)
    deaths = Counter()
    sealers: set[int] = set()
    failures: list[ChanceryError] = []

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
            except Unavailable:  # not in time; what was stored all the same is known again
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

    connect("writer"), connect("sealer")
    writers = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    competing = [threading.Thread(target=seal) for _ in range(3)]
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
    assert [failure for failure in failures if not isinstance(failure, Unavailable)] == []
    assert Counter(ref_ids(published().entries)) == Counter(written)
    batches = list(connect("reader").audit_leaves.find({"tenantId": "acme"}).sort("start", 1))
    ends = [batch["start"] + len(batch["entries"]) for batch in batches]
    assert [batch["start"] for batch in batches] == [0, *ends[:-1]]


def test_while_the_key_is_away_leaves_are_sequenced_and_wait(insert, make_sealer, published, kms):
    stored = insert(count=4)
    kms.unavailable = True
    with pytest.raises(Unavailable):
        make_sealer().seal("acme")
    kms.unavailable = False

    assert make_sealer().seal("acme") == 0

    assert ref_ids(published().entries) == stored


def sealed_events(bus) -> list[tuple[int, int]]:
    return [(event["previousSize"], event["size"]) for event in bus.of("Audit Checkpoint Sealed")]


def test_while_the_bus_is_away_sealing_goes_on_and_the_next_event_covers_all(insert, make_sealer, published, bus):
    insert(count=2)
    make_sealer().seal("acme")
    bus.unavailable = True
    for _ in range(3):
        insert(count=4)
        make_sealer().seal("acme")
    assert published().size == 14
    assert make_sealer().store.waiting() == ["acme"]
    bus.unavailable = False
    insert()

    make_sealer().seal("acme")

    assert sealed_events(bus) == [(0, 2), (2, 15)]
    assert make_sealer().store.waiting() == []


def test_the_event_of_a_checkpoint_that_was_sealed_while_the_bus_was_away_is_published_later(
    insert, make_sealer, published, bus
):
    insert(count=3)
    bus.unavailable = True
    make_sealer().seal("acme"), make_sealer().seal("acme")
    bus.unavailable = False

    make_sealer().seal("acme"), make_sealer().seal("acme")

    assert sealed_events(bus) == [(0, 3)]
    assert bus.of("Audit Checkpoint Sealed")[0]["checkpoint"] == published().note
    assert make_sealer().store.waiting() == []


class HeadReads(CommandListener):
    """Counts the reads of tree heads."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event):
        self.count += event.command.get("find") == "audit_tree_heads"

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def test_a_seal_reads_the_head_once_and_lists_the_witness_once(insert, mongod, key, bus, monkeypatch):
    monkeypatch.setattr("chancery.sealing.sequencer._MAX_LEAVES", 250)
    reads, objects = HeadReads(), FakeObjects()
    insert(count=1)
    with MongoClient(mongod.uri("sealer"), tz_aware=True, event_listeners=[reads]) as client:
        own = sealer(client[mongod.database], objects, key, bus)
        own.seal("acme")
        for _ in range(3):
            insert(count=250)
        objects.calls.clear()
        reads.count = 0

        assert own.seal("acme") == 750  # in three transactions, under three checkpoints

    assert reads.count == 1
    assert objects.calls["keys_after"] == 1
    assert sealed_events(bus) == [(0, 1), (1, 251), (251, 501), (501, 751)]


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
        patch.setattr(TileStorage, "put_newest", lambda *_: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            make_sealer().seal("acme")
    with monkeypatch.context() as patch:
        patch.setattr(LogKey, "sign", lambda *_: pytest.fail("signed again"))
        make_sealer().seal("acme")

    assert published().size == 3


def test_a_log_is_not_continued_under_another_origin(insert, make_sealer, key):
    insert()
    sealer = make_sealer()
    sealer.seal("acme")
    insert()

    with pytest.raises(LogForked, match="not what was published"):
        replace(sealer, key=replace(key, origin="elsewhere.example")).seal("acme")


def list_witnessed(tiles, size: int) -> list[str]:
    return [f"witness/tenant-acme/{known:020d}" for known in tiles.witnessed_after("tenant-acme", size)]


class TestRewritingHistory:
    """Somebody has the database and the signing key, and wants another past."""

    @pytest.fixture
    def sealed(self, insert, make_sealer):
        insert(count=10)
        make_sealer().seal("acme")

    def test_a_database_that_lost_leaves_is_not_sealed_on(self, sealed, connect, insert, make_sealer, published):
        """A backup was restored: the log must not fork."""
        database = connect("admin")
        database.audit_leaves.delete_many({})
        database.audit_tree_heads.delete_many({})
        insert(count=3)

        with pytest.raises(LogForked, match="published with 10 leaves; the database has 0"):
            make_sealer().seal("acme")

        assert published().size == 10
        assert database.audit_leaves.count_documents({}) == 0
        assert database.audit_outbox.count_documents({"sequencedOn": None}) == 1

    def test_a_head_that_is_behind_its_leaves_is_not_sealed_on(self, sealed, connect, insert, make_sealer):
        """A backup was restored in part."""
        note = make_sealer().tiles.witnessed("tenant-acme", 10)
        insert(count=5)
        make_sealer().seal("acme")
        for name in list_witnessed(make_sealer().tiles, 10):
            make_sealer().tiles._objects._s3.delete_object(Bucket=BUCKET, Key=name)
        head = {"size": 10, "publishedSize": 10, "checkpoint": note}
        connect("admin").audit_tree_heads.update_one({}, {"$set": head})
        insert()

        with pytest.raises(LogForked, match="beyond its head"):
            make_sealer().seal("acme")

    def test_leaves_exchanged_before_they_are_published_again_are_found(self, sealed, connect, insert, make_sealer):
        database = connect("admin")
        leaves = database.audit_leaves.find_one()
        leaves["entries"][4] = leaves["entries"][4].replace("refId", "refid")
        database.audit_leaves.replace_one({"_id": leaves["_id"]}, leaves)
        database.audit_tree_heads.update_one({}, {"$set": {"publishedSize": 0, "checkpoint": None}})

        with pytest.raises(LogForked, match="not those that were published with size 10"):
            make_sealer().seal("acme")

    def test_a_forged_checkpoint_in_the_database_stops_the_sealer(self, sealed, connect, insert, make_sealer, key):
        forged = key.sign("tenant-acme", 10, bytes(32))
        connect("admin").audit_tree_heads.update_one({}, {"$set": {"checkpoint": forged}})
        insert()

        with pytest.raises(LogForked, match="not what was published"):
            make_sealer().seal("acme")

    def test_a_tile_in_another_version_stops_the_sealer(self, sealed, s3, insert, make_sealer):
        path = Tile(0, 0, 10).path
        s3.put_object(Bucket=BUCKET, Key=f"logs/tenant-acme/{path}", Body=bytes(320))
        insert()

        with pytest.raises(LogForked, match="not what was published"):
            make_sealer().seal("acme")

    def test_a_sealer_of_the_forger_meets_the_tiles_that_are_there(self, sealed, s3, connect, make_sealer, versions):
        """Even without a witnessed size in the way, a tile is written once."""
        before = versions()
        database = connect("admin")
        leaves = database.audit_leaves.find_one()
        leaves["entries"] = leaves["entries"][::-1]
        database.audit_leaves.replace_one({"_id": leaves["_id"]}, leaves)
        database.audit_tree_heads.update_one({}, {"$set": {"publishedSize": 0, "checkpoint": None}})
        sealer = make_sealer()

        with pytest.raises(LogForked):
            sealer.tiles.write("tenant-acme", sealer._grown(sealer.store.head("acme"), 10).files())

        assert versions() == before
