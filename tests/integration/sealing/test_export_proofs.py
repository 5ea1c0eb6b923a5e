"""Proofs of exports: each line recomputed from the log, whatever is exported, and whoever dies on the way."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chancery.audit.export_worker import ExportWorker
from chancery.audit.exports import ExportStore
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.sealing.export_proofs import ExportProofs
from chancery.sealing.models import log_name
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.signed_notes import open_checkpoint
from tests.builders import http, message, principal, sequence
from tests.fakes import FakeQueue, LambdaContext, Loop
from tests.integration.audit.test_exports import refusing_ended_uploads
from tests.integration.sealing.conftest import BUCKET as LOGS

BUCKET = "exports"
MAX_RECEIVES = 3
TOOL = Path(__file__).parents[3] / "tools" / "verify_audit.py"


class Kill(BaseException):
    """The process is gone; nothing in the code may catch this."""


@pytest.fixture(autouse=True)
def exports(s3, monkeypatch) -> None:
    for name, value in (("EXPORT_BUCKET", BUCKET), ("EXPORTS_QUEUE_URL", "https://queue"), ("LOG_BUCKET", LOGS)):
        monkeypatch.setenv(f"CHANCERY_{name}", value)
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_part = refusing_ended_uploads(s3, s3.upload_part)
    monkeypatch.setattr("chancery.core.aws.clients.client", lambda _: s3)


@pytest.fixture
def ask(call, retry_queue) -> Callable[..., dict[str, Any]]:
    """Asks for an export; the queue's message about it."""

    def send(role: str = "user", tenants: tuple[str, ...] = ("acme",), **body: Any) -> dict[str, Any]:
        request = http(
            "POST", "/v1/audit-exports", {"format": "ndjson", **body}, caller=principal(role, tenants=tenants)
        )
        status, _, _ = call("manage_audit_exports", request)
        assert status == 202
        return json.loads(retry_queue.sent[-1])

    return send


