"""Wires the reads and exports of the audit trail to the deployment, once an execution environment.

Apart from `wiring.audit`, which the functions that record import.
"""

from functools import cache

from chancery.audit.exports import AuditExports, ExportStore
from chancery.audit.feed import AuditFeed
from chancery.audit.restored_records import RestoredRecords
from chancery.audit.search import AuditReader
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import Queue
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.quotas import Quotas
from chancery.sealing.store import LogStore
from chancery.wiring.audit import ExportSettings, database, settings_store, trail


@cache
def reader() -> AuditReader:
    return AuditReader(AuditStore(database()), trail(), RestoredRecords(database()))


@cache
def feed() -> AuditFeed:
    return AuditFeed(AuditStore(database()), LogStore(database()), trail())


@cache
def exports() -> AuditExports:
    settings, keys = load(ExportSettings), IdempotencyKeys(database())
    queue, link = Queue(settings.exports_queue_url), Objects(settings.export_bucket).link
    return AuditExports(
        ExportStore(database()), keys, Quotas(database(), settings_store().limits_of), trail(), queue, link
    )
