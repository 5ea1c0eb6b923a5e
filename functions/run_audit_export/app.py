"""The export queue: writes one export and its proof to S3, or a piece of it when time runs short."""

from functools import cache
from typing import Any

from chancery.audit.export_worker import ExportWorker
from chancery.audit.exports import ExportStore
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import ItemRef, Queue, batch_response
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.observability import instrument
from chancery.core.settings import load
from chancery.wiring import audit as bootstrap
from chancery.wiring import sealing


@cache
def loop() -> WorkLoop[ItemRef]:
    places = load(bootstrap.ExportSettings)
    database = bootstrap.database()
    queue = Queue(places.exports_queue_url)
    stores = ExportStore(database), AuditStore(database)
    worker = ExportWorker(*stores, Objects(places.export_bucket), queue, sealing.export_proofs())
    return WorkLoop.deployed(worker, queue)


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
