"""Each minute: numbers log lines for live views where their writer was killed before it could."""

from typing import Any

from chancery.core.observability import instrument
from chancery.wiring.logs import sequence


@instrument
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    return {"swept": sequence().sweep()}