@pytest.fixture
def look(call) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What the API says of an export."""

    def send(wanted: dict[str, Any]) -> dict[str, Any]:
        caller = principal("super_admin", tenants=())
        return call("manage_audit_exports", http("GET", f"/v1/audit-exports/{wanted['refId']}", caller=caller))[1]

    return send


@pytest.fixture
def worker(connect, s3) -> Callable[..., Loop]:
    def make(part_bytes: int = 8 * 1024 * 1024, queue: FakeQueue | None = None) -> Loop:
        database, objects = connect("writer"), Objects(BUCKET, s3)
        proofs = ExportProofs(LogStore(database), TileStorage(Objects(LOGS, s3)), objects, part_bytes)
        stores = ExportStore(database), AuditStore(database)
        queue = queue or FakeQueue()
        return Loop(ExportWorker(*stores, objects, queue, proofs, part_bytes), queue)

    return make


class Written(NamedTuple):
    """What lies in the bucket."""

    export: bytes
    proof: bytes


@pytest.fixture
def written(connect, s3) -> Callable[[dict[str, Any]], Written]:
    def read(wanted: dict[str, Any]) -> Written:
        document = connect("reader").audit_exports.find_one({"refId": wanted["refId"]})
        keys = document["key"], document["proof"]
        return Written(*(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys))

    return read


@pytest.fixture
def has_proof(connect, s3) -> Callable[[dict[str, Any]], bool]:
    """Whether an export has one, in the database and in the bucket alike."""

    def found(wanted: dict[str, Any]) -> bool:
        key = connect("reader").audit_exports.find_one({"refId": wanted["refId"]}).get("proof")
        keys = {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}
        assert {name for name in keys if name.endswith(".proof")} == ({key} if key else set())
        return key is not None

    return found


@pytest.fixture
def verify(published, key, tmp_path) -> Callable[..., list[int]]:
    """Checks every line of a proof against what the log must be, then with the auditors' tool; the positions."""

    def check(files: Written, tenant_id: str | None = "acme") -> list[int]:
        log, entries = log_name(tenant_id), published(tenant_id).entries
        assert files.proof == b"".join(line + b"\n" for line in files.proof.splitlines())
        head, *rest = map(json.loads, files.proof.splitlines())
        checkpoint = open_checkpoint(head.pop("checkpoint"), key.verifier(log), key.verify)
        assert (checkpoint.size, checkpoint.root) == (len(entries), root([leaf(entry) for entry in entries]))
        records = [json.loads(line) for line in files.export.splitlines()]
        digest = sha256(files.export).hexdigest()
        assert head == {"format": "chancery-export-proof@v1", "records": len(records), "sha256": digest}

        index_of = {json.loads(entry)["refId"]: index for index, entry in enumerate(entries)}
        positions = [index_of[record["refId"]] for record in records]
        tiles = all_tiles([leaf(entry) for entry in entries])
        shown = {position // 256 for position in positions} | ({len(entries) // 256} if len(entries) % 256 else set())
        wanted = [at for at in sorted(tiles) if at[0] > 0] + [(0, number) for number in sorted(shown)]
        assert rest == [
            *({"level": at[0], "number": at[1], "hashes": base64.b64encode(tiles[at]).decode()} for at in wanted),
            *({"positions": positions[start : start + 1000]} for start in range(0, len(positions), 1000)),
        ]

        file = tmp_path / "export.ndjson"
        file.write_bytes(files.export)
        (tmp_path / "export.ndjson.proof").write_bytes(files.proof)
        command = [sys.executable, str(TOOL), "export", str(file), "--key", str(key.verifier(log))]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return positions

    return check


def leaf(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word."""
    if len(hashes) < 2:
        return hashes[0]
    k = max(1 << bit for bit in range(64) if 1 << bit < len(hashes))
    return sha256(b"\1" + root(hashes[:k]) + root(hashes[k:])).digest()


def all_tiles(row: list[bytes]) -> dict[tuple[int, int], bytes]:
    """(level, number) → content: each hash above the leaves is the root over a full tile below."""
    tiles, level = {}, 0
    while row:
        parts = [row[start : start + 256] for start in range(0, len(row), 256)]
        tiles |= {(level, number): b"".join(part) for number, part in enumerate(parts)}
        row, level = [root(part) for part in parts if len(part) == 256], level + 1
    return tiles


def long_time() -> int:
    return 900_000


def no_time() -> int:
    return 1000


def test_an_export_from_the_request_to_its_proof(
    ask, look, load_function, insert, make_sealer, written, verify, retry_queue
):
    stored = insert(count=300)
    make_sealer().seal("acme")
    insert("globex")

    wanted = ask()
    done = load_function("run_audit_export").handler({"Records": [message(wanted)]}, LambdaContext())

    assert done == {"batchItemFailures": []}
    answer = look(wanted)
    assert (answer["state"], answer["records"]) == ("done", 300)
    assert f"/{wanted['refId']}.ndjson.proof?" in answer["proofUrl"]
    assert "Signature" in answer["proofUrl"]
    assert sha256(written(wanted).export).hexdigest() == answer["sha256"]
    assert sorted(verify(written(wanted))) == list(range(len(stored)))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 700])
def test_logs_of_any_size_with_and_without_partial_tiles(ask, worker, insert, make_sealer, written, verify, size):
    insert(count=size)
    make_sealer().seal("acme")
    wanted = ask()

    worker().work(wanted, long_time)

    assert sorted(verify(written(wanted))) == list(range(size))


def test_a_filtered_export_has_the_tiles_of_its_records_only(ask, worker, insert, make_sealer, written, verify):
    for action, count in (("page.read", 256), ("page.saved", 10), ("page.read", 600), ("page.saved", 3)):
        insert(count=count, action=action, resourceType="page")
    make_sealer().seal("acme")
    wanted = ask(action="page.saved")

    worker().work(wanted, long_time)

    assert sorted(verify(written(wanted))) == [*range(256, 266), *range(866, 869)]
    lines = [json.loads(line) for line in written(wanted).proof.splitlines()]
    tiles = [(line["level"], line["number"]) for line in lines if "hashes" in line]
    assert tiles == [(1, 0), (0, 1), (0, 3)]


def test_positions_follow_the_lines_a_thousand_a_line(ask, worker, insert, make_sealer, written, verify):
    for start in range(3):  # not the order in which they were sealed
        insert(count=500, createdOn=f"2026-03-0{3 - start}T12:00:00Z")
    make_sealer().seal("acme")
    wanted = ask()

    worker().work(wanted, long_time)

    positions = verify(written(wanted))
    assert [position // 500 for position in positions] == [2] * 500 + [1] * 500 + [0] * 500


def test_the_platforms_own_records_are_proven_too(ask, worker, insert, make_sealer, written, verify):
    insert(None, 3)
    make_sealer().seal(None)
    wanted = ask("super_admin", (), tenantId="null")

    worker().work(wanted, long_time)

    assert verify(written(wanted), None) == [0, 1, 2]


def test_lines_of_megabytes_in_an_export_in_parts(ask, worker, look, insert, make_sealer, written, verify):
    insert(count=4, before={"pad": "x" * 3_000_000})
    make_sealer().seal("acme")
    wanted = ask()

    worker(part_bytes=6_000_000).work(wanted, long_time)

    assert verify(written(wanted)) == [0, 1, 2, 3]
    assert look(wanted)["sha256"] == sha256(written(wanted).export).hexdigest()


def test_an_export_without_records_is_proven_where_there_is_a_log(ask, worker, look, insert, make_sealer, written):
    insert()
    make_sealer().seal("acme")
    wanted, nobodys = ask(action="page.saved"), ask(tenants=("nobody",))

    worker().work(wanted, long_time)
    worker().work(nobodys, long_time)

    head, tile = map(json.loads, written(wanted).proof.splitlines())
    assert (head["records"], head["sha256"], tile["number"]) == (0, sha256().hexdigest(), 0)
    assert (look(nobodys)["state"], look(nobodys)["records"], look(nobodys)["proofUrl"]) == ("done", 0, None)


@pytest.mark.parametrize(
    "asked",
    [{"format": "csv"}, {"role": "super_admin", "tenants": ()}],
    ids=["csv", "every tenant"],
)
def test_what_is_no_list_of_one_tenants_records_has_no_proof(ask, worker, look, insert, make_sealer, has_proof, asked):
    insert(count=2)
    make_sealer().seal("acme")
    wanted = ask(**asked)

    worker().work(wanted, long_time)

    assert (look(wanted)["state"], look(wanted)["records"], look(wanted)["proofUrl"]) == ("done", 2, None)
    assert not has_proof(wanted)


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


def dying(method: Callable[..., Any], calls: list[int], step: int) -> Callable[..., Any]:
    """The method, and the end of the process right after the step-th of these calls (before it is after another)."""

    def call(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        calls[0] += 1
        if calls[0] == step:
            raise Kill
        return result

    return call


def kill_at(killed: ExportWorker, step: int) -> list[int]:
    """Has a worker die after a call that changes something outside of the process; counts these calls."""
    calls = [0]
    for holder, names in (
        (killed.objects, ("begin", "part", "complete", "put")),
        (killed.exports, ("advance",)),
    ):
        for name in names:
            setattr(holder, name, dying(getattr(holder, name), calls, step))
    return calls


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
        calls = kill_at(killed.worker, step)
        try:
            killed.work(wanted, long_time)
        except Kill:
            steps = step
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
    assert steps == calls[0] == expected


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
