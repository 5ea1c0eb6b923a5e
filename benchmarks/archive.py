"""The archive's worker against a raw cursor → NDJSON → zstd loop, in turn, and how much memory it takes.

S3 stands in memory and keeps no bodies of parts: it is the outside world. The worker's process is one of its own, as in
a deployment. `python -m benchmarks.archive` takes a month of a million records.
"""

import multiprocessing
import os
import time
from base64 import b64decode, b64encode
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import zstandard

from benchmarks.stage import Stage, documents, median, show, stage
from chancery.archive.files import LEVEL
from chancery.archive.store import ArchiveStore
from chancery.core.aws import clients as aws
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import connect
from chancery.core.observability import logger
from chancery.sealing.models import log_name
from chancery.sealing.outbox import Outbox
from chancery.sealing.signing import LogKey
from chancery.tlog.layout import ArchiveKeys
from chancery.wiring import archive as bootstrap
from tests.builders import sealer
from tests.fakes import FakeBus, FakeKms, FakeObjects

TENANT, RECORDS, ROUNDS = "archived", 100_000, 5
START = datetime(2024, 2, 1, tzinfo=UTC)
MOST_MEGABYTES = 256


def bench_archive(stage: Stage, records: int = RECORDS, rounds: int = ROUNDS) -> None:
    """The rates side by side, and the worker's peak."""
    logger.setLevel("ERROR")
    _store(stage, records)
    tiles = _seal(stage, records)
    with multiprocessing.get_context("spawn").Pool(1) as worker, multiprocessing.get_context("spawn").Pool(1) as raw:
        place = (stage.uri("archiver"), stage.database.name)
        worker.apply(_prepare, (*place, tiles))
        pairs = [
            (worker.apply(_archive, (_plan(stage), records)), raw.apply(_raw, (*place, records))) for _ in range(rounds)
        ]
    rates = [(records / ours[0], records / theirs) for ours, theirs in pairs]
    show(
        "archive, worker / raw loop",
        median([ours / theirs for ours, theirs in rates]),
        "at least 0.6",
        f"{median([ours for ours, _ in rates]):,.0f} and {median([theirs for _, theirs in rates]):,.0f} records/s",
    )
    peak = max(ours[1] for ours, _ in pairs)
    print(f"{'archive, peak memory':<34}{peak:,.0f} MB of {records:,} records   (at most {MOST_MEGABYTES} MB)")


def _store(stage: Stage, records: int) -> None:
    """Records of one month, in the order they happened."""
    for start in range(0, records, 1000):
        batch = documents(1000, start)
        for place, record in enumerate(batch, start):
            moment = START + timedelta(milliseconds=20 * place)
            record |= {"tenantId": TENANT, "createdOn": moment, "recordedOn": moment}
        stage.audit_logs.insert_many(batch, ordered=False)


def _seal(stage: Stage, records: int) -> dict[str, bytes]:
    """Seals the records; what is published."""
    fields, outbox, objects = {"refId": 1, "recordedOn": 1, "digest": 1}, Outbox(stage.database), FakeObjects()
    own = sealer(stage.database, objects, LogKey("key", "bench", FakeKms()), FakeBus())  # type: ignore[arg-type]
    found = stage.audit_logs.find({"tenantId": TENANT}, fields).sort([("createdOn", 1), ("refId", 1)])
    with stage.database.client.start_session() as session:
        for _ in range(0, records, 250):
            outbox.add([{**next(found), "tenantId": TENANT} for _ in range(250)], session)
    own.seal(TENANT)
    return {key: body for key, body in objects.stored.items() if "/entries/" not in key}


def _plan(stage: Stage) -> dict[str, Any]:
    """A partition to archive; the message that tells of it."""
    stage.database.archive_partitions.delete_many({"tenantId": TENANT})
    message = {"refId": new_ref_id(), "tenantId": TENANT}
    state = {"state": "pending", "runId": new_ref_id(), "storageClass": "GLACIER"}
    place = {"month": "2024-02", "supplement": 0, "key": ArchiveKeys.of(log_name(TENANT), "2024-02", 0).file}
    window = {"recordedFrom": None, "recordedTo": datetime(2026, 3, 1, tzinfo=UTC)}
    none = {"records": 0, "rawBytes": 0, "bytes": 0, "seconds": 0.0, "uploadId": None, "log": None}
    ArchiveStore(stage.database).add({**message, **state, **place, **window, **none})
    return message


_s3: dict[str, bytes] = {}


