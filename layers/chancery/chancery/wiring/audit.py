"""Wires the audit trail's services to the deployment, once an execution environment."""

from functools import cache
from typing import Any, NamedTuple

from pymongo.database import Database

from chancery.audit.access import AccessTrail
from chancery.audit.collections import COLLECTIONS
from chancery.audit.recorder import AuditRecorder
from chancery.audit.writer import AuditWriter
from chancery.core.aws.event_bus import Bus
from chancery.core.aws.queue import Queue
from chancery.core.detectors import Detectors
from chancery.core.mongo import client as mongo
from chancery.core.mongo.database_roles import refuse_if_mutable
from chancery.core.settings import BusSettings, load
from chancery.sealing.outbox import Outbox
from chancery.sealing.seal_trigger import SealTrigger
from chancery.tenants.store import SettingsStore


class QueueSettings(NamedTuple):
    """The queues of the audit trail; a function has those it uses."""

    audit_events_queue_url: str = ""
    rejects_queue_url: str = ""
    dead_letter_queue_url: str = ""
    seal_queue_url: str = ""
    max_receives: int = 5


class ExportSettings(NamedTuple):
    """Where exports go."""

    export_bucket: str
    exports_queue_url: str


@cache
def database() -> Database[dict[str, Any]]:
    """The records' database. Raises MutableRecords with credentials that could change a record."""
    database = mongo.database()
    with mongo.translated():
        refuse_if_mutable(database, COLLECTIONS)
    return database


@cache
def bus() -> Bus:
    return Bus(load(BusSettings).event_bus)


@cache
def trail() -> AccessTrail:
    return AccessTrail(bus(), detectors())


@cache
def settings_store() -> SettingsStore:
    return SettingsStore(database)


@cache
def detectors() -> Detectors:
    return Detectors(settings_store().redaction_of)


@cache
def recorder() -> AuditRecorder:
    outbox = Outbox(database())
    trigger = SealTrigger(Queue(load(QueueSettings).seal_queue_url))
    return AuditRecorder(AuditWriter(database(), outbox), outbox, bus(), settings_store().is_strict, trigger.trigger)
