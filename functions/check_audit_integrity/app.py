"""The scheduled integrity check: checkpoints, leaves and records of every tenant, a part at each run."""

from typing import Any

from chancery.core.observability import instrument
from chancery.wiring import sealing as bootstrap


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    return {"findings": len(bootstrap.fsck().run(context.get_remaining_time_in_millis))}