def _prepare(uri: str, database: str, tiles: dict[str, bytes]) -> None:
    """Makes a process the function's."""
    _s3.update(tiles)
    logger.setLevel("ERROR")
    os.environ |= {
        "CHANCERY_MONGODB_URI": uri,
        "CHANCERY_MONGODB_DATABASE": database,
        "CHANCERY_ARCHIVE_BUCKET": "archive",
        "CHANCERY_ARCHIVE_QUEUE_URL": "https://queue",
        "CHANCERY_DEAD_LETTER_QUEUE_URL": "https://dead",
        "CHANCERY_LOG_BUCKET": "logs",
    }


def _archive(message: dict[str, Any], records: int) -> tuple[float, float]:
    """Seconds, and the peak of this process in megabytes."""
    seconds, _, _ = _archived(message, records)
    return seconds, _peak_megabytes()


def _archived(message: dict[str, Any], records: int) -> tuple[float, int, Counter[str]]:
    """Seconds, the bytes of the archive, and the calls of S3."""
    s3 = FakeS3(_s3)
    aws.client = lambda _: s3  # type: ignore[assignment]
    loop = bootstrap.archive_loop()
    sqs = {"messageId": "m", "body": orjson.dumps(message).decode(), "attributes": {"ApproximateReceiveCount": "1"}}
    began = time.perf_counter()
    assert loop.consume([sqs], lambda: 900_000) == []
    seconds = time.perf_counter() - began
    done = bootstrap.archive_store().get(message)
    assert (done["state"], done["records"]) == ("archived", records)
    return seconds, done["bytes"], s3.calls


class ArchivedMonth(NamedTuple):
    """What the archive of a month took. `reads`, `writes`: calls of S3."""

    records: int
    seconds: float
    bytes: int
    reads: int
    writes: int


def archived_month(stage: Stage, records: int) -> ArchivedMonth:
    """Archives a month of so many records, in a process of its own."""
    _store(stage, records)
    tiles = _seal(stage, records)
    with multiprocessing.get_context("spawn").Pool(1) as worker:
        worker.apply(_prepare, (stage.uri("archiver"), stage.database.name, tiles))
        seconds, size, calls = worker.apply(_archived, (_plan(stage), records))
    reads = calls["get_object"] + calls["head_object"]
    return ArchivedMonth(records, seconds, size, reads, calls.total() - reads)


def _peak_megabytes() -> float:
    """VmHWM: what getrusage calls the peak of a new process is that of the one it comes from."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def _raw(uri: str, database: str, records: int) -> float:
    """Seconds that the least takes which makes compressed lines of the records."""
    with connect(uri) as client:
        began = time.perf_counter()
        compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        cursor = client[database].audit_logs.find({"tenantId": TENANT}, {"_id": 0})
        size = seen = 0
        for record in cursor.sort([("createdOn", 1), ("refId", 1)]).batch_size(2000):
            line = orjson.dumps(record, default=bytes.hex, option=orjson.OPT_APPEND_NEWLINE)
            size += len(compressor.compress(line))
            seen += 1
        size += len(compressor.flush())
        assert seen == records
        return time.perf_counter() - began


class FakeS3:
    """As much of S3's client as is called here; it stores hash and length of parts, and counts calls."""

    calls: Counter[str]

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if callable(found) and not name.startswith("_") and name != "paginate":
            self.calls[name] += 1
        return found

    def __init__(self, tiles: dict[str, bytes]) -> None:
        self.calls = Counter()
        self._objects: dict[str, dict[str, Any]] = {key: {"Body": body, "ETag": ""} for key, body in tiles.items()}
        self._parts: list[tuple[bytes, int]] = []

    def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        self._parts = []
        return {"UploadId": "upload"}

    def upload_part(self, *, Body: bytes, ChecksumSHA256: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._parts.append((b64decode(ChecksumSHA256), len(Body)))
        return {"ETag": str(len(self._parts))}

    def get_paginator(self, _: str) -> "FakeS3":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Parts": [{"PartNumber": at, "ETag": str(at)} for at in range(1, len(self._parts) + 1)]}]

    def complete_multipart_upload(self, *, Key: str, **_: Any) -> None:  # noqa: N803
        digest = sha256(b"".join(digest for digest, _ in self._parts)).digest()
        checksum = f"{b64encode(digest).decode()}-{len(self._parts)}"
        self._objects[Key] = {"ContentLength": sum(size for _, size in self._parts), "ChecksumSHA256": checksum}

    def list_multipart_uploads(self, **_: Any) -> dict[str, Any]:
        return {}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        self._objects[Key] = {"ContentLength": len(Body), "Body": Body, "ETag": ""}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {**self._objects[Key], "Body": _Body(self._objects[Key]["Body"])}

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        from botocore.exceptions import ClientError

        if Key not in self._objects:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return self._objects[Key]


class _Body(BytesIO):
    def iter_chunks(self, size: int) -> Any:
        return iter(lambda: self.read(size), b"")


if __name__ == "__main__":
    with stage() as database:
        bench_archive(database, 1_000_000, 3)
