"""The archive's queue: archives one month of a tenant, or a piece of it when time runs short."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import archive as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = bootstrap.archive_loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
