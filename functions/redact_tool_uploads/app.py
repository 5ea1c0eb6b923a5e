"""Uploads of tool calls: checks, redacts and stores those that messages name, and tells again of forgotten ones."""

from typing import Any

from chancery.content.tool_calls import bootstrap
from chancery.core.observability import instrument


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "Records" not in event:
        return bootstrap.redactor().sweep()
    failed = bootstrap.redactor().consume(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
