"""Wires the consumer of platform events to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

from chancery.core.aws.event_queue import EventQueue
from chancery.core.aws.queue import Queue
from chancery.core.redaction import redact
from chancery.core.settings import load
from chancery.destinations.sources.consumer import EventConsumer
from chancery.destinations.sources.event_store import EventStore
from chancery.wiring import audit, delivery_trigger


class EventSettings(NamedTuple):
    """The queues of platform events."""

    platform_events_queue_url: str
    rejects_queue_url: str
    dead_letter_queue_url: str
    max_receives: int = 5


@cache
def store() -> EventStore:
    return EventStore(audit.database())


@cache
def consumer() -> EventConsumer:
    settings = load(EventSettings)
    queue = EventQueue(
        Queue(settings.platform_events_queue_url),
        Queue(settings.rejects_queue_url),
        Queue(settings.dead_letter_queue_url),
        settings.max_receives,
        audit.detectors(),
        lambda detail, using: redact(detail, using=using),
    )
    return EventConsumer(store, queue, lambda tenant_id: delivery_trigger.trigger().trigger(tenant_id, "events"))
