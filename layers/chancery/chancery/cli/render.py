"""Prints answers: tables for people, JSON for scripts."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NEVER_FOLDED = frozenset(
    {"when", "count", "refId", "id"}
)  # columns that are never folded, because people copy from them

_LEVEL_STYLES = {"fatal": "bold red", "error": "red", "warn": "yellow", "info": "green", "debug": "dim", "trace": "dim"}

out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)


def print_json(value: Any) -> None:
    """Prints a JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=not _takes_unicode()) + "\n")
    sys.stdout.flush()


def print_document(document: Mapping[str, Any], as_json: bool) -> None:
    """Prints a document as JSON, or one field a line."""
    print_json(document) if as_json else print_fields(document)


def print_items(
    items: Iterable[dict[str, Any]],
    as_json: bool,
    columns: Sequence[str],
    row_of: Callable[[dict[str, Any]], Sequence[Any]],
) -> None:
    """Prints items as they arrive, each as a line of JSON, or all of them as a table."""
    if not as_json:
        return print_table(columns, [row_of(item) for item in items])
    for item in items:
        print_json(item)
    return None


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, header: bool = True) -> None:
    """Prints a table without borders, folded to the width of the terminal.

    If the output is not a terminal: one line a row, cells separated by tabs, nothing folded or padded.
    """
    cells = [[cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row] for row in rows]
    if not out.is_terminal:
        lines = [[cell.plain for cell in row] for row in cells]
        return _print_lines([list(columns), *lines] if header else lines)
    table = Table(box=None, pad_edge=False, show_header=header, header_style="bold")
    for at, column in enumerate(columns):
        whole = max((row[at].cell_len for row in cells), default=0) if column in _NEVER_FOLDED else None
        table.add_column(column, overflow="fold", no_wrap=whole is not None, min_width=whole)
    for row in cells:
        table.add_row(*row)
    return out.print(table)


def _print_lines(rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        sys.stdout.write("\t".join(" ".join(cell.splitlines()) for cell in row) + "\n")
    sys.stdout.flush()


def print_records(records: Sequence[Mapping[str, Any]], *, header: bool = True, every_column: bool = False) -> None:
    """Prints audit records. Omits the tenant if it is the same in all, and empty columns unless `every_column`."""
    several = len({record.get("tenantId") for record in records}) > 1
    columns = ["when", *(["tenant"] if several else []), "actor", "action", "resource", "description", "refId"]
    rows = [_record_row(record, several) for record in records]
    used = [at for at in range(len(columns)) if every_column or any(row[at] for row in rows)]
    print_table([columns[at] for at in used], [[row[at] for at in used] for row in rows], header=header)


def print_log_line(kind: str, line: Mapping[str, Any]) -> None:
    """Prints a log line: when, level, kind, and its message, summary or what else it says."""
    texts = (line.get(name) for name in ("message", "summary", "eventType", "endpoint", "feature"))
    text = next((text for text in texts if text), "")
    if not out.is_terminal:
        return _print_lines(
            [[local_time(line["createdOn"]), line["level"], kind, plain(text), plain(line.get("refId"))]]
        )
    parts = (
        f"{local_time(line['createdOn'])}  ",
        (f"{line['level']:<5}  ", _LEVEL_STYLES.get(line["level"], "")),
        (f"{kind}  ", "dim"),
        plain(text),
    )
    return out.print(Text.assemble(*parts), soft_wrap=True)


def _takes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def print_fields(document: Mapping[str, Any]) -> None:
    """Prints a document, one field a line."""
    rows = []
    for name, value in document.items():
        indent = 2 if out.is_terminal else None
        text = json.dumps(value, ensure_ascii=False, indent=indent) if isinstance(value, dict | list) else value
        rows.append((Text(name, style="bold"), text))
    print_table(["field", "value"], rows, header=False)


def print_problem(problem: Mapping[str, Any]) -> None:
    """Prints a problem+json with all its errors on stderr."""
    title = plain(problem.get("title") or "Error")
    err.print(Text.assemble((title, "bold red"), f": {plain(problem.get('detail'))}"), soft_wrap=True)
    for error in problem.get("errors", ()):
        err.print(Text(plain(f"  {error.get('pointer') or '(body)'}  {error.get('detail')}")), soft_wrap=True)
    if trace_id := problem.get("traceId"):
        err.print(Text(plain(f"  trace {trace_id}"), style="dim"), soft_wrap=True)


def _record_row(record: Mapping[str, Any], several: bool) -> list[Any]:
    resource = "/".join(str(record[part]) for part in ("resourceType", "resourceId") if record.get(part))
    when = local_time(record["createdOn"]) if record.get("createdOn") else ""
    return [
        when,
        *([record.get("tenantId") or "(platform)"] if several else []),
        _actor(record),
        Text(plain(record.get("action")), style="cyan"),
        resource,
        record.get("description"),
        Text(plain(record.get("refId")), style="dim"),
    ]


def _actor(record: Mapping[str, Any]) -> Any:
    """The name or id of the actor, and of the person whom it impersonated."""
    actor = record.get("actorName") or record.get("actorId")
    impersonated = record.get("onBehalfOfName") or record.get("onBehalfOfId")
    return f"{actor} for {impersonated}" if impersonated else actor


def local_time(moment: str) -> str:
    """An RFC 3339 time in the local time zone, to the second."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plain(value: Any) -> str:
    """The text without control characters, which could control the terminal."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
