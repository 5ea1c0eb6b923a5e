"""Lines of logs: as callers send them, as they are stored, and the batches that number them. One model a kind."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Required, TypedDict, get_args, get_origin

from pydantic import ConfigDict, Field, RootModel, StringConstraints, TypeAdapter, create_model
from pydantic.alias_generators import to_camel

from chancery.core.documents import EXACT, Document, Identifier, StoredDocument
from chancery.core.formats.correlation import plain_trace_id
from chancery.core.formats.identifiers import without_hidden
from chancery.core.formats.times import Moment
from chancery.logs.fields import FIELDS, Level, level_of
from chancery.logs.kinds import KINDS, LogKind

_RefId = Annotated[str, StringConstraints(min_length=26, max_length=26)]
INTERNAL = ("batch", "sample", "expiresOn")  # fields of stored lines that no answer has
_CALLED_ONCE = (without_hidden, plain_trace_id, level_of)
_BatchId = Annotated[bytes, Field(min_length=12, max_length=12)]


class LogEntry(Document):
    """A line as a caller sends it. `id` makes it idempotent; `createdOn` is when it happened, by default now.

    For documentation and redaction; `entry_parser` validates.
    """

    id: Identifier | None = None
    tenant_id: Identifier | None = None
    created_on: Annotated[Moment, EXACT] | None = None


class LogLine(StoredDocument):
    """A stored line. `batch`: the batch by which live views find it. `sample`: see `queries.sample_rate`."""

    ref_id: _RefId
    tenant_id: Identifier | None
    created_by: Identifier
    created_on: datetime
    level: Level
    fingerprint: Identifier | None = None
    batch: _BatchId
    sample: int | None = None
    expires_on: datetime


class LogBatch(StoredDocument):
    """Lines of a tenant and kind that were stored together, with their numbers in the tenant's sequence.

    The lines have the numbers `first` to `first + count - 1`, in the order of (createdOn, refId). `pending`: not
    numbered yet. `linesExpireOn`: the lines' `expiresOn`. `expiresOn`: absent while it is the tenant's newest.
    """

    tenant_id: Identifier | None
    kind: str
    created_on: datetime
    lines_expire_on: datetime
    pending: bool | None = None
    first: Annotated[int, Field(ge=1)] | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    expires_on: datetime | None = None


@cache
def entry_model(kind: LogKind) -> type[LogEntry]:
    """The model of what callers send of a kind."""
    fields = {name: (FIELDS[name], ...) if name in kind.required else _optional(name) for name in kind.fields}
    doc = f"A line of the kind {kind.name}: {kind.summary}."
    return create_model(f"{_title(kind)}Entry", __base__=LogEntry, __doc__=doc, **fields)  # type: ignore[call-overload, no-any-return]


@cache
def entry_parser(kind: LogKind) -> TypeAdapter[dict[str, Any]]:
    """Validates lines of a kind as `entry_model` does, and returns the fields that a line has, by their API names.

    For every line that is stored: a dict costs a third of a model. What functions of Python do, `ingest` does once a
    line: names of levels before, hidden characters of identifiers and trace ids after.

    Raises pydantic's ValidationError.
    """
    types = {"id": Identifier, "tenant_id": Identifier, "created_on": Moment, **{n: FIELDS[n] for n in kind.fields}}
    sent: dict[str, Any] = {}
    for name, declared in types.items():
        kept = _without_functions(declared)
        sent[to_camel(name)] = Required[kept] if name in kind.required else kept | None
    fields = TypedDict("Fields", sent, total=False)  # type: ignore[misc]
    fields.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return TypeAdapter(fields)


@cache
def line_model(kind: LogKind) -> type[LogLine]:
    """The model of what is stored of a kind: types without limits.

    The server's check of lengths and patterns costs a third of an insert, and lines have passed `entry_parser`.
    """
    fields = {name: (_stored_type(name) | None, None) for name in kind.fields if name != "level"}
    doc = f"A line of the kind {kind.name}: {kind.summary}."
    return create_model(f"{_title(kind)}Line", __base__=LogLine, __doc__=doc, **fields)  # type: ignore[call-overload, no-any-return]


@cache
def any_entry() -> type[RootModel[Any]]:
    """The model of a line of any kind."""
    union = reduce(or_, map(entry_model, KINDS))
    return create_model("AnyLogEntry", __base__=RootModel[union], __doc__="A line of one of the kinds.")  # type: ignore[valid-type]


def api_names(fields: Iterable[str]) -> list[str]:
    """The names of fields in JSON and MongoDB."""
    return [to_camel(name) for name in fields]


def _without_functions(declared: Any) -> Any:
    """A type without the functions of Python that pydantic would call for each of its values."""
    if get_origin(declared) is not Annotated:
        return declared
    base, *marks = get_args(declared)
    kept = [mark for mark in marks if getattr(mark, "func", None) not in _CALLED_ONCE]
    return Annotated[base, *kept] if kept else base


def _optional(name: str) -> tuple[Any, None]:
    return (FIELDS[name] | None, None)


def _stored_type(name: str) -> Any:
    """The type of a field, without its limits."""
    given = FIELDS[name]
    return get_args(given)[0] if get_origin(given) is Annotated else given


def _title(kind: LogKind) -> str:
    return "".join(part.title() for part in kind.name.split("-")) + "Log"
