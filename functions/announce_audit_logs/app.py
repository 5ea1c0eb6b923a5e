"""Once a minute: publishes the facts of records whose writer died before it could, or found the bus away."""

from typing import Any

from chancery.core.observability import instrument
from chancery.wiring import audit as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> None:
    bootstrap.announcer().sweep(context.get_remaining_time_in_millis)
