"""Completes restores: on S3's events and messages of its own, and twice an hour those whose event was lost."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import archive as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "Records" not in event:
        return bootstrap.restorer().sweep()
    failed = bootstrap.restore_loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
