"""A log of exchanges on a bus that is a fake, and what it has sent."""

import json
from pathlib import Path
from typing import Any

from chancery_client import ExchangeLog


class ExchangeBus:
    """A put_events that stores the details of its entries; `unavailable` fails."""

    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []
        self.unavailable = False

    def __call__(self, Entries: list[dict[str, str]]) -> dict[str, Any]:
        if self.unavailable:
            raise ConnectionError("unavailable")
        assert {entry["DetailType"] for entry in Entries} == {"Record Exchange"}
        assert sum(len(entry["Detail"]) for entry in Entries) <= 256 * 1024
        self.details += [json.loads(entry["Detail"]) for entry in Entries]
        return {"Entries": [{} for _ in Entries]}

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        """Each exchange as one: its beginning and its end, which have come once and in this order."""
        found: dict[str, dict[str, Any]] = {}
        for detail in self.details:
            is_end = "status" in detail
            assert is_end == (detail["requestId"] in found)
            assert ("systemCode" in detail) != is_end
            found[detail["requestId"]] = found.get(detail["requestId"], {}) | detail
        return [*found.values()]


def log_to(bus: ExchangeBus, folder: Path | None = None, **options: Any) -> ExchangeLog:
    """A log without a spool, unless there is a folder."""
    defaults = {"spool_dir": folder, "linger": 0.005, "retry_pause": 0.001, "spool_after": 600, "put_events": bus}
    return ExchangeLog("bus", **({"tenant_id": "acme"} | defaults | options))
