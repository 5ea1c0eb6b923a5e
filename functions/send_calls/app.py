"""Sends managed calls, one a message; each minute wakes those that are due or overdue."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import call_worker


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "Records" not in event:
        return call_worker.worker().sweep()
    failed = call_worker.loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
