"""Pages of lists, newest first by default; of each item the fields of its collection's list projection."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import orjson
from pydantic import Field, field_validator

from chancery.core.documents import Document
from chancery.core.formats.times import to_rfc3339
from chancery.core.web.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Position,
    binding,
    decode_cursor,
    encode_cursor,
    readable,
)
from chancery.core.web.validation import TenantChoice

MOST_BYTES = 5 * 1024 * 1024
_ALWAYS_FITS = 50  # items, each as large as its fields may be

Stored = Mapping[str, Any]


class Page(Document):
    """The query parameters of every list."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, min_length=1, max_length=512, description="`nextCursor` of the page before")

    _cursor_is_readable = field_validator("cursor")(readable)


class ListQuery(TenantChoice, Page):
    """The query parameters of a list whose items may be narrowed, to some of the fields that are `offered`."""

    offered: ClassVar[tuple[str, ...]]
    fields: str | None = Field(
        None, min_length=1, max_length=512, description="comma-separated; narrows what each item holds"
    )

    @field_validator("fields")
    @classmethod
    def _are_offered(cls, fields: str | None) -> str | None:
        if fields is not None and not set() < _names(fields) <= set(cls.offered):
            raise ValueError(f"must be names with commas between them; choose from: {', '.join(cls.offered)}")
        return fields

    def chosen(self) -> tuple[str, ...]:
        """The fields of each item, as they are offered."""
        wanted = set(self.offered) if self.fields is None else _names(self.fields) | {"refId"}
        return tuple(name for name in self.offered if name in wanted)


def _names(fields: str) -> set[str]:
    return {name.strip() for name in fields.split(",")} - {""}


def page_of(
    read: Callable[..., Sequence[Stored]],
    query: Mapping[str, Any],
    page: Page,
    fields: tuple[str, ...],
    *,
    descending: bool = True,
    as_stored: bool = False,
    by: str = "createdOn",
    about: Mapping[str, Any] | None = None,
    convert: Callable[[Stored, tuple[str, ...]], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """`{items, nextCursor}` of a query, in the order of a time (`by`) and refId, or (`as_stored`) in that of refIds.

    `read` takes a query and `fields descending limit`, as `stored.Repository.page` does. `about`: what else than the
    query makes it the same list, for which alone its cursor holds.
    """
    bound_to = binding({**query, "descending": descending, **(about or {})})
    if page.cursor:
        position = decode_cursor(page.cursor, bound_to)
        query = {"$and": [query, position.filter(descending=descending, as_stored=as_stored, by=by)]}
    needed = tuple({*fields, by, "refId"})
    found = read(query, fields=needed, descending=descending, limit=page.limit + 1)
    items = [(convert or to_response)(item, fields) for item in found[: page.limit]]
    items = items if page.limit <= _ALWAYS_FITS else fitting(items)
    last = found[len(items) - 1] if len(items) < len(found) else None
    cursor = encode_cursor(Position(last[by], last["refId"]), bound_to) if last else None
    return {"items": items, "nextCursor": cursor}


def fitting(items: list[dict[str, Any]], most: int = MOST_BYTES) -> list[dict[str, Any]]:
    """As many of the items as an answer can hold, at least one: a Lambda response ends at 6 MB, escaped."""
    size = 0
    for count, item in enumerate(items):
        size += len(orjson.dumps(orjson.dumps(item).decode()))  # as a text in the answer of the function
        if size > most and count:
            return items[:count]
    return items


def to_response(document: Stored, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A stored document, or the named fields of it, as the API answers with it."""
    return {name: as_json(value) for name, value in document.items() if fields is None or name in fields}


def as_json(value: Any) -> Any:
    """A stored value with its times in RFC 3339, at any depth."""
    kind = type(value)
    if kind is datetime:
        return to_rfc3339(value)
    if kind is dict:
        return {name: as_json(item) for name, item in value.items()}
    if kind is list:
        return [as_json(item) for item in value]
    return value
