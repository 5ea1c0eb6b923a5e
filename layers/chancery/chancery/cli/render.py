"""How answers look: tables for people, JSON for scripts."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 100_000  # no table is cut where the output is not a terminal

out = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON value on a line of its own."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, header: bool = True) -> None:
    """A table without lines around it; what does not fit a terminal is folded."""
    table = Table(box=None, pad_edge=False, show_header=header, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("when", "count"))
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    out.print(table)


def print_records(records: Sequence[Mapping[str, Any]], *, header: bool = True) -> None:
    """Audit records, the tenant only where there is more than one."""
    several = len({record.get("tenantId") for record in records}) > 1
    columns = ["when", *(["tenant"] if several else []), "actor", "action", "resource", "description", "refId"]
    print_table(columns, [_record_row(record, several) for record in records], header=header)


def print_fields(document: Mapping[str, Any]) -> None:
    """One document, a field a line."""
    rows = []
    for name, value in document.items():
        shown = json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else value
        rows.append((Text(name, style="bold"), shown))
    print_table(["field", "value"], rows, header=False)


def print_problem(problem: Mapping[str, Any]) -> None:
    """A problem+json, with every wrong field."""
    err.print(Text.assemble((str(problem.get("title", "Error")), "bold red"), f": {problem.get('detail', '')}"))
    for error in problem.get("errors", ()):
        err.print(Text(f"  {error.get('pointer') or '(body)'}  {error.get('detail')}"))
    if trace_id := problem.get("traceId"):
        err.print(Text(f"  trace {trace_id}", style="dim"))


def _record_row(record: Mapping[str, Any], several: bool) -> list[Any]:
    resource = "/".join(str(record[part]) for part in ("resourceType", "resourceId") if record.get(part))
    when = local_time(record["createdOn"]) if record.get("createdOn") else ""
    return [
        when,
        *([record.get("tenantId") or "(platform)"] if several else []),
        record.get("actorName") or record.get("actorId"),
        Text(plain(record.get("action")), style="cyan"),
        resource,
        record.get("description"),
        Text(plain(record.get("refId")), style="dim"),
    ]


def local_time(moment: str) -> str:
    """An RFC 3339 time in the reader's own zone, to the second."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plain(value: Any) -> str:
    """Text without control characters, which could steer the terminal."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
