"""Completes restores: what S3 has brought back is checked whole, and only then loaded into the restored set.

Woken by S3's event of a file, by messages of its own where time ran short, and by a schedule behind both. Each part is
remembered once it is checked, and again once it is loaded, so whoever is killed is carried on with; a part that is
loaded twice is there once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from chancery.archive.archive_verifier import NotAsArchived, Progress, RecordCodec, RetrievedArchive
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.store import ArchiveStore
from chancery.core.aws.queue import ItemRef, Message, Queue, body_of
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import ChanceryError, NotFound, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.tlog.verified_tiles import VerifiedTileReader

_TIME_FOR_A_PART_MS = 120_000
_AT_WORK = timedelta(minutes=15)  # the longest that a worker can be at it, with its message still unseen
_LONGEST_LOAD = timedelta(hours=12)
_ON_ITS_WAY = 'ongoing-request="true"'


class RestoredSet(Protocol):
    """Where records are for a while that have come back: `audit.restored.RestoredSet`."""

    def hide(self, tenant_id: str | None, partition_id: str, until: datetime) -> None: ...
    def add(self, partition_id: str, records: Sequence[Document], until: datetime) -> None: ...
    def show(self, tenant_id: str | None, partition_id: str) -> None: ...
    def count(self, tenant_id: str | None, partition_id: str, beyond: datetime) -> int: ...


class Expired(ChanceryError):
    """S3 has taken the copy away before it was read, or its records' time was over before they were loaded."""


class _MovedOn(Exception):
    """Another worker has moved the partition on."""


