"""Finished exchanges: publishes and counts them; each minute, marks those open past their deadline as TIMEOUT."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring.exchanges import completion, completion_loop


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    if "Records" not in event:
        completion().sweep(context.get_remaining_time_in_millis)
        return None
    failed = completion_loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
