"""Wires the delivery of events to the deployment, once an execution environment."""

import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import orjson

from chancery.audit.ingest import Defaults, EventValidator, IncomingEvent
from chancery.audit.recorder import AuditRecorder, ScopedEvent
from chancery.audit.submitter import producer
from chancery.audit.writer import AlsoWrite
from chancery.core.aws.event_bus import SOURCE
from chancery.core.aws.objects import Objects
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.errors import Conflict
from chancery.core.formats.times import now
from chancery.core.outbound.client import OutboundClient
from chancery.core.settings import RetentionSettings, load
from chancery.destinations.delivery.attempts import Attempts, Known
from chancery.destinations.delivery.delivery_store import DeliveryStore
from chancery.destinations.delivery.notices import Notices
from chancery.destinations.delivery.run import MOST_AT_ONCE, Parts
from chancery.destinations.delivery.trigger import Run
from chancery.destinations.delivery.worker import DeliveryWorker
from chancery.destinations.events import SourceName
from chancery.destinations.ports import Source
from chancery.destinations.senders.by_kind import Senders
from chancery.integrations.exchanges.log import ExchangeLog
from chancery.integrations.exchanges.store import SENDER, ExchangeStore
from chancery.sealing.live_log import LiveLog
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.wiring import audit, delivery_trigger, destinations, event_sources, exchanges

_LOGGED = ("status", "expired", "responseStatus", "error")


class LogSettings(NamedTuple):
    """Where logs are published."""

    log_bucket: str


@dataclass(frozen=True, slots=True)
class LoggedAttempts:
    """Implements `attempts.Exchanges` over the exchange log."""

    log: ExchangeLog
    store: ExchangeStore

    def open(self, tenant_id: str, exchange: Mapping[str, Any]) -> Known | None:
        try:
            known = self.log.open(tenant_id, exchange, SENDER)
        except Conflict:
            known = None
        if known is not None and known["createdBy"] == SENDER and known["startedAt"] == exchange["startedAt"]:
            return None
        own = {"tenantId": tenant_id, "requestId": exchange["requestId"], "createdBy": SENDER}
        found = self.store.exchanges.get(own, _LOGGED)
        if found is None:
            raise Conflict("The request id of an attempt is that of another caller's exchange.")
        is_open = found["status"] == "PENDING" or found.get("expired", False)
        reason = (found.get("error") or {}).get("type") or ""
        return Known(is_open, found["status"] == "SUCCESS", reason, found.get("responseStatus"))

    def close(self, tenant_id: str, request_id: str, end: Mapping[str, Any]) -> None:
        self.log.close(tenant_id, request_id, end, SENDER)


@dataclass(frozen=True, slots=True)
class NoticeRecorder:
    """Implements `notices.Recorder` over the audit trail."""

    recorder: AuditRecorder

    def __call__(self, tenant_id: str, event: Mapping[str, Any], also_write: AlsoWrite) -> None:
        incoming = IncomingEvent(dict(event), Defaults(), detector=audit.detectors().of(tenant_id))
        valid = EventValidator().validate(incoming)
        self.recorder.record_with(ScopedEvent(valid, tenant_id, producer(SOURCE, None)), also_write)


@cache
def sources() -> Mapping[SourceName, Source]:
    """The sources of events; a run gives audit records their numbers itself, as live views do."""
    stored = audit.database()
    log, tiles = LogStore(stored), TileStorage(Objects(load(LogSettings).log_bucket))
    return event_sources.sources_of(LiveLog(log, Sequencer(stored, log), tiles))


@cache
def worker() -> DeliveryWorker:
    trigger = delivery_trigger.trigger()
    retention = orjson.loads(load(RetentionSettings).retention_days)
    parts = Parts(
        states=trigger.states,
        deliveries=DeliveryStore(audit.database(), trigger.states, retention),
        sources=sources(),
        senders=Senders(OutboundClient.deployed, now),
        opened=destinations.secrets().opened,
        attempts=Attempts(sources(), LoggedAttempts(exchanges.log(), exchanges.store()), now),
        notices=Notices(audit.database(), NoticeRecorder(audit.recorder()), audit.bus(), now),
        clock=now,
        chance=random.SystemRandom().random,
        sleep=time.sleep,
        executor=partial(ThreadPoolExecutor, MOST_AT_ONCE),
    )
    return DeliveryWorker(parts, trigger)


@cache
def loop() -> WorkLoop[Run]:
    return WorkLoop.deployed(worker(), delivery_trigger.trigger().queue)
