"""`chancery export summaries`: finished exchanges as rows of a relational reporting table (docs/reporting.md)."""

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from chancery.integrations.exchanges.summary import NEEDED, SUMMARY_FIELDS, summary_of

if TYPE_CHECKING:
    from chancery.cli.api import Api

_UNFINISHED = "PENDING"
_FIRST = (
    "tenantId",
    "requestId",
    "refId",
    "parentRequestId",
    "attemptNumber",
)
COLUMNS = (*_FIRST, *(name for name in SUMMARY_FIELDS if name not in _FIRST))


def write_summaries(api: "Api", file: BinaryIO, filters: dict[str, str | None]) -> int:
    """Writes the summaries of finished exchanges as CSV (RFC 4180, UTF-8), newest first; their number.

    The first line has the columns in snake_case; a field without a value is empty. Exchanges whose start never
    arrived are left out, as the table needs their system.
    """
    file.write(_line(snake_case(name) for name in COLUMNS))
    written = 0
    for exchange in api.pages("/exchanges", limit=500, fields=",".join(NEEDED), **filters):
        if exchange["status"] == _UNFINISHED or "systemCode" not in exchange:
            continue
        summary = summary_of(exchange)
        file.write(_line(_cell(summary.get(name)) for name in COLUMNS))
        written += 1
    return written


def snake_case(name: str) -> str:
    """`requestId` → `request_id`."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(cells: Iterator[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
