"""What every stored document and every input has in common."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from chancery.core.errors import FieldError
from chancery.core.formats.correlation import plain_trace_id
from chancery.core.redaction import REDACTED, redact
from chancery.core.redaction.names import unique

PII = "pii"  # marks a field of a model as personal data: `email: Annotated[str, PII]` is stored redacted
ID = "id"  # marks a field that identifies records: a value that redaction would change is refused

# As long as the `sub` of a token (OpenID Connect Core section 2).
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$"), ID]
TraceId = Annotated[Identifier, AfterValidator(plain_trace_id)]
Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
_NO_ID = "looks like a credential or a card number, which is never stored; send another id"


class Document(BaseModel):
    """snake_case in Python, camelCase in JSON and MongoDB; nothing undeclared."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class StoredDocument(Document):
    """A stored document, declared for its schema. Functions import many and validate with none: it is built on use.

    Not for input: pydantic builds a deferred model when it is first used, and not safely where threads do that.
    """

    model_config = ConfigDict(defer_build=True)


class Base(StoredDocument):
    """The fields of every stored document of a tenant; `tenantId` is `global` for what all share."""

    ref_id: Annotated[str, StringConstraints(min_length=26, max_length=26)]
    tenant_id: Identifier
    created_by: Identifier
    created_on: datetime
    trace_id: TraceId | None = None
    correlation_id: Identifier | None = None


class ChangeableBase(Base):
    """What a document has besides that may be changed; `version` counts its changes from 1."""

    version: Annotated[int, Field(ge=1)]
    updated_by: Identifier | None = None
    updated_on: datetime | None = None


def validated[M: BaseModel](model: type[M], body: Any, context: Any = None) -> M:
    """What came from outside, as a model: by its API names alone. Raises pydantic's ValidationError."""
    return model.model_validate(body, by_alias=True, by_name=False, context=context)


def redact_body(body: Mapping[str, Any], model: type[BaseModel], *, search_values: bool = True) -> dict[str, Any]:
    """The body of a `model`, redacted before it is validated.

    Fields marked `PII` lose their value. Other fields of the model have theirs searched for credentials unless
    `search_values` is False (see `may_hold_credentials`); objects and lists in them, and everything the model does not
    know, are redacted by name at any depth.
    """
    personal, known = _marked(model, PII), _known(model)
    clean: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for field, value in body.items():
        if field not in known:
            (name, hidden), *_ = redact({field: value}, search_values=search_values).items()
            clean[unique(name, clean, numbers)] = hidden
        elif field in personal and value is not None:
            clean[field] = REDACTED
        elif type(value) is str and not search_values:
            clean[field] = value
        else:
            clean[field] = redact(value, search_values=search_values)
    return clean


def refused_ids(body: Mapping[str, Any], clean: Mapping[str, Any], model: type[BaseModel]) -> list[FieldError]:
    """The identifiers of a body that this or an earlier redaction has changed: no search would find them."""
    ids = [field for field in body if field in _marked(model, ID)]
    changed = [field for field in ids if clean.get(field) != body[field] or body[field] == REDACTED]
    return [FieldError(f"/{field}", _NO_ID) for field in changed]


def without(errors: Iterable[FieldError], known: Iterable[FieldError]) -> list[FieldError]:
    """The errors of fields without a known error."""
    pointers = {error.pointer for error in known}
    return [error for error in errors if error.pointer not in pointers]


@cache
def _known(model: type[BaseModel]) -> frozenset[str]:
    """The API names of a model's fields."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


@cache
def _marked(model: type[BaseModel], mark: str) -> frozenset[str]:
    """The API names of a model's fields with a mark, also where they may be left out."""
    fields = model.model_fields.items()
    return frozenset(
        field.alias or name for name, field in fields if mark in field.metadata or mark in _marks(field.annotation)
    )


def _marks(annotation: Any) -> Iterator[Any]:
    """What a type is annotated with, and the types in it."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _marks(inner)
