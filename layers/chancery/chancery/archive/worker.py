"""Archives a tenant's month part by part, in constant memory; the next message continues a month to the same bytes.

Progress is stored in the partition and its parts. The partition's `version` is an optimistic lock: a worker that
another one has superseded stops at its next step.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.files import Lines, Part, parts
from chancery.archive.finalizer import Finalizer
from chancery.archive.month_index import marks_of, resource_texts
from chancery.archive.month_selection import Month
from chancery.archive.partition_claim import PartitionClaim
from chancery.archive.store import ArchiveStore, StaleVersion
from chancery.core.aws.objects import PART_BYTES, UploadGone
from chancery.core.aws.queue import ItemRef, Message, Queue
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.tlog.merkle import CompactRange

_TIME_FOR_A_PART_MS = 60_000
_TIME_TO_FINALIZE_MS, _MORE_FOR_A_MILLION_MS, _MOST_MS = 120_000, 60_000, 600_000


class Records(Protocol):
    """Streams the records of a month, oldest first; see `audit.store.AuditStore`."""

    def recorded_between(
        self,
        tenant_id: str | None,
        created: tuple[datetime, datetime],
        recorded: tuple[datetime | None, datetime],
        after: Document | None,
    ) -> Iterator[Document]: ...


class NothingToArchive(ChanceryError):
    """A month was planned and has no record: a 500, since records do not vanish."""


@dataclass(frozen=True, slots=True)
class ArchiveWorker:
    """Works on one partition a message."""

    store: ArchiveStore
    records: Records
    lines: Lines
    bucket: ArchiveBucket
    finalizer: Finalizer
    queue: Queue
    part_bytes: int = PART_BYTES

    name: ClassVar[str] = "archive"
    rescheduled: ClassVar[bool] = False  # the next run is a month away

    def parse(self, message: Message) -> PartitionClaim:
        """The partition that a message is about, not loaded yet."""
        return PartitionClaim(ItemRef.parse(message), self.store)

    def work(self, claim: PartitionClaim, delivery: Delivery) -> None:
        """Works until the month is archived or time runs short; then another message continues.

        Safe to repeat and to kill anywhere. Raises NotFound, Unavailable, ArchiveDamaged, NothingToArchive.
        """
        claim.load()
        try:
            if not claim.is_open or self._archive(claim, delivery.remaining_ms):
                self._clean_up(claim)
            else:
                self.queue.send(claim.ref.to_message())
        except StaleVersion:
            logger.info("ARCHIVE_SUPERSEDED", ref_id=claim.ref.ref_id)
            claim.load()
            if not claim.is_open:  # else the other worker cleans up when it is done
                self._clean_up(claim)
        except UploadGone:
            self._restart(claim)

    def failed(self, claim: PartitionClaim, reason: str) -> None:
        """Marks a month as failed until a run plans it again, unless another worker has taken it over."""
        if not claim.partition:  # this delivery has not loaded it
            claim.load()
        if claim.partition["state"] in ("pending", "running"):
            with suppress(StaleVersion):
                claim.advance(state="failed", error=reason)

    def _archive(self, claim: PartitionClaim, remaining_ms: Callable[[], int]) -> bool:
        """Whether the month is archived; otherwise another message has to continue."""
        claim.advance(state="running", error=None)
        if not self._write(claim, remaining_ms):
            return False
        if not claim.partition["records"]:
            raise NothingToArchive("There is no record to archive.")
        self.finalizer.finalize(claim)
        count("MonthsArchived")
        count("RecordsArchived", claim.partition["records"])
        return True

    def _clean_up(self, claim: PartitionClaim) -> None:
        """Aborts the uploads of superseded and killed workers, and deletes the parts."""
        self.bucket.abort_uploads(f"{claim.keys.stem}.")
        self.store.delete_parts(claim.partition)

    # ---- the parts of the file

    def _write(self, claim: PartitionClaim, remaining_ms: Callable[[], int]) -> bool:
        """Uploads the missing parts; whether the file has all of them and time is left to finalize it."""
        self.bucket.abort_uploads(f"{claim.keys.stem}.", claim.partition["uploadId"])
        done = claim.progress()
        tree = CompactRange(sum(part["records"] for part in done), done[-1]["subtrees"] if done else ())
        records = self._records(claim.partition, done[-1]["last"] if done else None)
        number = len(done)
        with closing(parts(records, self.lines, tree, self.part_bytes)) as missing:
            for number, part in enumerate(missing, len(done) + 1):
                self._save_part(claim, number, part)
                if remaining_ms() < _TIME_FOR_A_PART_MS:
                    return False
        return number == len(done) or remaining_ms() >= _time_to_finalize(tree.size)

    def _records(self, partition: Document, after: Document | None) -> Iterator[Document]:
        month = Month.parse(partition["month"])
        recorded = (partition["recordedFrom"], partition["recordedTo"])
        return self.records.recorded_between(partition["tenantId"], (month.start, month.end), recorded, after)

    def _save_part(self, claim: PartitionClaim, number: int, part: Part) -> None:
        if claim.partition["uploadId"] is None:
            self._begin_upload(claim)
        partition = claim.partition
        sent = self.bucket.part(partition["key"], partition["uploadId"], number, part.body)
        claim.add_part(
            _stored_part(number, sent.sha256, part),
            records=partition["records"] + part.records,
            bytes=partition["bytes"] + len(part.body),
            rawBytes=partition["rawBytes"] + part.raw_bytes,
        )

    def _begin_upload(self, claim: PartitionClaim) -> None:
        key = claim.partition["key"]
        upload_id = self.bucket.begin_file(key, claim.partition["storageClass"])
        try:
            claim.advance(uploadId=upload_id)
        except StaleVersion:
            self.bucket.abort(key, upload_id)
            raise

    def _restart(self, claim: PartitionClaim) -> None:
        """Begins a month anew whose upload was aborted, or has other parts than the database."""
        try:
            claim.advance(uploadId=None, log=None, versions=None, records=0, bytes=0, rawBytes=0)
        except StaleVersion:
            return
        raise Unavailable("The upload of the month is gone; it begins again.")


def _stored_part(number: int, digest: str, part: Part) -> Document:
    return {
        "number": number,
        "sha256": digest,
        "bytes": len(part.body),
        "rawBytes": part.raw_bytes,
        "records": part.records,
        "first": part.first,
        "last": part.last,
        "positions": part.positions.tobytes(),
        "subtrees": part.subtrees,
        "actors": marks_of(part.actors),
        "actions": sorted(part.actions),
        "resources": marks_of(resource_texts(part.resources)),
    }


def _time_to_finalize(records: int) -> int:
    return min(_TIME_TO_FINALIZE_MS + records * _MORE_FOR_A_MILLION_MS // 1_000_000, _MOST_MS)
