"""Wires sealing to the deployment, once an execution environment."""

from dataclasses import dataclass
from functools import cache

from chancery.audit import bootstrap as audit
from chancery.audit.digest import stored_digest
from chancery.audit.store import AuditStore
from chancery.core.objects import Objects
from chancery.core.queue import Queue
from chancery.core.settings import load
from chancery.sealing.logbook import LogBook
from chancery.sealing.prover import Prover
from chancery.sealing.sealer import Sealer
from chancery.sealing.self_audit import SelfAudit, SelfAuditStates
from chancery.sealing.service import SealingService
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.waking import Waker


@dataclass(frozen=True, slots=True)
class SealingSettings:
    """Where logs are published, which KMS key signs them, and what their origins begin with."""

    log_bucket: str
    log_origin: str
    signing_key: str


def _parts() -> tuple[LogStore, LogBook, LogKey]:
    places = load(SealingSettings)
    book = LogBook(Objects(places.log_bucket))
    return LogStore(audit.database()), book, LogKey(places.signing_key, places.log_origin)


@cache
def sealing() -> SealingService:
    store, book, key = _parts()
    return SealingService(Sealer(store, book, key, audit.bus()), store)


@cache
def self_audit() -> SelfAudit:
    store, book, key = _parts()
    waker = Waker(Queue(load(audit.QueueSettings).seal_queue_url))
    states = SelfAuditStates(audit.database())
    return SelfAudit(store, book, key, AuditStore(audit.database()), states, stored_digest, waker.wake)


@cache
def prover() -> Prover:
    store, book, key = _parts()
    return Prover(store, book, key, AuditStore(audit.database()), audit.trail())
