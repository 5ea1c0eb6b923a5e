"""A sealer stops where the database, the tiles or the key are not those of the published log."""

from dataclasses import replace

import pytest

from chancery.sealing.models import LogForked
from chancery.tlog.tiles import Tile
from tests.integration.sealing.conftest import BUCKET


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
    """An intruder with the database and the signing key rewrites the past."""

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
