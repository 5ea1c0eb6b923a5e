"""Reads an export of a CRM's `audit_logs` table: CSV with a header, as `COPY ... CSV HEADER` writes it."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from json import dumps
from typing import Any

from chancery.cli.errors import UsageError
from chancery.cli.imports.items import BLANK, HEADER, Entry, Item
from chancery.cli.imports.mojibake import decoded, repaired
from chancery.cli.imports.source_lines import Line
from chancery.cli.imports.source_times import rfc3339_of

_MOST_BYTES = 4 * 1024 * 1024  # of a field: one whose quotes are not closed would go on to the file's end
_NULLS = frozenset(("", "\\N", "NULL"))
# Fields of an audit event and the columns that hold them, the first one that has a value wins.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "eventId": ("id",),
    "action": ("action", "event_type", "operation"),
    "actorId": ("user_id", "actor_id"),
    "actorType": ("actor_type",),
    "actorName": ("user_name", "actor_name", "user_email"),
    "actorRole": ("user_role", "actor_role"),
    "resourceType": ("resource_type", "entity_type", "table_name", "entity"),
    "resourceId": ("resource_id", "entity_id", "record_id"),
    "resourceName": ("resource_name", "entity_name"),
    "description": ("description",),
    "before": ("old_values", "old_value", "old_data", "before"),
    "after": ("new_values", "new_value", "new_data", "after"),
    "ipAddress": ("ip_address", "ip"),
    "userAgent": ("user_agent",),
    "traceId": ("trace_id",),
    "correlationId": ("correlation_id", "request_id"),
    "createdOn": ("created_at", "timestamp", "created_on"),
}
_REQUIRED = ("eventId", "action", "createdOn")
_JSON_COLUMNS = ("metadata", "details", "changes", "changed_fields")  # besides `before` and `after`
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _Unusable(Exception):
    """The row cannot become an event; the message is the reason."""


def read_audit_rows(lines: Iterable[Line], zone: tzinfo, tenant: str | None) -> Iterator[Item]:
    """The items of an export: its header, and one for each row. Raises UsageError for a header without the columns."""
    csv.field_size_limit(_MOST_BYTES)
    texts: list[str] = []  # of the row that is being read
    rows = csv.reader(_recorded(lines, texts), strict=True)
    header: list[str] = []
    number = 1
    while True:
        row, reason = _next_row(rows)
        if row is None and reason is None:
            return
        first, count, text = number, len(texts), "\n".join(texts)
        number += count
        texts.clear()
        if reason is not None:
            yield Item(first, count, text, reason=reason)
        elif not row:
            yield Item(first, count, text, skipped=BLANK)
        elif not header:
            header = _checked(row)
            yield Item(first, count, text, skipped=HEADER)
        else:
            yield _item(first, count, text, header, row, zone, tenant)


def _recorded(lines: Iterable[Line], texts: list[str]) -> Iterator[str]:
    """The lines' texts with a line end, each appended to `texts` when it is read."""
    for line in lines:
        text = decoded(line.data).value
        texts.append(text)
        if line.problem:
            yield '"x"x\n'  # what `strict` refuses: this row cannot be read
        else:
            yield f"{text}\n"


def _next_row(rows: Iterator[list[str]]) -> tuple[list[str] | None, str | None]:
    """A row, or the reason why it cannot be read; neither at the end."""
    try:
        return next(rows, None), None
    except csv.Error as exc:
        return None, f"The row is not valid CSV ({exc})."


def _checked(row: list[str]) -> list[str]:
    """The names of the columns. Raises UsageError."""
    header = [name.strip().lower() for name in row]
    missing = [names[0] for field in _REQUIRED if not set(names := _COLUMNS[field]) & set(header)]
    if missing or len(set(header)) < len(header):
        what = f"lacks the columns {', '.join(missing)}" if missing else "names a column twice"
        raise UsageError(
            f"The header of the CSV file {what}; export the table with `COPY audit_logs TO ... CSV HEADER`."
        )
    return header


def _item(
    line: int, count: int, text: str, header: list[str], row: list[str], zone: tzinfo, tenant: str | None
) -> Item:
    if len(row) != len(header):
        return Item(line, count, text, reason=f"The row has {len(row)} values, the header {len(header)} columns.")
    left = {name: value for name, value in zip(header, row, strict=True) if value not in _NULLS}
    text = dumps({name: _json(value) for name, value in left.items()}, ensure_ascii=False)  # whose names redaction sees
    try:
        return Item(line, count, text, entry=_entry(left, zone, tenant))
    except _Unusable as exc:
        return Item(line, count, text, reason=str(exc))


def _entry(left: dict[str, Any], zone: tzinfo, tenant: str | None) -> Entry:
    body: dict[str, Any] = {}
    for field, columns in _COLUMNS.items():
        if column := next((column for column in columns if column in left), None):
            body[field] = left.pop(column)
    for field in _REQUIRED:
        if field not in body:
            raise _Unusable(f"The row has no {_COLUMNS[field][0]}.")
    time = rfc3339_of(body["createdOn"], zone)
    if time is None:
        raise _Unusable("The row's created_at is no time.")
    body |= {"eventId": f"postgres:audit_logs:{body['eventId']}", "createdOn": time}
    _complete_actor_and_resource(body)
    for field in ("before", "after"):
        if field in body and (value := _object(body.pop(field))) is not None:
            body[field] = value
    if metadata := _metadata(left):
        body["metadata"] = metadata
    if "ipAddress" in body:
        body["ipAddress"] = re.sub(r"/(32|128)$", "", body["ipAddress"])  # a host, as type inet may be printed
    if tenant is not None:
        body["tenantId"] = tenant
    body, marks = repaired(body)
    return Entry("/audit-logs", body, marks)


def _complete_actor_and_resource(body: dict[str, Any]) -> None:
    """Action and resource type in Chancery's form. Without a user the system acted; without a resource, on the user."""
    resource_type, _, verb = body["action"].replace(":", ".").rpartition(".")
    body["action"] = _snake(verb)
    body["resourceType"] = _snake(body.get("resourceType") or resource_type or "user")
    if "actorId" not in body:
        body |= {"actorId": "system", "actorType": "system"}
    body.setdefault("resourceId", body["actorId"])


def _metadata(left: dict[str, Any]) -> dict[str, Any]:
    """The columns that have no field, by name; instead of `metadata` its members, where no column has their names."""
    for column in _JSON_COLUMNS:
        if column in left:
            left[column] = _json(left[column])
    metadata = left.get("metadata")
    if isinstance(metadata, dict) and not metadata.keys() & left.keys():
        del left["metadata"]
        left |= metadata
    return left


def _object(text: str) -> dict[str, Any] | None:
    """The object of a JSON column; another value under `value`. None for JSON's null."""
    value = _json(text)
    return value if value is None or isinstance(value, dict) else {"value": value}


def _json(text: str) -> Any:
    """The JSON value, or the text as it is where it is no JSON."""
    from chancery.core.errors import ValidationFailed
    from chancery.core.formats.json_text import read_json

    try:
        return read_json(text)
    except ValidationFailed:
        return text


def _snake(name: str) -> str:
    """`Blog Post`, `BlogPost` and `blog-post` as `blog_post`."""
    return re.sub(r"[^a-z0-9]+", "_", _WORD_START.sub("_", name.strip()).lower()).strip("_")
