"""The integrity check finds and names every mismatch, and has records without a leaf sealed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from bson import Int64

from chancery.audit.digest import stored_digest
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.formats.times import now
from chancery.sealing.fsck import Fsck, FsckStates
from chancery.sealing.tile_storage import TileStorage
from tests.builders import record, sequence


@pytest.fixture
def triggered():
    return set()


@pytest.fixture
def fsck(connect, make_sealer, key, triggered, s3):
    """The check at a later moment, when every record should have its leaf."""
    sealer = make_sealer()
    database = connect("sealer")
    return Fsck(
        sealer.store,
        sealer.sequencer,
        TileStorage(Objects("log-bucket", s3), cache_tiles=False),
        key,
        AuditStore(database),
        FsckStates(database),
        stored_digest,
        triggered.update,
        lambda: now() + timedelta(minutes=5),
    )


@pytest.fixture
def sealed(insert, make_sealer):
    """Ten records and three more, under two checkpoints."""
    stored = insert(count=10)
    make_sealer().seal("acme")
    stored += insert(count=3)
    make_sealer().seal("acme")
    return stored


def whats(findings) -> list[tuple]:
    return [(finding.what, finding.index, finding.ref_id) for finding in findings]


def plenty() -> int:
    return 600_000


def test_a_sound_log_has_no_findings_however_often_it_is_checked(fsck, sealed, insert, make_sealer):
    insert(count=700)
    make_sealer().seal("acme")

    assert [fsck.run(plenty) for _ in range(4)] == [[], [], [], []]


def test_a_record_edited_by_a_database_admin_is_named(fsck, sealed, connect):
    connect("admin").audit_logs.update_one({"refId": sealed[4]}, {"$set": {"after": {"status": "rejected"}}})

    assert whats(fsck.check("acme")[0]) == [("the record's content does not match its digest", 4, sealed[4])]


def test_a_record_edited_with_a_new_digest_is_named(fsck, sealed, connect):
    edited = connect("admin").audit_logs.find_one({"refId": sealed[4]})
    edited["actorId"] = "somebody-else"
    edited["digest"] = stored_digest(edited)
    connect("admin").audit_logs.replace_one({"_id": edited["_id"]}, edited)

    assert whats(fsck.check("acme")[0]) == [("the record is not the one that was sealed", 4, sealed[4])]


def test_a_deleted_record_is_named(fsck, sealed, connect):
    connect("admin").audit_logs.delete_one({"refId": sealed[12]})

    assert whats(fsck.check("acme")[0]) == [("the sealed record is gone", 12, sealed[12])]


def test_a_record_without_its_salt_is_named(fsck, sealed, connect):
    change = {"$unset": {"salts.after": 1}}
    connect("admin").audit_logs.update_one({"refId": sealed[0]}, change, bypass_document_validation=True)

    assert whats(fsck.check("acme")[0]) == [("the record's content does not match its digest", 0, sealed[0])]


def test_leaves_that_differ_from_the_published_ones_are_found(fsck, sealed, connect):
    leaves = connect("admin").audit_leaves.find_one({"start": Int64(0)})
    leaves["entries"][3] = leaves["entries"][2]
    connect("admin").audit_leaves.replace_one({"_id": leaves["_id"]}, leaves)

    assert whats(fsck.check("acme")[0]) == [("the database's leaves are not those that were published", 0, None)]


def test_a_checkpoint_of_another_root_is_found_though_its_signature_holds(fsck, sealed, connect, key):
    forged = key.sign("tenant-acme", 13, bytes(32))
    connect("admin").audit_tree_heads.update_one({}, {"$set": {"checkpoint": forged}})

    assert [finding.what for finding in fsck.check("acme")[0]] == [
        "the tree does not lead to the root of the newest checkpoint",
        "the witness has another checkpoint of this size",
    ]


def test_a_checkpoint_signed_by_another_key_is_found(fsck, sealed, connect):
    head = connect("reader").audit_tree_heads.find_one()
    forged = head["checkpoint"][:-10] + ("A" * 8 if head["checkpoint"][-10:-2] != "A" * 8 else "B" * 8) + "=\n"
    connect("admin").audit_tree_heads.update_one({}, {"$set": {"checkpoint": forged}})

    (finding,) = fsck.check("acme")[0]

    assert "signature does not hold" in finding.what


def test_history_rewritten_with_database_key_and_tiles_contradicts_the_witness(
    fsck, sealed, connect, s3, key, make_sealer, insert, published
):
    """They drop the log, seal other leaves, and write new versions of every tile; the first version of the
    witness's checkpoints stays, and proves it."""
    database = connect("admin")
    for name in ("audit_leaves", "audit_tree_heads", "audit_logs"):
        database[name].delete_many({})
    for item in s3.list_objects_v2(Bucket="log-bucket")["Contents"]:
        if item["Key"].startswith("logs/"):
            s3.delete_object(Bucket="log-bucket", Key=item["Key"])
    insert(count=13)
    sealer = make_sealer()
    sequence(connect("sealer"), "acme")
    head = sealer.store.head("acme")
    growth = sealer._grown(head, 13)
    sealer.tiles.write("tenant-acme", growth.files())
    note = key.sign("tenant-acme", 13, growth.root())
    sealer.tiles.put_newest("tenant-acme", 13, note)
    sealer.store.publish(head, 13, note, None)

    assert whats(fsck.check("acme")[0]) == [
        ("the witness has another checkpoint of this size", 13, None),
        ("the log is not a continuation of the checkpoint that the witness has", 10, None),
    ]


