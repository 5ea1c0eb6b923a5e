"""The export queue: writes one export and its proof to S3, or a piece of it when time runs short."""

from functools import cache
from typing import Any

from chancery.audit.export_worker import ExportWorker
from chancery.audit.exports import ExportStore
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import Queue
from chancery.core.observability import instrument
from chancery.core.settings import load
from chancery.wiring import audit as bootstrap
from chancery.wiring import sealing


@cache
def worker() -> ExportWorker:
    places, queues = load(bootstrap.ExportSettings), load(bootstrap.QueueSettings)
    database = bootstrap.database()
    return ExportWorker(
        ExportStore(database),
        AuditStore(database),
        Objects(places.export_bucket),
        Queue(places.export_queue_url),
        queues.max_receives,
        sealing.export_proofs(),
    )


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = worker().consume(event["Records"], context.get_remaining_time_in_millis)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
