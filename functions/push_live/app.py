"""Sends new records to live connections: of tenants that queue messages name, and each minute of all not served."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import live


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    if "Records" not in event:
        return live.fan_out().start_all()
    return batch_response(live.loop().consume(event["Records"], context.get_remaining_time_in_millis))
