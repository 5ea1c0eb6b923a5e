"""The queue behind the bus: stores log lines in batches, each message failing for itself only."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring.logs import consumer


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = consumer().consume(event["Records"])
    return batch_response(failed)
