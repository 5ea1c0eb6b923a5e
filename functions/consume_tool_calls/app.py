"""The queue behind the bus: stores tool calls, each failing for itself only."""

from typing import Any

from chancery.content.tool_calls import bootstrap
from chancery.core.observability import instrument


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = bootstrap.consumer().consume(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
