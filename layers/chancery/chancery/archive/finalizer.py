"""Finalizes an archived month: completes its file, writes proof, index and manifest. Every step is idempotent.

The log's head and the versions depend on the moment, so they are chosen once and stored in the partition.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.month_index import month_index
from chancery.archive.partition_claim import PartitionClaim
from chancery.core.aws.objects import PART_BYTES, joined
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.mongo.client import Document
from chancery.tlog.archive_manifest import composite_checksum, log_range, serialize_manifest
from chancery.tlog.merkle import CompactRange

_JSON, _LINES = "application/json", "application/x-ndjson"
# US dollars in us-east-1 (https://aws.amazon.com/s3/pricing/): a GB for a month, and a thousand requests. Parts are
# sent at the rate of STANDARD; the request that makes the file of them is one of its storage class.
_STANDARD = (0.023, 0.005)
_PRICES = {"GLACIER": (0.0036, 0.03), "DEEP_ARCHIVE": (0.00099, 0.05)}
# "For each object, S3 adds 32 KB at the rate of the storage class and 8 KB at that of STANDARD."
_OVERHEAD, _STANDARD_OVERHEAD = 32 * 1024, 8 * 1024
_GB = 1024**3


class Log(Protocol):
    """Published tree heads of tenants, and proofs that records are in a log (by leaf index; NO_LEAF for no leaf)."""

    def head(self, tenant_id: str | None) -> Document | None: ...
    def proof(self, head: Document, records: int, positions: Iterable[int]) -> Iterator[bytes]: ...


class ArchiveDamaged(ChanceryError):
    """The bucket's objects differ from those that were sent: a 500, and the month is not archived."""


@dataclass(frozen=True, slots=True)
class Positions:
    """The leaf index of each record, in the file's order; each iteration reads them from the parts again."""

    claim: PartitionClaim

    def __iter__(self) -> Iterator[int]:
        for part in self.claim.parts("positions"):
            yield from array("Q", part["positions"])


@dataclass(frozen=True, slots=True)
class Finalizer:
    """Finalizes months whose parts are all in S3."""

    log: Log
    bucket: ArchiveBucket
    versions: Mapping[str, str]
    part_bytes: int = PART_BYTES

    def finalize(self, claim: PartitionClaim) -> None:
        """Leaves the partition archived. Raises StaleVersion, UploadGone, Unavailable, ArchiveDamaged."""
        done = claim.progress()
        positions = Positions(claim)
        if claim.partition["log"] is None:
            claim.advance(log=self._head(claim.partition, positions), versions=dict(self.versions))
        described = self._manifest(claim.partition, done, self._file(claim.partition, done), positions)
        index = self._write_sidecars(claim, positions, described)
        size = sum(part["bytes"] for part in done)
        claim.advance(
            state="archived",
            uploadId=None,
            first=done[0]["first"],
            last=done[-1]["last"],
            manifestSha256=sha256(described).hexdigest(),
            indexSha256=sha256(index).hexdigest(),
            cost=cost(size, len(done), claim.partition["storageClass"]),
        )

    def _head(self, partition: Document, positions: Iterable[int]) -> Document:
        """The tenant's tree head, which must cover every leaf of the file; {} without a log. Raises Unavailable."""
        head = self.log.head(partition["tenantId"]) or {}
        size = head.get("publishedSize", 0)
        last = log_range(head, positions)["lastIndex"]
        if last is not None and last >= size:
            raise Unavailable("A record of the month waits for its checkpoint.")
        return {name: head[name] for name in ("log", "publishedSize", "checkpoint")} if size else {}

    def _file(self, partition: Document, done: Sequence[Document]) -> Mapping[str, Any]:
        """Completes the file; returns its head in S3. Raises ArchiveDamaged when its length or hash is another."""
        key, hashes = partition["key"], [part["sha256"] for part in done]
        if self.bucket.head(key) is None:
            self.bucket.complete_file(key, partition["uploadId"], hashes)
        head = self.bucket.head(key) or {"bytes": None}
        if head["bytes"] != sum(part["bytes"] for part in done) or head["checksumSha256"] != composite_checksum(hashes):
            raise ArchiveDamaged(f"S3 does not have the file that was sent at {key}.")
        return head

    def _manifest(
        self, partition: Document, done: Sequence[Document], head: Mapping[str, Any], positions: Iterable[int]
    ) -> bytes:
        tree = CompactRange(sum(part["records"] for part in done), done[-1]["subtrees"])
        range_ = log_range(partition["log"], positions)
        return serialize_manifest(partition, done, tree.root(), range_, head["encryptionKey"])

    def _write_sidecars(self, claim: PartitionClaim, positions: Iterable[int], described: bytes) -> bytes:
        """Writes proof, index and at last the manifest, which it reads again; returns the index."""
        partition = claim.partition
        if partition["log"]:
            proof = self.log.proof(partition["log"], partition["records"], positions)
            self.bucket.ensure_long(claim.keys.proof, proof, _LINES, self.part_bytes)
        fields = ("first", "last", "actors", "actions", "resources")
        index = month_index(lambda: claim.parts(*fields))
        self.bucket.ensure(claim.keys.index, index, _JSON)
        self.bucket.ensure(claim.keys.manifest, described, _JSON)
        if joined(self.bucket.stream(claim.keys.manifest)) != described:
            raise ArchiveDamaged(f"S3 does not have the manifest that was sent at {claim.keys.manifest}.")
        return index


def cost(size: int, parts: int, storage_class: str) -> dict[str, Any]:
    """US dollars: once to write an archived file of `size` bytes, and for each month it is stored.

    Without its manifest, proof and index in STANDARD.
    """
    month, thousand = _PRICES[storage_class]
    writing = ((parts + 1) * _STANDARD[1] + thousand) / 1000
    storing = ((size + _OVERHEAD) * month + _STANDARD_OVERHEAD * _STANDARD[0]) / _GB
    return {"writingUsd": round(writing, 6), "monthlyUsd": round(storing, 9), "prices": "us-east-1"}
