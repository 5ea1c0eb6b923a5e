"""Uploads of tool calls: checks, redacts and stores those that messages name; a schedule sends lost messages again."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import tool_calls as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "Records" not in event:
        return bootstrap.redactor().sweep()
    failed = bootstrap.upload_loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
