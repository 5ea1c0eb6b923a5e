"""Wires sealing to the deployment, once an execution environment."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from chancery.audit.digest import stored_digest
from chancery.audit.events import RECORDED, recorded_event
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import Queue
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.settings import load
from chancery.sealing.export_proofs import ExportProofs
from chancery.sealing.fsck import Fsck, FsckStates
from chancery.sealing.outbox import OutboxReader
from chancery.sealing.prover import Prover
from chancery.sealing.relay import OutboxRelay
from chancery.sealing.seal_trigger import SealTrigger
from chancery.sealing.sealer import Sealer
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.service import SealingService
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.wiring import audit, delivery_trigger


class LogSettings(NamedTuple):
    """Where logs are published."""

    log_bucket: str


class SigningSettings(NamedTuple):
    """Which KMS key signs logs, and what their origins begin with."""

    log_origin: str
    signing_key: str


def _log() -> tuple[LogStore, TileStorage]:
    return LogStore(audit.database()), TileStorage(Objects(load(LogSettings).log_bucket))


def _parts() -> tuple[LogStore, TileStorage, LogKey]:
    signing = load(SigningSettings)
    return *_log(), LogKey(signing.signing_key, signing.log_origin)


def _seal_queue() -> Queue:
    return Queue(load(audit.QueueSettings).seal_queue_url)


@cache
def sealing() -> SealingService:
    store, tiles, key = _parts()
    relay = OutboxRelay(OutboxReader(audit.database()), _publish_recorded)
    sealer = Sealer(store, Sequencer(audit.database(), store), tiles, key, audit.bus())
    deliveries = delivery_trigger.trigger()
    return SealingService(sealer, store, relay, lambda tenant_id: deliveries.trigger(tenant_id, "audit"))


def _publish_recorded(tenant_id: str | None, ref_ids: Sequence[str]) -> None:
    """Publishes the events of a tenant's records. Raises Unavailable."""
    records = AuditStore(audit.database()).get_many(tenant_id, ref_ids)
    audit.bus().publish(RECORDED, [recorded_event(record) for record in records.values()])


@cache
def seal_loop() -> WorkLoop[str | None]:
    return WorkLoop.deployed(sealing(), _seal_queue())


@cache
def fsck() -> Fsck:
    store, _, key = _parts()
    database = audit.database()
    tiles = TileStorage(Objects(load(LogSettings).log_bucket), cache_tiles=False)
    sequencer, trigger = Sequencer(database, store), SealTrigger(_seal_queue()).trigger
    return Fsck(store, sequencer, tiles, key, AuditStore(database), FsckStates(database), stored_digest, trigger)


@cache
def prover() -> Prover:
    store, tiles, key = _parts()
    return Prover(store, tiles, key, AuditStore(audit.database()), audit.trail())


def export_proofs() -> ExportProofs:
    """For the export worker, which is made once itself, and signs nothing."""
    return ExportProofs(*_log(), Objects(load(audit.ExportSettings).export_bucket))
