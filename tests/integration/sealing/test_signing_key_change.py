"""A new signing key under the same origin, as docs/operations.md describes: the log goes on, with one limit."""

from dataclasses import replace

import pytest

from chancery.audit.digest import stored_digest
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.sealing.fsck import Fsck, FsckStates
from chancery.sealing.models import log_name
from chancery.sealing.signing import LogKey
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.signed_notes import open_checkpoint
from chancery.tlog.tiles import reader
from tests.fakes import FakeKms
from tests.integration.sealing.conftest import BUCKET, ORIGIN

LOG = log_name("acme")


@pytest.fixture
def new_key() -> LogKey:
    return LogKey("new", ORIGIN, FakeKms())


@pytest.fixture
def tiles(s3) -> TileStorage:
    return TileStorage(Objects(BUCKET, s3), cache_tiles=False)


@pytest.fixture
def check(connect, make_sealer, tiles, new_key):
    """The findings of the self-audit with the new key."""
    sealer, database = make_sealer(), connect("sealer")
    fsck = Fsck(
        sealer.store,
        sealer.sequencer,
        tiles,
        new_key,
        AuditStore(database),
        FsckStates(database),
        stored_digest,
        lambda _: None,
    )
    return lambda: [finding.what for finding in fsck.check("acme")[0]]


def test_the_log_continues_under_the_new_key_and_earlier_checkpoints_hold_under_the_former(
    insert, make_sealer, tiles, key, new_key, check
):
    insert(count=3)
    make_sealer().seal("acme")
    former = open_checkpoint(tiles.newest(LOG), key.verifier(LOG), key.verify)

    insert(count=2)
    replace(make_sealer(), key=new_key).seal("acme")

    newest = open_checkpoint(tiles.newest(LOG), new_key.verifier(LOG), new_key.verify)
    assert (former.size, newest.size) == (3, 5)
    assert reader(tiles.fetch(LOG), newest.size)(0, former.size) == former.root
    assert check() == []


def test_until_its_next_checkpoint_a_log_is_a_finding(insert, make_sealer, key, new_key, check):
    insert()
    make_sealer().seal("acme")

    (finding,) = check()

    assert finding.startswith(f"The checkpoint is not signed by the key {new_key.verifier(LOG).name}+")
