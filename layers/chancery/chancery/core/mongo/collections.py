"""Collections as they are declared: model, indexes, retention, rights. Validators, roles and docs derive from this."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from chancery.core.errors import ChanceryError

ROLE_CLASSES = ("writer", "reader", "sealer", "archiver", "pusher", "deliverer", "schema")
DAY = 86_400
_MOST_DAYS = (2**31 - 1) // DAY  # MongoDB: a TTL is a signed 32-bit number of seconds


class Index(NamedTuple):
    """One index. Unique ones begin with the shard key, `tenantId`."""

    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    expire_after: int | None = None  # seconds, for a TTL index
    only_with: str | None = None  # a field without which a document needs no entry
    only_where: Mapping[str, Any] | None = None  # a partial index over the documents of a query

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)

    @property
    def is_text(self) -> bool:
        """Whether it finds words; a collection has one such index at most."""
        return any(direction == "text" for _, direction in self.keys)

    def definition(self) -> dict[str, Any]:
        """The document of `createIndexes`."""
        document: dict[str, Any] = {"key": dict(self.keys), "name": self.name}
        if self.unique:
            document["unique"] = True
        if self.expire_after is not None:
            document["expireAfterSeconds"] = self.expire_after
        if self.only_with:
            document["partialFilterExpression"] = {self.only_with: {"$exists": True}}
        if self.only_where:
            document["partialFilterExpression"] = dict(self.only_where)
        if self.is_text:
            document["default_language"] = "none"  # names and ids: no stemming, no stop words
        return document


class View(NamedTuple):
    """A read-only view over a collection (https://www.mongodb.com/docs/manual/core/views/).

    The roles that read the collection may read it.
    """

    name: str
    pipeline: tuple[dict[str, Any], ...]


class Collection(NamedTuple):
    """A collection: its model, indexes, retention and rights.

    `access` maps a role class to MongoDB actions. `list_fields` is what a list answers with. `append_only` makes the
    deployment refuse credentials that could change a document. `trace_kind` is what its documents are called in a
    trace, where they have a `traceId`. `expiry_field` holds when a document expires, where that does not follow from
    its `createdOn`.
    """

    name: str
    model: type[BaseModel]
    indexes: tuple[Index, ...]
    access: Mapping[str, tuple[str, ...]]
    list_fields: tuple[str, ...] = ()
    retention_days: int | None = None
    append_only: bool = False
    trace_kind: str | None = None
    expiry_field: str | None = None
    views: tuple[View, ...] = ()

    def days(self, retention: Mapping[str, int]) -> int | None:
        """Days that a document is stored, None for ever; `retention` (collection → days) overrides the default."""
        return retention.get(self.name, self.retention_days) if self.retention_days is not None else None

    def all_indexes(self, retention: Mapping[str, int]) -> tuple[Index, ...]:
        """The declared indexes and the TTL index; `retention` as for `days`."""
        days = self.days(retention)
        if days is None:
            return self.indexes
        if self.expiry_field:
            return (*self.indexes, Index(((self.expiry_field, 1),), expire_after=0))
        return (*self.indexes, Index((("createdOn", 1),), expire_after=days * DAY))


class UnfitRetention(ChanceryError):
    """Days of retention that a collection does not permit."""


def retention_of(text: str, collections: Iterable[Collection]) -> dict[str, int]:
    """Collection → days, of the JSON that a deployment is given. Raises UnfitRetention naming all that is wrong."""
    limited = {item.name: item.retention_days for item in collections}
    example = 'for example {"tool_call_logs": 30}'
    try:
        days = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise UnfitRetention(f"The retention is not JSON ({exc.msg}): give collection and days, {example}.") from None
    if not isinstance(days, dict):
        raise UnfitRetention(f"The retention is not a JSON object: give collection and days, {example}.")
    wrong = [
        *(f"there is no collection {name}" for name in days.keys() - limited.keys()),
        *(f"{name} is stored for ever" for name in days.keys() & limited.keys() if limited[name] is None),
        *(f"{name} needs 1 to {_MOST_DAYS} whole days" for name, value in days.items() if not _are_days(value)),
    ]
    if wrong:
        choices = ", ".join(name for name, value in limited.items() if value is not None)
        raise UnfitRetention(f"The retention does not fit: {'; '.join(sorted(wrong))}. It may name: {choices}.")
    return days


def _are_days(value: Any) -> bool:
    return type(value) is int and 0 < value <= _MOST_DAYS