def test_a_database_that_is_behind_the_witness_is_found(fsck, sealed, connect):
    database = connect("admin")
    first = fsck.tiles.witnessed("tenant-acme", 10)
    database.audit_leaves.delete_many({"start": {"$gte": 10}})
    database.audit_tree_heads.update_one({}, {"$set": {"size": 10, "publishedSize": 10, "checkpoint": first}})

    (finding,) = fsck.check("acme")[0]

    assert finding.what == "the witness has seen 13 leaves, and the database has 10"


def test_records_without_a_leaf_get_one(fsck, sealed, connect, triggered, make_sealer, published):
    """Written by hand, or before there was sealing."""
    lost = record("acme")
    connect("admin").audit_logs.insert_one(lost)

    assert fsck.check("acme") == ([], True)
    assert fsck.check("acme") == ([], True)
    make_sealer().seal("acme")

    assert triggered == {"acme"}
    assert published().size == 14
    assert fsck.check("acme") == ([], True)


def test_a_record_without_a_leaf_whose_digest_does_not_hold_is_not_sealed(fsck, sealed, connect, make_sealer):
    forged = record("acme") | {"digest": "0" * 64}
    connect("admin").audit_logs.insert_one(forged)

    (finding,) = fsck.check("acme")[0]

    assert (finding.what, finding.ref_id) == ("a record without a leaf does not match its digest", forged["refId"])
    assert make_sealer().seal("acme") == 0


def test_a_record_of_a_moment_ago_may_wait(connect, fsck, insert, triggered):
    insert()
    connect("admin").audit_outbox.delete_many({})

    replace(fsck, clock=now).check("acme")

    assert triggered == set()


def test_the_log_audited_longest_ago_is_next_and_a_run_ends_with_its_time(fsck, insert, make_sealer):
    for tenant in ("acme", "globex"):
        insert(tenant)
        make_sealer().seal(tenant)
    remaining = iter((600_000, 1000))

    fsck.run(lambda: next(remaining))

    assert fsck.states.longest_ago_first(["acme", "globex"]) == ["globex", "acme"]


def test_a_log_of_many_parts_is_checked_to_its_end_in_one_run(fsck, insert, make_sealer, monkeypatch):
    monkeypatch.setattr("chancery.sealing.fsck._TILES", 1)
    monkeypatch.setattr("chancery.sealing.fsck._CHECKPOINTS", 1)
    stored = []
    for _ in range(4):
        stored += insert(count=150)
        make_sealer().seal("acme")
    parts = []
    real = Fsck.check
    monkeypatch.setattr(Fsck, "check", lambda *arguments: parts.append(arguments[1]) or real(*arguments))

    assert fsck.run(plenty) == []
    assert len(parts) == 3


def test_a_log_whose_records_and_head_are_gone_is_missed(fsck, sealed, connect):
    for name in ("audit_logs", "audit_leaves", "audit_tree_heads"):
        connect("admin")[name].delete_many({})

    assert whats(fsck.run(plenty)) == [("the log tenant-acme was published, and the database has none", None, None)]


def test_a_log_whose_records_are_all_gone_is_checked(fsck, sealed, connect):
    connect("admin").audit_logs.delete_many({})

    assert len(fsck.run(plenty)) == 13


def test_an_overwritten_file_is_found_by_a_warm_environment_too(fsck, insert, make_sealer, s3):
    insert(count=256)
    make_sealer().seal("acme")
    assert fsck.run(plenty) == []
    s3.put_object(Bucket="log-bucket", Key="logs/tenant-acme/tile/entries/000", Body=b"")

    assert "does not hash" in fsck.run(plenty)[0].what


def test_a_checkpoint_written_over_under_a_delete_marker_is_found(fsck, sealed, connect, s3, key):
    forged = key.sign("tenant-acme", 10, bytes(32))
    s3.delete_object(Bucket="log-bucket", Key="witness/tenant-acme/" + "10".zfill(20))
    s3.put_object(Bucket="log-bucket", Key="witness/tenant-acme/" + "10".zfill(20), Body=forged)

    assert fsck.run(plenty) == []  # the first version counts

    for name in ("audit_leaves", "audit_tree_heads"):
        connect("admin")[name].delete_many({})
    assert "published" in fsck.run(plenty)[0].what


def test_a_seal_in_the_middle_of_an_audit_is_no_finding(fsck, sealed, insert, make_sealer, monkeypatch):
    real = fsck.store.__class__.head
    later = iter([None])

    def head(self, tenant_id):
        found = real(self, tenant_id)
        if next(later, "sealed") is None:
            insert()
            make_sealer().seal("acme")
        return found

    monkeypatch.setattr(fsck.store.__class__, "head", head)

    assert fsck.check("acme")[0] == []


def test_an_unavailable_service_is_no_violation_and_hides_none(fsck, sealed, connect, kms, caplog):
    connect("admin").audit_logs.update_one({"refId": sealed[4]}, {"$set": {"actorId": "somebody-else"}})
    kms.verify = lambda **_: (_ for _ in ()).throw(ConnectionError("away"))

    findings, _ = fsck.check("acme")

    assert [finding.ref_id for finding in findings] == [sealed[4]]
    assert "FSCK_DEFERRED" in caplog.text


def test_a_record_with_a_large_number_is_sound(fsck, insert, make_sealer):
    insert(metadata={"at": 1_772_366_400_123, "small": 7})
    make_sealer().seal("acme")

    assert fsck.run(plenty) == []


def test_a_missing_tile_is_a_finding_and_no_crash(fsck, sealed, s3):
    s3.delete_object(Bucket="log-bucket", Key="logs/tenant-acme/tile/0/000.p/13")

    findings, _ = fsck.check("acme")

    assert findings
    assert all("tile/0/000.p/13" in finding.what for finding in findings)
