"""The queue of platform events: stores those of tenants that follow them, each message failing for itself only."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring.platform_events import consumer


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = consumer().consume(event["Records"])
    return batch_response(failed)
