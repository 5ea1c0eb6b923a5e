"""Archives a tenant's month: part by part, in constant memory, carried on by the next message to the same end.

What is done stands in the partition and its parts, and only the worker that moved the partition on last may move it
again: one that was overtaken stops at its next step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from chancery.archive.bloom_index import marks_of, resource_texts
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.files import Lines, Part, parts
from chancery.archive.finalizer import Completion
from chancery.archive.months import Month
from chancery.archive.partition_claim import StaleVersion, Work
from chancery.archive.store import ArchiveStore
from chancery.core.aws.objects import PART_BYTES, UploadGone
from chancery.core.aws.queue import Queue, body_of, receives
from chancery.core.errors import ChanceryError, NotFound, Unavailable, reason_of
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.tlog.merkle import CompactRange

_TIME_FOR_A_PART_MS = 60_000
_TIME_TO_COMPLETE_MS, _MORE_FOR_A_MILLION_MS, _MOST_MS = 120_000, 60_000, 600_000


class Records(Protocol):
    """What streams a month's records, oldest first: `audit.store.AuditStore`."""

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
    completion: Completion
    queue: Queue
    max_receives: int
    part_bytes: int = PART_BYTES

    def consume(self, messages: Sequence[Mapping[str, Any]], remaining_ms: Callable[[], int]) -> list[str]:
        """Works on the partitions of SQS `messages`; the ids of those to deliver again. A last error stays."""
        failed = []
        for message in messages:
            ref_id, last = None, receives(message) >= self.max_receives
            try:
                wanted = body_of(message, "refId", "tenantId")
                ref_id = wanted["refId"]
                self.work(wanted, remaining_ms, last=last)
            except NotFound:
                logger.warning("ARCHIVE_UNKNOWN", ref_id=ref_id)
            except Exception as exc:
                failed.append(message)
                if last:
                    logger.error("ARCHIVE_FAILED", ref_id=ref_id, reason=reason_of(exc))
                else:
                    logger.warning("ARCHIVE_DEFERRED", ref_id=ref_id, reason=reason_of(exc))
        if failed:
            self.queue.pause(failed)
        return [message["messageId"] for message in failed]

    def work(self, message: Mapping[str, Any], remaining_ms: Callable[[], int], *, last: bool = False) -> None:
        """Works until the month is archived or time runs short, then has another message carry on.

        Safe to repeat and to kill anywhere. An error of the `last` delivery stays with the month. Raises NotFound,
        Unavailable, ArchiveDamaged, NothingToArchive.
        """
        work = Work.on(self.store, self._get(message))
        try:
            self._work(work, message, remaining_ms)
        except Exception as exc:
            if last:
                self._fail(work, reason_of(exc))
            raise

    def _work(self, work: Work, message: Mapping[str, Any], remaining_ms: Callable[[], int]) -> None:
        try:
            if not _is_open(work.partition) or self._archive(work, remaining_ms):
                self._leave_nothing_behind(work)
            else:
                self.queue.send(orjson.dumps({name: message[name] for name in ("refId", "tenantId")}).decode())
        except StaleVersion:
            logger.info("ARCHIVE_OVERTAKEN", ref_id=message["refId"])
            if not _is_open(self._get(message)):  # else the other one tidies up when it is done
                self._leave_nothing_behind(work)
        except UploadGone:
            self._begin_again(work)

    def _get(self, message: Mapping[str, Any]) -> Document:
        return self.store.get({"tenantId": message["tenantId"], "refId": message["refId"]})

    def _archive(self, work: Work, remaining_ms: Callable[[], int]) -> bool:
        """Whether there is nothing left to do."""
        work.advance(state="running", error=None)
        if not self._write(work, remaining_ms):
            return False
        if not work.partition["records"]:
            raise NothingToArchive("There is no record to archive.")
        self.completion.complete(work)
        count("MonthsArchived")
        count("RecordsArchived", work.partition["records"])
        return True

    def _leave_nothing_behind(self, work: Work) -> None:
        """Ends uploads of workers that were overtaken or killed, and forgets the parts."""
        self.bucket.abort_uploads(f"{work.stem}.")
        self.store.forget_parts(work.partition)

    # ---- the parts of the file

    def _write(self, work: Work, remaining_ms: Callable[[], int]) -> bool:
        """Uploads the parts that are missing; whether that was all, and time is left to complete the file."""
        self.bucket.abort_uploads(f"{work.stem}.", work.partition["uploadId"])
        done = work.progress()
        tree = CompactRange(sum(part["records"] for part in done), done[-1]["subtrees"] if done else ())
        records = self._records(work.partition, done[-1]["last"] if done else None)
        number = len(done)
        with closing(parts(records, self.lines, tree, self.part_bytes)) as missing:
            for number, part in enumerate(missing, len(done) + 1):
                self._save(work, number, part)
                if remaining_ms() < _TIME_FOR_A_PART_MS:
                    return False
        return number == len(done) or remaining_ms() >= _time_to_complete(tree.size)

    def _records(self, partition: Document, after: Document | None) -> Iterator[Document]:
        month = Month.parse(partition["month"])
        recorded = (partition["recordedFrom"], partition["recordedTo"])
        return self.records.recorded_between(partition["tenantId"], (month.start, month.end), recorded, after)

    def _save(self, work: Work, number: int, part: Part) -> None:
        if work.partition["uploadId"] is None:
            self._begin(work)
        partition = work.partition
        digest = self.bucket.part(partition["key"], partition["uploadId"], number, part.body)
        work.add_part(
            _remembered(number, digest, part),
            records=partition["records"] + part.records,
            bytes=partition["bytes"] + len(part.body),
            rawBytes=partition["rawBytes"] + part.raw_bytes,
        )

    def _begin(self, work: Work) -> None:
        key = work.partition["key"]
        upload_id = self.bucket.begin(key, work.partition["storageClass"])
        try:
            work.advance(uploadId=upload_id)
        except StaleVersion:
            self.bucket.abort(key, upload_id)
            raise

    def _begin_again(self, work: Work) -> None:
        """The upload was aborted, by the bucket's lifecycle or by hand, or has other parts than are remembered."""
        try:
            work.advance(uploadId=None, log=None, versions=None, records=0, bytes=0, rawBytes=0)
        except StaleVersion:
            return
        raise Unavailable("The upload of the month is gone; it begins again.")

    def _fail(self, work: Work, reason: str) -> None:
        """Marks a month as failed, until it is taken up again; one that another worker has taken over is not."""
        if _is_open(work.partition):
            with suppress(ChanceryError, StaleVersion):
                work.advance(state="failed", error=reason)


def _is_open(partition: Document) -> bool:
    """Whether a month is still to be archived. One that failed with a manifest is not: its restore did."""
    return partition["state"] in ("pending", "running", "failed") and partition.get("manifestSha256") is None


def _remembered(number: int, digest: str, part: Part) -> Document:
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


def _time_to_complete(records: int) -> int:
    return min(_TIME_TO_COMPLETE_MS + records * _MORE_FOR_A_MILLION_MS // 1_000_000, _MOST_MS)
