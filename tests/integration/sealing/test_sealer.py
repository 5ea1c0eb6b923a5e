"""From the outbox to a signed checkpoint: order, tenants, tiles, events, and an unavailable key or bus."""

import orjson
import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from chancery.core.errors import Unavailable
from chancery.tlog.signed_notes import Checkpoint
from tests.builders import sealer
from tests.fakes import FakeObjects
from tests.integration.sealing.conftest import BUCKET, ref_ids


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

    (event,) = bus.of("Audit Checkpoint Sealed")

    assert (event["tenantId"], event["log"], event["previousSize"], event["size"]) == ("acme", "tenant-acme", 0, 3)
    assert event["checkpoint"] == published().note


def test_published_files_are_locked(insert, make_sealer, s3, versions):
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


def test_while_the_key_is_unavailable_leaves_are_sequenced_and_wait(insert, make_sealer, published, kms):
    stored = insert(count=4)
    kms.unavailable = True
    with pytest.raises(Unavailable):
        make_sealer().seal("acme")
    kms.unavailable = False

    assert make_sealer().seal("acme") == 0

    assert ref_ids(published().entries) == stored


def sealed_events(bus) -> list[tuple[int, int]]:
    return [(event["previousSize"], event["size"]) for event in bus.of("Audit Checkpoint Sealed")]


def test_while_the_bus_is_unavailable_sealing_goes_on_and_the_next_event_covers_all(
    insert, make_sealer, published, bus
):
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


def test_the_event_of_a_checkpoint_sealed_while_the_bus_was_unavailable_is_published_later(
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


def test_a_seal_reads_the_head_at_its_begin_and_end_and_lists_the_witness_once(insert, mongod, key, bus, monkeypatch):
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

    assert reads.count == 2
    assert objects.calls["keys_after"] == 1
    assert sealed_events(bus) == [(0, 1), (1, 251), (251, 501), (501, 751)]
