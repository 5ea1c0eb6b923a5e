"""Wires the archive to the deployment, once an execution environment."""

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from chancery import __version__
from chancery.archive.archives import Archives, RestoreRequests
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.month_index import Locator, MonthIndexes
from chancery.archive.month_selection import MonthSelection
from chancery.archive.planner import ArchivePlanner, Rules, RunRef
from chancery.archive.restores import RestoreStore
from chancery.archive.runs import ArchiveRuns
from chancery.archive.store import ArchiveStore, RunStore
from chancery.audit.archived import archived_line, read_archived, record_of
from chancery.audit.restored_records import RestoredSet
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import Document
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.sealing.export_proofs import proof_lines
from chancery.sealing.models import log_name
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.signed_notes import open_checkpoint
from chancery.tlog.verified_tiles import VerifiedTileReader
from chancery.wiring import audit, sealing

if TYPE_CHECKING:
    from chancery.archive.partition_claim import PartitionClaim
    from chancery.archive.restore_worker import FileKey, RestoreWorker


# Objects before a garbage collection. Records in a stream have no cycles, so reference counting frees them; by default
# the collector would traverse them every 2,000 objects.
_GC_THRESHOLD = 100_000


class ArchiveSettings(NamedTuple):
    """Where archives go."""

    archive_bucket: str


class ArchiveQueueSettings(NamedTuple):
    """The queue of months to archive."""

    archive_queue_url: str


class RestoreSettings(NamedTuple):
    """The queue of restores."""

    restores_queue_url: str


@dataclass(frozen=True, slots=True)
class TenantLogs:
    """Implements `finalizer.Log`."""

    store: LogStore
    tiles: TileStorage

    def head(self, tenant_id: str | None) -> Document | None:
        """The tenant's tree head."""
        return self.store.head(tenant_id)

    def proof(self, head: Document, records: int, positions: Iterable[int]) -> Iterator[bytes]:
        """The lines of a proof."""
        return proof_lines(self.tiles, head, records, positions)


class PlanSettings(NamedTuple):
    """The rules of runs, their queue, and the queue of months for the function that plans."""

    archive_plans_queue_url: str
    archive_after_months: int
    archive_storage_class: str
    archive_settle_seconds: int = 600
    archive_queue_url: str = ""


@cache
def archive_store() -> ArchiveStore:
    return ArchiveStore(audit.database())


@cache
def restore_store() -> RestoreStore:
    return RestoreStore(audit.database())


@cache
def archive_bucket() -> ArchiveBucket:
    return ArchiveBucket(load(ArchiveSettings).archive_bucket)


@cache
def archive_queue() -> Queue:
    return Queue(load(ArchiveQueueSettings).archive_queue_url)


@cache
def archive_loop() -> "WorkLoop[PartitionClaim]":
    """Needs the layer with zstandard, which the archive's other functions do without."""
    import zstandard

    from chancery.archive.files import Lines
    from chancery.archive.finalizer import Finalizer
    from chancery.archive.worker import ArchiveWorker

    logs = LogStore(audit.database())
    tiles = TileStorage(Objects(load(sealing.LogSettings).log_bucket))
    gc.set_threshold(_GC_THRESHOLD)
    versions = {"chancery": __version__, "zstd": ".".join(map(str, zstandard.ZSTD_VERSION))}
    worker = ArchiveWorker(
        archive_store(),
        AuditStore(audit.database()),
        Lines(archived_line, leaf_entry, logs.final_indexes_of),
        archive_bucket(),
        Finalizer(TenantLogs(logs, tiles), archive_bucket(), versions),
        archive_queue(),
    )
    return WorkLoop.deployed(worker, archive_queue())


@cache
def run_store() -> RunStore:
    return RunStore(audit.database())


@cache
def month_selection() -> MonthSelection:
    return MonthSelection(AuditStore(audit.database()), archive_store())


@cache
def planner() -> ArchivePlanner:
    settings = load(PlanSettings)
    return ArchivePlanner(
        run_store(),
        archive_store(),
        month_selection(),
        Queue(settings.archive_plans_queue_url),
        Queue(settings.archive_queue_url),
        Rules(
            settings.archive_after_months,
            settings.archive_storage_class,
            timedelta(seconds=settings.archive_settle_seconds),
        ),
        log_name,
    )


@cache
def plan_loop() -> WorkLoop[RunRef]:
    return WorkLoop.deployed(planner(), Queue(load(PlanSettings).archive_plans_queue_url))


@cache
def runs() -> ArchiveRuns:
    keys = IdempotencyKeys(audit.database())
    return ArchiveRuns(run_store(), planner(), month_selection(), keys, audit.trail(), new_ref_id)


@cache
def archives() -> Archives:
    return Archives(archive_store(), restore_store(), audit.trail())


@cache
def restores() -> RestoreRequests:
    queue, keys = Queue(load(RestoreSettings).restores_queue_url), IdempotencyKeys(audit.database())
    return RestoreRequests(archive_store(), restore_store(), archive_bucket(), queue, keys, audit.trail())


@cache
def locator() -> Locator:
    return Locator(archive_store(), MonthIndexes(archive_bucket()), audit.trail())


@cache
def restorer() -> "RestoreWorker":
    """Needs the layer with zstandard."""
    from chancery.archive.archive_verifier import RecordCodec
    from chancery.archive.restore_worker import RestoreWorker

    settings, signing = load(RestoreSettings), load(sealing.SigningSettings)
    tiles = TileStorage(Objects(load(sealing.LogSettings).log_bucket))
    key = LogKey(signing.signing_key, signing.log_origin)

    def open_log(name: str, note: str) -> VerifiedTileReader:
        return VerifiedTileReader(tiles.fetch(name), open_checkpoint(note, key.verifier(name), key.verify))

    return RestoreWorker(
        archive_store(),
        restore_store(),
        archive_bucket(),
        RecordCodec(read_archived, record_of),
        open_log,
        RestoredSet(audit.database()),
        Queue(settings.restores_queue_url),
    )


@cache
def restore_loop() -> "WorkLoop[FileKey | ItemRef]":
    return WorkLoop.deployed(restorer(), Queue(load(RestoreSettings).restores_queue_url))
