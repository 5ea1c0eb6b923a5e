"""The queue behind the bus: stores audit events in batches, each failing for itself only."""

from functools import cache
from typing import Any

from chancery.audit.consumer import AuditConsumer
from chancery.core.aws.queue import Queue, batch_response
from chancery.core.observability import instrument
from chancery.core.settings import load
from chancery.wiring import audit as bootstrap


@cache
def consumer() -> AuditConsumer:
    queues = load(bootstrap.QueueSettings)
    return AuditConsumer(
        bootstrap.recorder,
        bootstrap.detectors(),
        Queue(queues.audit_events_queue_url),
        Queue(queues.rejects_queue_url),
        Queue(queues.dead_letter_queue_url),
        queues.max_receives,
    )


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = consumer().consume(event["Records"])
    return batch_response(failed)
