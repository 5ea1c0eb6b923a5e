"""Delivers events to destinations that queue messages name; each minute has those served that no run serves."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import deliveries


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "Records" not in event:
        return deliveries.worker().sweep()
    failed = deliveries.loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
