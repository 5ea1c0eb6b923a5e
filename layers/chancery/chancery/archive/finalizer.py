"""Makes an archived month's file of its parts, and writes what stands beside it. Each step may have been done before.

What depends on the moment, the log's head and the versions, is chosen once and kept in the partition.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from chancery.archive.bloom_index import month_index
from chancery.archive.bucket import ArchiveBucket, joined
from chancery.archive.manifest import composite, cost, log_range, manifest
from chancery.archive.partition_claim import Work
from chancery.core.aws.objects import PART_BYTES
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.mongo.client import Document
from chancery.tlog.merkle import CompactRange

_JSON, _LINES = "application/json", "application/x-ndjson"


class Log(Protocol):
    """The logs of tenants as they are published, and the proof that records are in one (indexes, NO_LEAF for none)."""

    def head(self, tenant_id: str | None) -> Document | None: ...
    def proof(self, head: Document, records: int, positions: Iterable[int]) -> Iterator[bytes]: ...


class ArchiveDamaged(ChanceryError):
    """What is in the bucket is not what was sent: a 500, and nothing is said to be archived."""


@dataclass(frozen=True, slots=True)
class Positions:
    """The indexes of a file's records in the tenant's log, in the file's order; read anew each time, part by part."""

    work: Work

    def __iter__(self) -> Iterator[int]:
        for part in self.work.parts("positions"):
            yield from array("Q", part["positions"])


@dataclass(frozen=True, slots=True)
class Completion:
    """Brings months whose parts are all in S3 to their end."""

    log: Log
    bucket: ArchiveBucket
    versions: Mapping[str, str]
    part_bytes: int = PART_BYTES

    def complete(self, work: Work) -> None:
        """Ends with a partition that is archived. Raises StaleVersion, UploadGone, Unavailable, ArchiveDamaged."""
        done = work.progress()
        positions = Positions(work)
        if work.partition["log"] is None:
            work.advance(log=self._head(work.partition, positions), versions=dict(self.versions))
        described = self._manifest(work.partition, done, self._file(work.partition, done), positions)
        index = self._put_beside(work, positions, described)
        size = sum(part["bytes"] for part in done)
        work.advance(
            state="archived",
            uploadId=None,
            first=done[0]["first"],
            last=done[-1]["last"],
            manifestSha256=sha256(described).hexdigest(),
            indexSha256=sha256(index).hexdigest(),
            cost=cost(size, len(done), work.partition["storageClass"]),
        )

    def _head(self, partition: Document, positions: Iterable[int]) -> Document:
        """The tenant's tree head, which every leaf of the file must be under; {} without a log."""
        head = self.log.head(partition["tenantId"]) or {}
        size = head.get("publishedSize", 0)
        last = log_range(head, positions)["lastIndex"]
        if last is not None and last >= size:
            raise Unavailable("A record of the month waits for its checkpoint.")
        return {name: head[name] for name in ("log", "publishedSize", "checkpoint")} if size else {}

    def _file(self, partition: Document, done: Sequence[Document]) -> Mapping[str, Any]:
        """Makes the file of its parts; what S3 says of it. Raises ArchiveDamaged when that is not what was sent."""
        key, hashes = partition["key"], [part["sha256"] for part in done]
        if self.bucket.head(key) is None:
            self.bucket.complete(key, partition["uploadId"], hashes)
        head = self.bucket.head(key) or {"bytes": None}
        if head["bytes"] != sum(part["bytes"] for part in done) or head["checksumSha256"] != composite(hashes):
            raise ArchiveDamaged(f"S3 does not have the file that was sent at {key}.")
        return head

    def _manifest(
        self, partition: Document, done: Sequence[Document], head: Mapping[str, Any], positions: Iterable[int]
    ) -> bytes:
        tree = CompactRange(sum(part["records"] for part in done), done[-1]["subtrees"])
        return manifest(partition, done, tree.root(), log_range(partition["log"], positions), head["encryptionKey"])

    def _put_beside(self, work: Work, positions: Iterable[int], described: bytes) -> bytes:
        """Writes proof, index and, when all else is there, the manifest, which is read again; the index."""
        partition = work.partition
        if partition["log"]:
            proof = self.log.proof(partition["log"], partition["records"], positions)
            self.bucket.write(f"{work.stem}.proof", proof, _LINES, self.part_bytes)
        fields = ("first", "last", "actors", "actions", "resources")
        index = month_index(lambda: work.parts(*fields))
        self.bucket.put(f"{work.stem}.index.json", index, _JSON)
        self.bucket.put(f"{work.stem}.manifest.json", described, _JSON)
        if joined(self.bucket.read(f"{work.stem}.manifest.json")) != described:
            raise ArchiveDamaged(f"S3 does not have the manifest that was sent at {work.stem}.manifest.json.")
        return index
