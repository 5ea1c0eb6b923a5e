"""Attempts at a proof: unsealed records, missing tiles, little time, killed and concurrent workers."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

import pytest

from chancery.sealing.export_proofs import ExportProofs
from tests.builders import message, sequence
from tests.crashes import crashing
from tests.fakes import FakeQueue
from tests.integration.sealing.conftest import BUCKET as LOGS
from tests.integration.sealing.export_proofs.conftest import long_time, no_time

MAX_RECEIVES = 3


def sequenced_only(database) -> None:
    sequence(database, "acme")


@pytest.mark.parametrize("so_far", [lambda database: None, sequenced_only], ids=["in the outbox", "not published"])
def test_an_export_waits_for_its_records_to_be_sealed(
    ask, worker, look, insert, make_sealer, connect, written, verify, has_proof, so_far
):
    insert(count=2)
    make_sealer().seal("acme")
    insert(count=3)
    so_far(connect("sealer"))
    wanted, queue = ask(), FakeQueue()
    first, second = message(wanted, 1), message(wanted, 2)

    waiting = worker(queue=queue).consume([first], long_time)

    assert waiting == queue.deferred == [first["messageId"]]
    assert (look(wanted)["state"], look(wanted)["url"], look(wanted)["proofUrl"]) == ("written", None, None)
    assert not has_proof(wanted)

    make_sealer().seal("acme")
    assert worker().consume([second], long_time) == []
    assert look(wanted)["state"] == "done"
    assert sorted(verify(written(wanted))) == [0, 1, 2, 3, 4]


def test_records_that_stay_unsealed_end_in_an_export_without_a_proof(ask, worker, look, insert, has_proof):
    insert(count=2)
    wanted = ask()

    assert worker().consume([message(wanted, MAX_RECEIVES - 1)], long_time) != []
    assert worker().consume([message(wanted, MAX_RECEIVES)], long_time) == []

    answer = look(wanted)
    assert (answer["state"], answer["records"], answer["proofUrl"], answer["error"]) == ("done", 2, None, None)
    assert answer["url"]
    assert not has_proof(wanted)


def test_a_log_that_misses_a_tile_costs_the_proof_and_not_the_export(
    ask, worker, look, insert, make_sealer, s3, has_proof
):
    insert(count=2)
    make_sealer().seal("acme")
    s3.delete_object(Bucket=LOGS, Key="logs/tenant-acme/tile/0/000.p/2")
    wanted = ask()

    assert worker().consume([message(wanted, 1)], long_time) != []
    assert worker().consume([message(wanted, MAX_RECEIVES)], long_time) == []

    assert (look(wanted)["state"], look(wanted)["proofUrl"]) == ("done", None)
    assert not has_proof(wanted)


def test_when_time_is_short_after_the_last_part_another_message_reads_the_file(
    ask, worker, look, insert, make_sealer, written, verify
):
    insert(count=2, before={"pad": "x" * 3_000_000})
    make_sealer().seal("acme")
    wanted, queue = ask(), FakeQueue()
    part_bytes = 5_500_000

    worker(part_bytes, queue).work(wanted, no_time)
    worker(part_bytes, queue).work(json.loads(queue.sent.pop()), no_time)
    assert (look(wanted)["state"], look(wanted)["records"]) == ("written", 2)
    worker(part_bytes, queue).work(json.loads(queue.sent.pop()), no_time)

    assert queue.sent == []
    assert look(wanted)["state"] == "done"
    assert verify(written(wanted)) == [0, 1]


@pytest.mark.parametrize(
    ("pad", "part_bytes", "expected"),
    [(1, 8_000_000, 5), (300, 2000, 11)],
    ids=["a small export", "export and proof in parts"],
)
def test_killed_at_any_step_the_next_message_ends_with_a_proof_of_the_file(
    ask, worker, look, insert, make_sealer, written, verify, monkeypatch, pad, part_bytes, expected
):
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    monkeypatch.setattr("chancery.tlog.export_proof._TILES", 1)
    insert(count=257)
    insert(count=5, action="page.saved", resourceType="page", before={"pad": "x" * pad})
    make_sealer().seal("acme")
    step = steps = 0

    while step <= steps:
        step += 1
        wanted = ask(action="page.saved")
        queue = FakeQueue([json.dumps(wanted)])
        killed = worker(part_bytes, queue)
        calls = (killed.worker.objects, ("begin", "part", "complete", "put")), (killed.worker.exports, ("advance",))
        with crashing(step, calls) as counts:
            killed.work(wanted, long_time)
        steps += counts["crashed"]
        survivor = worker(part_bytes, queue)
        while queue.sent:
            survivor.work(json.loads(queue.sent.pop()), long_time)

        answer = look(wanted)
        assert (answer["state"], answer["records"]) == ("done", 5), step
        files = written(wanted)
        assert (answer["bytes"], answer["sha256"]) == (len(files.export), sha256(files.export).hexdigest())
        assert json.loads(files.proof.splitlines()[0])["sha256"] == answer["sha256"]
        if step % 5 == 1:
            assert verify(files) == [257, 258, 259, 260, 261]
    assert steps == counts["taken"] == expected


class Meanwhile(NamedTuple):
    """Proofs, and what else happens before one is there."""

    proofs: ExportProofs
    happens: Callable[[], None]

    def prove(self, tenant_id: str | None, key: str) -> Any:
        self.happens()
        return self.proofs.prove(tenant_id, key)


def test_two_workers_on_one_proof_leave_one(ask, worker, look, insert, make_sealer, written, verify, has_proof):
    insert(count=2)
    make_sealer().seal("acme")
    wanted, one, other = ask(), worker(), worker()
    meanwhile = Meanwhile(one.worker.proofs, lambda: other.work(wanted, long_time))

    replace(one, worker=replace(one.worker, proofs=meanwhile)).work(wanted, long_time)

    assert look(wanted)["state"] == "done"
    assert has_proof(wanted)
    assert verify(written(wanted)) == [0, 1]
