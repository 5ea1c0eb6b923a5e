"""Exports with their proofs, each line of a proof recomputed from the log."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
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
from tests.builders import http, principal
from tests.fakes import FakeQueue, Loop, refuse_ended_uploads
from tests.integration.sealing.conftest import BUCKET as LOGS

BUCKET = "exports"


TOOL = Path(__file__).parents[4] / "tools" / "verify_audit.py"


@pytest.fixture(autouse=True)
def exports(s3, monkeypatch) -> None:
    for name, value in (("EXPORT_BUCKET", BUCKET), ("EXPORTS_QUEUE_URL", "https://queue"), ("LOG_BUCKET", LOGS)):
        monkeypatch.setenv(f"CHANCERY_{name}", value)
    s3.create_bucket(Bucket=BUCKET)
    refuse_ended_uploads(s3)
    monkeypatch.setattr("chancery.core.aws.clients.client", lambda _: s3)


@pytest.fixture
def ask(call, retry_queue) -> Callable[..., dict[str, Any]]:
    """Requests an export. Returns the queue's message about it."""

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
    """Reads an export through the API."""

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
    """The stored files of an export."""

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
    """Whether an export has a proof; database and bucket must agree."""

    def found(wanted: dict[str, Any]) -> bool:
        key = connect("reader").audit_exports.find_one({"refId": wanted["refId"]}).get("proof")
        keys = {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}
        assert {name for name in keys if name.endswith(".proof")} == ({key} if key else set())
        return key is not None

    return found


@pytest.fixture
def verify(published, key, tmp_path) -> Callable[..., list[int]]:
    """Recomputes every line of a proof from the log, and runs the auditors' tool. Returns the positions."""

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
        needed = {position // 256 for position in positions} | ({len(entries) // 256} if len(entries) % 256 else set())
        wanted = [at for at in sorted(tiles) if at[0] > 0] + [(0, number) for number in sorted(needed)]
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
