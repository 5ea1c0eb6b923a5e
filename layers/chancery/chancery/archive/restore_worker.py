"""Completes restores: a file that S3 has brought back is checked whole, and only then loaded into the restored set.

S3's event of a file starts the worker, messages of its own continue where time ran short, and a schedule sends those
that were lost. Progress is stored after each part that is checked, and after each that is loaded, so that the next
delivery continues after a kill; loading a part is idempotent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple, Protocol, Self

from chancery.archive.archive_verifier import NotAsArchived, Progress, RecordCodec, RetrievedArchive
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.models import ACTIVE
from chancery.archive.restores import RestoreClaim, RestoreStore, partition_of, report_damage
from chancery.archive.store import ArchiveStore, StaleVersion
from chancery.core.aws.queue import ItemRef, Message, Queue, body_of
from chancery.core.aws.work_loop import LONGEST_ATTEMPT, Delivery
from chancery.core.errors import ChanceryError, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.tlog.verified_tiles import VerifiedTileReader

_TIME_FOR_A_PART_MS = 120_000
_LONGEST_LOAD = timedelta(hours=12)
_UNDER_WAY = 'ongoing-request="true"'


class RestoredSet(Protocol):
    """Stores restored records until they expire; see `audit.restored_records.RestoredSet`."""

    def mark_incomplete(self, tenant_id: str | None, partition_id: str, until: datetime) -> None: ...
    def add(self, partition_id: str, records: Sequence[Document], until: datetime) -> None: ...
    def mark_complete(self, tenant_id: str | None, partition_id: str) -> None: ...
    def count(self, tenant_id: str | None, partition_id: str, beyond: datetime) -> int: ...


class Expired(ChanceryError):
    """S3 has removed the copy before it was read, or the records would have expired before all were loaded."""


class FileKey(NamedTuple):
    """The file that S3's event is about."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}"

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
class RestoreWorker:
    """Works on one restore a message. `open_log`: the log of a name and signed checkpoint, or ValueError."""

    store: ArchiveStore
    restores: RestoreStore
    bucket: ArchiveBucket
    codec: RecordCodec
    open_log: Callable[[str, str], VerifiedTileReader]
    restored: RestoredSet
    queue: Queue

    name: ClassVar[str] = "restores"
    rescheduled: ClassVar[bool] = True  # `sweep`, twice an hour: an outage must not cost another retrieval from Glacier

    def parse(self, message: Message) -> FileKey | ItemRef:
        """The file that S3's event is about, or the restore of a message of our own. Raises ValidationFailed."""
        return FileKey.parse(message) if "detail" in body_of(message) else ItemRef.parse(message)

    def work(self, item: FileKey | ItemRef, delivery: Delivery) -> None:
        """Checks and loads until the records are there or time runs short; then another message continues.

        Safe to repeat and to kill anywhere. A redriven restore begins anew, unless another one of the partition
        followed it. Raises NotFound, Unavailable.
        """
        claim = self._claim(item)
        if claim is None or not (claim.is_active or self._reopened(claim, delivery)):
            return
        try:
            if self._is_back(claim.partition):
                self._restore(claim, delivery.remaining_ms)
        except NotAsArchived as exc:
            report_damage(claim.partition, exc.detail)
            self._fail(claim, exc.detail)
        except Expired as exc:
            self._fail(claim, exc.detail)
        except StaleVersion:
            self._give_way(claim)

    def failed(self, item: FileKey | ItemRef, reason: str) -> None:
        """Marks a restore as failed; another one may be requested."""
        claim = self._claim(item)
        if claim is not None:
            self._fail(claim, reason)

    def sweep(self) -> dict[str, int]:
        """Expires restores, and sends messages for those whose event or message was lost: `{waiting, expired}`."""
        moment, expired = self.restores.clock(), 0
        restored = self.restores.in_states("restored")
        newest = self.restores.newest(map(partition_of, restored))
        for restore in restored:
            if newest[restore["partitionId"]]["refId"] == restore["refId"]:
                self._publish(restore)  # a superseded worker may have hidden it
            if restore["expiresOn"] <= moment and self.restores.advance(restore, state="expired"):
                expired += 1
        quiet = [item for item in self.restores.in_states(*ACTIVE) if moment - item["updatedOn"] >= LONGEST_ATTEMPT]
        waiting = [restore for restore in quiet if self._is_back_or_lost(self._partition(restore))]
        for restore in waiting:
            self._send(restore)
        return {"waiting": len(waiting), "expired": expired}

    # ---- from S3 into the restored set

    def _restore(self, claim: RestoreClaim, remaining_ms: Callable[[], int]) -> None:
        file = RetrievedArchive(self.bucket, claim.partition, self.codec, self.open_log)
        progress = Progress.of(claim.restore["progress"])
        if self._check(claim, file, progress, remaining_ms) and self._load(claim, file, progress, remaining_ms):
            self._complete(claim, file.manifest.records)
        else:
            self._send(claim.restore)

    def _check(
        self, claim: RestoreClaim, file: RetrievedArchive, progress: Progress, remaining_ms: Callable[[], int]
    ) -> bool:
        """Whether all of the file is checked; otherwise another message has to continue."""
        if claim.restore["state"] == "loading":
            return True
        if progress.positions_from is None:
            file.check_proof(progress)
            claim.advance(state="checking", progress=progress.as_stored())
        while progress.checked < len(file.parts):
            if remaining_ms() < _TIME_FOR_A_PART_MS:
                return False
            file.check_next(progress)
            claim.advance(progress=progress.as_stored())
        file.finish(progress)
        self._begin_loading(claim, file.manifest.records)
        return True

    def _begin_loading(self, claim: RestoreClaim, records: int) -> None:
        """The days of the restore begin now.

        The records of an earlier restore stay visible where none of them expires while these are loaded.
        """
        tenant_id, partition_id = partition_of(claim.restore)
        moment = self.restores.clock()
        until = moment + timedelta(days=claim.restore["days"])
        if self.restored.count(tenant_id, partition_id, moment + _LONGEST_LOAD) < records:
            self.restored.mark_incomplete(tenant_id, partition_id, until)
        claim.advance(state="loading", expiresOn=until)

    def _load(
        self, claim: RestoreClaim, file: RetrievedArchive, progress: Progress, remaining_ms: Callable[[], int]
    ) -> bool:
        """Whether all records are loaded; otherwise another message has to continue. Raises Expired."""
        while progress.loaded < len(file.parts):
            if remaining_ms() < _TIME_FOR_A_PART_MS:
                return False
            for batch in file.batches(file.parts[progress.loaded]):
                self.restored.add(claim.partition["refId"], batch, self._until(claim))
            progress.loaded += 1
            loaded = sum(part.records for part in file.parts[: progress.loaded])
            claim.advance(progress=progress.as_stored(), records=loaded)
        return True

    def _until(self, claim: RestoreClaim) -> datetime:
        """The moment at which the records expire. Raises Expired."""
        until: datetime = claim.restore["expiresOn"]
        if until <= self.restores.clock():
            raise Expired("The days that were asked for were over before all records were loaded; ask for it again.")
        return until

    def _complete(self, claim: RestoreClaim, records: int) -> None:
        """Makes the records visible once all of them are loaded. Raises NotAsArchived, Expired."""
        tenant_id, partition_id = partition_of(claim.restore)
        loaded = self.restored.count(tenant_id, partition_id, self._until(claim) - timedelta(milliseconds=1))
        if loaded != records:
            raise NotAsArchived(f"Of its {records} records {loaded} could be loaded.")
        self._publish(claim.restore)
        claim.advance(state="restored", completedOn=self.restores.clock(), records=loaded, progress=None)
        count("ArchivesRestored")
        count("RecordsRestored", loaded)

    def _publish(self, restore: Document) -> None:
        """Makes the records of a restore visible to searches."""
        self.restored.mark_complete(*partition_of(restore))

    def _fail(self, claim: RestoreClaim, reason: str) -> None:
        """Marks a restore as failed. The records that it has loaded are hidden until they expire."""
        claim.reload()
        if not claim.is_active:
            return
        if until := claim.restore.get("expiresOn"):
            self.restored.mark_incomplete(*partition_of(claim.restore), until)
        try:
            claim.advance(state="failed", error=reason, progress=None)
        except StaleVersion:
            self._give_way(claim)

    def _give_way(self, claim: RestoreClaim) -> None:
        """Leaves a restore to the worker that superseded this one; makes visible again what this one has hidden."""
        logger.info("RESTORE_SUPERSEDED", ref_id=claim.restore["refId"])
        newest = self.restores.newest([partition_of(claim.restore)])
        if newest[claim.restore["partitionId"]]["state"] == "restored":
            self._publish(claim.restore)

    # ---- the file in S3

    def _is_back(self, partition: Document) -> bool:
        """Whether the file can be read. Raises NotAsArchived where its length is another, Expired."""
        head = self.bucket.head(partition["key"])
        if head is None:
            raise NotAsArchived("The file is gone.")
        if head["bytes"] != partition["bytes"]:
            raise NotAsArchived(f"The file has {head['bytes']} bytes, and {partition['bytes']} were archived.")
        if head["storageClass"] != partition["storageClass"]:
            return True
        if head["restore"] is None:
            raise Expired("S3 has taken the restored copy away before it could be read; ask for it again.")
        return _UNDER_WAY not in head["restore"]

    def _is_back_or_lost(self, partition: Document) -> bool:
        try:
            return self._is_back(partition)
        except (Expired, NotAsArchived):
            return True

    # ---- items

    def _reopened(self, claim: RestoreClaim, delivery: Delivery) -> bool:
        """Whether a restore is redriven: it has failed, and is requested again."""
        restore = claim.restore
        if restore["state"] != "failed" or not delivery.is_redrive_of(restore):
            return False
        newest = self.restores.newest([partition_of(restore)])[restore["partitionId"]]
        if newest["refId"] != restore["refId"]:
            return False
        claim.advance(state="requested", error=None)
        return True

    def _claim(self, item: FileKey | ItemRef) -> RestoreClaim | None:
        """The restore of a message, or the newest restore of a file; None without one. Raises NotFound."""
        if isinstance(item, ItemRef):
            restore = self.restores.get(item)
            return RestoreClaim(self.restores, restore, self._partition(restore))
        if item.bucket != self.bucket.name:
            return None
        partition = self.store.get({"key": item.key})
        newest = self.restores.newest([ItemRef.of(partition)]).get(partition["refId"])
        return None if newest is None else RestoreClaim(self.restores, newest, partition)

    def _partition(self, restore: Document) -> Document:
        return self.store.get(partition_of(restore).query)

    def _send(self, restore: Document) -> None:
        """Has a restore worked on."""
        self.queue.send(ItemRef.of(restore).to_message())
