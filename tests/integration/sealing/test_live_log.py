"""Live views sequence waiting leaves before the sealer does: nothing is sealed twice, nothing is left out."""

from itertools import count

import pytest

from chancery.core.aws.objects import Objects
from chancery.core.errors import Unavailable
from chancery.sealing.live_log import LiveLog
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from tests.crashes import crashing
from tests.fakes import FakeObjects
from tests.integration.sealing.conftest import BUCKET, ref_ids
from tests.integration.sealing.test_sealer_crashes import STEPS


@pytest.fixture
def make_live_log(connect, s3):
    """A log with the objects of a new execution environment of `push_live`."""

    def make(objects=None, **parts):
        database = connect("pusher")
        store = LogStore(database)
        return LiveLog(store, Sequencer(database, store), TileStorage(objects or Objects(BUCKET, s3)), **parts)

    return make


def test_waiting_leaves_have_an_index_at_once_and_are_sealed_later(insert, make_live_log, make_sealer, published):
    log, stored = make_live_log(), insert(count=3)

    assert log.size("acme") == 3
    stored += insert(count=2)
    assert log.size("acme") == log.size("acme") == 5
    assert log.ref_ids_after("acme", 1, 10) == stored[1:]

    make_sealer().seal("acme")
    assert ref_ids(published().entries) == stored


def test_killed_at_every_step_each_record_is_sealed_once(insert, make_live_log, make_sealer, published):
    for place in count(1):
        tenant = f"tenant-{place}"
        stored = insert(tenant, 3)
        make_sealer().seal(tenant)
        stored += insert(tenant, 255) + insert(tenant, 2)
        with crashing(place, STEPS) as steps:
            make_live_log().size(tenant)
        stored += insert(tenant, 1)

        make_sealer().seal(tenant)

        assert ref_ids(published(tenant).entries) == stored, f"killed at step {place}"
        if not steps["crashed"]:
            break
    assert place - 1 == 4  # the head, the leaves, the outbox, the commit


@pytest.mark.parametrize(
    ("owner", "name"), [(Sequencer, "sequence"), (Sequencer, "_waiting"), (LogStore, "publish"), (Objects, "create")]
)
def test_leaves_that_a_live_view_sequences_while_the_sealer_runs_are_in_its_checkpoint(
    insert, make_live_log, make_sealer, published, monkeypatch, owner, name
):
    real, done, stored = getattr(owner, name), [], insert()

    def late(self, *args):
        if not done:
            done.append("sequenced")
            stored.extend(insert(count=2))
            assert make_live_log().size("acme") == 3
        return real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, late)
        make_sealer().seal("acme")

    if owner is Sequencer:  # else the next message seals them, that of the later records
        assert published().size == 3
    make_sealer().seal("acme")
    assert ref_ids(published().entries) == stored


def test_where_the_sealer_was_faster_the_next_look_goes_on(insert, make_live_log, make_sealer, published):
    log, stored = make_live_log(), insert()
    assert log.size("acme") == 1
    stored += insert()
    make_sealer().seal("acme")
    stored += insert()

    assert log.size("acme") == 2
    assert log.size("acme") == 3

    make_sealer().seal("acme")
    assert ref_ids(published().entries) == stored


def test_no_leaf_is_added_to_a_log_that_is_forked(insert, make_live_log, make_sealer, connect):
    insert(count=2)
    make_sealer().seal("acme")
    heads = connect("admin").audit_tree_heads
    heads.update_one({"tenantId": "acme"}, {"$set": {"size": 0, "publishedSize": 0}, "$unset": {"checkpoint": ""}})
    insert()

    assert make_live_log().size("acme") == 0
    assert connect("reader").audit_outbox.count_documents({"tenantId": "acme", "sequencedOn": None}) == 1


def test_what_was_published_is_looked_at_again_after_a_minute(insert, make_live_log):
    objects, clock = FakeObjects(), [0.0]
    log = make_live_log(objects, monotonic=lambda: clock[0])
    for second in (0, 1, 59, 61):
        clock[0] = second
        insert()
        log.size("acme")

    assert objects.calls["keys_after"] == 2
    assert log.size("acme") == 4


def test_after_a_failure_leaves_wait_for_some_seconds(insert, make_live_log, monkeypatch):
    clock = [0.0]
    log = make_live_log(monotonic=lambda: clock[0])
    insert()
    with monkeypatch.context() as patch:
        patch.setattr(Objects, "keys_after", lambda *_: pytest.fail("asked"))
        patch.setattr(Sequencer, "is_waiting", unavailable)
        assert log.size("acme") == 0
    assert log.size("acme") == 0
    clock[0] = 5.0
    assert log.size("acme") == 1


def unavailable(*_):
    raise Unavailable("away")
