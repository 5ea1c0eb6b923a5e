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
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chancery.core.aws.objects import Objects
from chancery.core.errors import ChanceryError, Unavailable
from chancery.sealing.models import LogForked
from chancery.sealing.signing import LogKey
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import Tile
from tests.builders import record, writer
from tests.fakes import FakeBus, FakeKms
from tests.integration.sealing.conftest import BUCKET


class Crash(BaseException):
    """The process is gone; nothing in the code may catch this."""


# Every step that something outside of the process can see.
STEPS = (
    (Collection, ("find_one", "insert_many", "insert_one", "update_one", "delete_many")),
    (ClientSession, ("commit_transaction",)),
    (Objects, ("create", "replace", "read", "keys_after")),
    (FakeKms, ("sign",)),
    (FakeBus, ("publish",)),
)


@contextmanager
def crash_at(place: int) -> Iterator[Counter]:
    """Has the process end just before or just after a step; counts those taken."""
    steps: Counter = Counter()

    def take() -> None:
        steps["taken"] += 1
        if steps["taken"] == place:
            steps["crashed"] = 1
            raise Crash

    def wrap(real):
        def step(*args, **kwargs):
            take()
            result = real(*args, **kwargs)
            take()
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
    assert connect("reader").audit_outbox.count_documents({}) == 0


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


def test_killed_at_every_step_each_record_is_sealed_once(insert, make_sealer, published):
    for place in count(1):
        tenant = f"tenant-{place}"
        stored = insert(tenant, 3)
        make_sealer().seal(tenant)
        stored += insert(tenant, 255) + insert(tenant, 2)
        with crash_at(place) as steps:
            make_sealer().seal(tenant)
        stored += insert(tenant, 1)

        make_sealer().seal(tenant)

        assert ref_ids(published(tenant).entries) == stored, f"killed at step {place}"
        if not steps["crashed"]:
            break
    assert place > 30


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
            if threading.get_native_id() in sealers and chance.random() < 0.04:
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


@pytest.mark.parametrize("away", ["bus", "key"])
def test_while_the_bus_or_the_key_is_away_nothing_is_lost(insert, make_sealer, published, bus, kms, away):
    stored = insert(count=4)
    broken = bus if away == "bus" else kms
    broken.away = True
    with pytest.raises(Unavailable):
        make_sealer().seal("acme")

    broken.away = False
    make_sealer().seal("acme")

    assert ref_ids(published().entries) == stored


def test_an_outbox_entry_of_a_sealed_record_is_dropped(insert, make_sealer, published, connect):
    stored = insert(count=2)
    make_sealer().seal("acme")
    again = connect("reader").audit_logs.find_one({"refId": stored[0]})
    stored += insert()
    entry = connect("admin").audit_outbox.find_one()
    leaf = orjson.dumps({"refId": again["refId"]}).decode()
    changes = {"refIds": [again["refId"], *entry["refIds"]], "entries": [leaf, *entry["entries"]]}
    connect("admin").audit_outbox.update_one({}, {"$set": changes})

    make_sealer().seal("acme")

    assert ref_ids(published().entries) == stored


def test_a_checkpoint_that_is_witnessed_already_is_published_as_it_is(insert, make_sealer, published, monkeypatch):
    """A crash, and then a key that would sign with other bytes."""
    insert(count=3)
    with monkeypatch.context() as patch:
        patch.setattr(TileStorage, "show_newest", lambda *_: (_ for _ in ()).throw(Crash))
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


def list_witnessed(book, size: int) -> list[str]:
    return [f"witness/tenant-acme/{known:020d}" for known in book.witnessed_after("tenant-acme", size)]


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
        assert database.audit_outbox.count_documents({}) == 1

    def test_a_head_that_is_behind_its_leaves_is_not_sealed_on(self, sealed, connect, insert, make_sealer):
        """A backup was restored in part."""
        note = make_sealer().book.witnessed("tenant-acme", 10)
        insert(count=5)
        make_sealer().seal("acme")
        for name in list_witnessed(make_sealer().book, 10):
            make_sealer().book._objects._s3.delete_object(Bucket=BUCKET, Key=name)
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
            sealer.book.write("tenant-acme", sealer._grown(sealer.store.head("acme"), 10).files())

        assert versions() == before
