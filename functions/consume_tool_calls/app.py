"""The queue behind the bus: stores tool calls, each failing for itself only."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import tool_calls as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = bootstrap.consumer().consume(event["Records"])
    return batch_response(failed)
