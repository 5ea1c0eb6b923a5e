"""Archives a tenant's month: part by part, in constant memory, carried on by the next message to the same end."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

import orjson

from chancery.archive.bucket import FILE_SUFFIX, ArchiveBucket
from chancery.archive.files import NO_LEAF, PART_BYTES, Lines, Part, parts
from chancery.archive.manifest import composite, cost, manifest
from chancery.archive.month_index import month_index
from chancery.archive.months import Month
from chancery.archive.store import ArchiveStore
from chancery.core.errors import ChanceryError, NotFound
from chancery.core.merkle import CompactRange
from chancery.core.mongo import Document
from chancery.core.objects import UploadGone
from chancery.core.observability import count, logger
from chancery.core.queue import Queue, receives

_TIME_TO_FINISH_MS = 120_000


class Records(Protocol):
    """What streams a month's records, oldest first: `audit.store.AuditStore`."""

    def recorded_between(
        self,
        tenant_id: str | None,
        month: tuple[datetime, datetime],
        recorded: tuple[datetime | None, datetime],
        after: Document | None,
    ) -> Iterator[Document]: ...


class Log(Protocol):
    """The tenant's log as it is now, and the proof that indexes are in it."""

    def head(self, tenant_id: str | None) -> Document | None: ...
    def proof(self, head: Document, positions: array[int]) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class ArchiveWorker:
    """Works on one partition a message."""

    store: ArchiveStore
    records: Records
    lines: Lines
    log: Log
    bucket: ArchiveBucket
    queue: Queue
    max_receives: int
    versions: Mapping[str, str]
    part_bytes: int = PART_BYTES

    def consume(self, messages: Sequence[Mapping[str, Any]], remaining_ms: Callable[[], int]) -> list[str]:
        """Works on the partitions of SQS `messages`; the ids of those to deliver again. A last error stays."""
        failed = []
        for message in messages:
            wanted = orjson.loads(message["body"])
            try:
                self.work(wanted, remaining_ms)
            except NotFound:
                logger.warning("ARCHIVE_UNKNOWN", ref_id=wanted["refId"])
            except ChanceryError as exc:
                failed.append(message)
                logger.error("ARCHIVE_DEFERRED", ref_id=wanted["refId"], reason=exc.detail)
                if receives(message) >= self.max_receives:
                    self._fail(wanted, exc.detail)
        if failed:
            self.queue.pause(failed)
        return [message["messageId"] for message in failed]

    def work(self, message: Mapping[str, Any], remaining_ms: Callable[[], int]) -> None:
        """Works until the month is archived or time runs short, then has another message carry on.

        Safe to repeat and to kill anywhere: it goes on after the last part that is remembered. Raises Unavailable.
        """
        own = {"tenantId": message["tenantId"], "refId": message["refId"]}
        partition = self.store.get(own)
        if partition["state"] not in ("pending", "running", "failed"):
            return
        running = self.store.advance(partition, state="running", error=None)
        if running is None:
            return
        began = self.store.clock()
        try:
            written = self._write(running, remaining_ms)
            took = (self.store.clock() - began).total_seconds()
            if written is None:
                self.store.advance(running, seconds=running["seconds"] + took)
                self.queue.send(orjson.dumps(own).decode())
                return
            self._finish(written, took)
        except UploadGone:
            self._begin_again(own)

    def _write(self, partition: Document, remaining_ms: Callable[[], int]) -> Document | None:
        """Uploads what is missing of the file; the partition once it is whole, None when time runs short."""
        key, upload_id = partition["key"], partition.get("uploadId")
        self.bucket.abort_others(key, upload_id)
        done = self.store.progress(partition)
        if upload_id is None:
            upload_id = self.bucket.begin(key, partition["storageClass"])
            begun = self.store.advance(partition, uploadId=upload_id)
            if begun is None:
                return None
            partition.update(begun)
        tree = CompactRange(sum(part["records"] for part in done), done[-1]["subtrees"] if done else ())
        month = Month.parse(partition["month"])
        records = self.records.recorded_between(
            partition["tenantId"],
            (month.start, month.end),
            (partition["recordedFrom"], partition["recordedTo"]),
            done[-1]["last"] if done else None,
        )
        for number, part in enumerate(parts(records, self.lines, tree, self.part_bytes), len(done) + 1):
            digest = sha256(part.body).hexdigest()
            etag = self.bucket.part(key, upload_id, number, part.body, digest)
            self.store.add_part(self._remembered(partition, number, etag, digest, part))
            if remaining_ms() < _TIME_TO_FINISH_MS:
                return None
        return partition

    def _remembered(self, partition: Document, number: int, etag: str, digest: str, part: Part) -> Document:
        return {
            "tenantId": partition["tenantId"],
            "partitionId": partition["refId"],
            "number": number,
            "createdOn": self.store.clock(),
            "etag": etag,
            "sha256": digest,
            "bytes": len(part.body),
            "rawBytes": part.raw_bytes,
            "records": part.records,
            "first": part.first,
            "last": part.last,
            "positions": part.positions.tobytes(),
            "subtrees": part.subtrees,
            "actors": sorted(part.actors),
            "actions": sorted(part.actions),
            "resources": sorted(part.resources),
        }

    def _finish(self, partition: Document, took: float) -> None:
        """Makes the file whole and writes what stands beside it; each step may have been done before."""
        key, done = partition["key"], self.store.progress(partition)
        if not done:
            self.bucket.abort_others(key, None)
            self.store.advance(partition, state="failed", uploadId=None, error="There is no record to archive.")
            return
        if partition["log"] is None:
            chosen = self.store.advance(partition, log=self.log.head(partition["tenantId"]) or {})
            if chosen is None:
                return
            partition = chosen
        if self.bucket.head(key) is None:
            self.bucket.complete(key, partition["uploadId"], done)
        self._check(key, done)
        positions = self._positions(partition)
        about = _log_of(partition["log"], positions)
        tree = CompactRange(sum(part["records"] for part in done), done[-1]["subtrees"])
        described = manifest(partition, done, tree.root(), about, self.bucket.name, dict(self.versions))
        stem = key.removesuffix(FILE_SUFFIX)
        if about["sealed"]:
            self.bucket.put(
                f"{stem}.proof", b"".join(self.log.proof(partition["log"], positions)), "application/x-ndjson"
            )
        self.bucket.put(f"{stem}.index.json", month_index(lambda: self.store.parts(partition)), "application/json")
        self.bucket.put(f"{stem}.manifest.json", described, "application/json")
        size = sum(part["bytes"] for part in done)
        archived = self.store.advance(
            partition,
            state="archived",
            uploadId=None,
            records=tree.size,
            rawBytes=sum(part["rawBytes"] for part in done),
            bytes=size,
            first=done[0]["first"],
            last=done[-1]["last"],
            seconds=partition["seconds"] + took,
            manifestSha256=sha256(described).hexdigest(),
            cost=cost(size, len(done), partition["storageClass"]),
        )
        if archived:
            self.store.forget_parts(partition)
            count("MonthsArchived")
            count("RecordsArchived", tree.size)

    def _check(self, key: str, done: Sequence[Document]) -> None:
        """Whether S3 has what was sent. Raises ArchiveDamaged."""
        head = self.bucket.head(key)
        expected = composite([part["sha256"] for part in done])
        if head is None or head["bytes"] != sum(part["bytes"] for part in done) or head["checksumSha256"] != expected:
            raise ArchiveDamaged(f"S3 does not have the file that was sent at {key}.")

    def _positions(self, partition: Document) -> array[int]:
        positions = array("Q")
        for part in self.store.parts(partition):
            positions.frombytes(part["positions"])
        return positions

    def _begin_again(self, own: Document) -> None:
        """The upload is gone without having become a file: it was aborted, or expired."""
        partition = self.store.get(own)
        self.store.forget_parts(partition)
        if self.store.advance(partition, state="pending", uploadId=None):
            self.queue.send(orjson.dumps(own).decode())

    def _fail(self, message: Mapping[str, Any], reason: str) -> None:
        partition = self.store.get({"tenantId": message["tenantId"], "refId": message["refId"]})
        if partition["state"] != "archived":
            self.store.advance(partition, state="failed", error=reason)


class ArchiveDamaged(ChanceryError):
    """What was written is not what is there: a 500, and the month is archived again under the next supplement."""


def _log_of(head: Mapping[str, Any], positions: array[int]) -> Document:
    """What the manifest says of the tenant's log."""
    sealed = [position for position in positions if position != NO_LEAF]
    return {
        "name": head.get("log"),
        "checkpoint": head.get("checkpoint"),
        "firstIndex": min(sealed, default=None),
        "lastIndex": max(sealed, default=None),
        "sealed": len(sealed),
        "unsealed": len(positions) - len(sealed),
    }
