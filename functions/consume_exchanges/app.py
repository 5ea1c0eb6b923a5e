"""The queue behind the bus: stores exchanges, each message failing for itself only."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring.exchanges import consumer


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = consumer().consume(event["Records"])
    return batch_response(failed)