class FileKey(NamedTuple):
    """The file that S3's event is about."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, message: Message) -> Self:
        """The file in the event `Object Restore Completed`. Raises ValidationFailed."""
        detail = body_of(message, "detail")["detail"]
        try:
            bucket, key = detail["bucket"]["name"], detail["object"]["key"]
        except (KeyError, TypeError):
            bucket = key = None
        if not isinstance(bucket, str) or not isinstance(key, str):
            raise ValidationFailed("The message is not S3's event: it names no bucket and key.")
        return cls(bucket, key)


@dataclass(frozen=True, slots=True)
class Restorer:
    """Works on one partition a message. `open_log`: the log of a name and signed checkpoint, or ValueError."""

    store: ArchiveStore
    bucket: ArchiveBucket
    codec: RecordCodec
    open_log: Callable[[str, str], VerifiedTileReader]
    restored: RestoredSet
    queue: Queue

    name: ClassVar[str] = "restores"
    rescheduled: ClassVar[bool] = True  # `sweep`, twice an hour: an outage must not cost S3's retrieval

    def parse(self, message: Message) -> FileKey | ItemRef:
        """The file that S3's event is about, or the partition of a message of our own. Raises ValidationFailed."""
        if "detail" in body_of(message):
            return FileKey.parse(message)
        return ItemRef.parse(message)

    def work(self, item: FileKey | ItemRef, delivery: Delivery) -> None:
        """Checks and loads until the records are there or time runs short; then another message continues.

        Safe to repeat and to kill anywhere. Raises NotFound, Unavailable.
        """
        self._work(self._find(item), delivery.remaining_ms)

    def failed(self, item: FileKey | ItemRef, reason: str) -> None:
        """Marks a restore as failed; another one may be requested."""
        self._fail(self._find(item), reason)

    def sweep(self) -> dict[str, int]:
        """Has every restore worked on that no event told of, and what has expired be archived again; how many."""
        moment, expired = self.store.clock(), 0
        for partition in self._in("restored"):
            self.restored.show(partition["tenantId"], partition["refId"])  # whoever lost a race may have hidden it
            if partition["restore"]["expiresOn"] <= moment and self.store.advance(partition, state="archived"):
                expired += 1
        quiet = [item for item in self._in("restoring") if moment - item["updatedOn"] >= _AT_WORK]
        waiting = [partition for partition in quiet if self._is_back_or_lost(partition)]
        for partition in waiting:
            self.tell(partition)
        return {"waiting": len(waiting), "expired": expired}

    def tell(self, partition: Document) -> None:
        """Has a restore worked on."""
        self.queue.send(ItemRef.of(partition).to_message())

    def _work(self, partition: Document, remaining_ms: Callable[[], int]) -> None:
        if partition["state"] != "restoring":
            return
        try:
            if self._is_back(partition):
                self._go_on(partition, remaining_ms)
        except NotAsArchived as exc:
            count("ArchivesDamaged")
            logger.critical("ARCHIVE_DAMAGED", ref_id=partition["refId"], key=partition["key"], reason=exc.detail)
            self._fail(partition, exc.detail)
        except Expired as exc:
            self._fail(partition, exc.detail)
        except _MovedOn:
            self._give_way(partition)

    # ---- from S3 into the restored set

    def _go_on(self, partition: Document, remaining_ms: Callable[[], int]) -> None:
        file = RetrievedArchive(self.bucket, partition, self.codec, self.open_log)
        progress = Progress.of(partition.get("restoring"))
        if progress.positions_from is None:
            file.check_proof(progress)
            partition = self._save(partition, progress)
        while progress.checked < len(file.parts):
            if remaining_ms() < _TIME_FOR_A_PART_MS:
                return self.tell(partition)
            file.check_next(progress)
            partition = self._save(partition, progress)
        if partition["restore"].get("expiresOn") is None:
            file.finish(progress)
            partition = self._begin_loading(partition, file.manifest.records)
        while progress.loaded < len(file.parts):
            if remaining_ms() < _TIME_FOR_A_PART_MS:
                return self.tell(partition)
            for batch in file.batches(file.parts[progress.loaded]):
                self.restored.add(partition["refId"], batch, self._until(partition))
            progress.loaded += 1
            loaded = sum(part.records for part in file.parts[: progress.loaded])
            partition = self._save(partition, progress, records=loaded)
        return self._show(partition, file.manifest.records)

    def _begin_loading(self, partition: Document, records: int) -> Document:
        """Everything holds: from now on counts how long the records stay.

        Those of an earlier restore stay in sight where none of them expires meanwhile.
        """
        tenant_id, ref_id, moment = partition["tenantId"], partition["refId"], self.store.clock()
        until = moment + timedelta(days=partition["restore"]["days"])
        if self.restored.count(tenant_id, ref_id, moment + _LONGEST_LOAD) < records:
            self.restored.hide(tenant_id, ref_id, until)
        return self._moved(partition, restore={**partition["restore"], "expiresOn": until})

    def _until(self, partition: Document) -> datetime:
        """How long the records stay. Raises Expired."""
        until: datetime = partition["restore"]["expiresOn"]
        if until <= self.store.clock():
            raise Expired("The days that were asked for were over before all records were loaded; ask for it again.")
        return until

    def _show(self, partition: Document, records: int) -> None:
        tenant_id, ref_id = partition["tenantId"], partition["refId"]
        until = self._until(partition)
        loaded = self.restored.count(tenant_id, ref_id, until - timedelta(milliseconds=1))
        if loaded != records:
            raise NotAsArchived(f"Of its {records} records {loaded} could be loaded.")
        self.restored.show(tenant_id, ref_id)
        done = {**partition["restore"], "completedOn": self.store.clock(), "records": loaded}
        self._moved(partition, state="restored", restore=done, restoring=None, error=None)
        count("ArchivesRestored")
        count("RecordsRestored", loaded)

    def _save(self, partition: Document, progress: Progress, **restore: Any) -> Document:
        return self._moved(partition, restoring=progress.as_stored(), restore={**partition["restore"], **restore})

    def _moved(self, partition: Document, **changes: Any) -> Document:
        moved = self.store.advance(partition, **changes)
        if moved is None:
            raise _MovedOn
        return moved

    def _fail(self, partition: Document, reason: str) -> None:
        """Ends a restore, and no later one. What it has loaded of a month is hidden until it expires."""
        now = self._again(partition)
        if now["state"] != "restoring" or now["restore"]["requestedOn"] != partition["restore"]["requestedOn"]:
            return
        if until := now["restore"].get("expiresOn"):
            self.restored.hide(now["tenantId"], now["refId"], until)
        restore = {**now["restore"], "error": reason}
        if self.store.advance(now, state="failed", error=reason, restore=restore, restoring=None) is None:
            self._give_way(now)

    def _give_way(self, partition: Document) -> None:
        """To the worker that moved the partition on; a month that it has shown may have been hidden by this one."""
        logger.info("RESTORE_MOVED_ON", ref_id=partition["refId"])
        if self._again(partition)["state"] == "restored":
            self.restored.show(partition["tenantId"], partition["refId"])

    # ---- what S3 says

    def _is_back(self, partition: Document) -> bool:
        """Whether the file can be read. Raises NotAsArchived where it has another length, Expired."""
        head = self.bucket.head(partition["key"])
        if head is None:
            raise NotAsArchived("The file is gone.")
        if head["bytes"] != partition["bytes"]:
            raise NotAsArchived(f"The file has {head['bytes']} bytes, and {partition['bytes']} were archived.")
        if head["storageClass"] != partition["storageClass"]:
            return True
        if head["restore"] is None:
            raise Expired("S3 has taken the restored copy away before it could be read; ask for it again.")
        return _ON_ITS_WAY not in head["restore"]

    def _is_back_or_lost(self, partition: Document) -> bool:
        try:
            return self._is_back(partition)
        except (Expired, NotAsArchived):
            return True

    def _find(self, item: FileKey | ItemRef) -> Document:
        """The partition of a message. Raises NotFound."""
        if isinstance(item, ItemRef):
            return self.store.get(item.query)
        if item.bucket != self.bucket.name:
            raise NotFound("This is not the archive's bucket.")
        return self.store.get({"key": item.key})

    def _again(self, partition: Document) -> Document:
        return self.store.get({"tenantId": partition["tenantId"], "refId": partition["refId"]})

    def _in(self, state: str) -> list[Document]:
        return self.store.partitions({"state": state}, [("month", 1)])
