"""Seals audit logs and relays the outbox: for tenants that queue messages name, and each minute for all that wait."""

from typing import Any

from chancery.core.aws.queue import batch_response
from chancery.core.observability import instrument
from chancery.wiring import sealing as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    if "Records" not in event:
        return bootstrap.sealing().sweep(context.get_remaining_time_in_millis)
    failed = bootstrap.seal_loop().consume(event["Records"], context.get_remaining_time_in_millis)
    return batch_response(failed)
