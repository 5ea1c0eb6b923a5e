"""What every stored document and every input has in common."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)
from pydantic.alias_generators import to_camel

from chancery.core.errors import FieldError
from chancery.core.formats.correlation import plain_trace_id
from chancery.core.formats.identifiers import without_hidden
from chancery.core.redaction import REDACTED, Detector, redact
from chancery.core.redaction.name_rules import unique
from chancery.core.redaction.text_engine import detector

PII = "pii"  # marks a field of a model as personal data: `email: Annotated[str, PII]` is stored redacted
ID = "id"  # marks a field that identifies records: a value that redaction would change is refused
UNION_TAG = "\0"  # begins the tags of a union's models, which pydantic has in the places of errors, and JSON has not
_PLAIN_TYPES = frozenset((str, int, float, bool, type(None)))
EXACT = "exact"  # marks another field of which a part must not be missing, e.g. a published link: refused as well

_building = Lock()
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"


def _whole(given: Any) -> Any:
    """1.0 is a whole number (JSON Schema 2020-12, Validation, section 6.1.1)."""
    return int(given) if type(given) is float and given.is_integer() else given


# As long as the `sub` of a token (OpenID Connect Core section 2).
Identifier = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=_NO_CONTROLS),
    AfterValidator(without_hidden),
    ID,
]
LongIdentifier = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512, pattern=_NO_CONTROLS),
    AfterValidator(without_hidden),
    ID,
]
WholeNumber = Annotated[int, Field(strict=True), BeforeValidator(_whole)]  # of a JSON body; neither true nor "1"
TraceId = Annotated[Identifier, AfterValidator(plain_trace_id)]
Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


# The types of a plain union, which `by_type` tells apart: `Annotated[str, TEXT] | Annotated[WholeNumber, NUMBER]`.
TEXT, NUMBER, FLAG, LIST, WORD = (Tag(UNION_TAG + name) for name in ("text", "number", "flag", "list", "word"))
_TAGS = {str: TEXT.tag, datetime: TEXT.tag, int: NUMBER.tag, float: NUMBER.tag, bool: FLAG.tag, list: LIST.tag}


def by_type(names: str, *words: str) -> Discriminator:
    """Marks a plain union: a wrong value has one error, at its own place: `must be <names>`, or that of its type.

    Without it pydantic reports each of the types, with the name of it in the place. `words`: of the type `WORD`.
    """
    return Discriminator(
        lambda given: WORD.tag if given in words else _TAGS.get(type(given)),
        custom_error_type="plain_type",
        custom_error_message=f"must be {names}",
    )


class Document(BaseModel):
    """snake_case in Python, camelCase in JSON and MongoDB; nothing undeclared.

    A function imports many models and validates with few: each is built on use. Input is validated with `validated`,
    since pydantic's own build on use is not safe where threads use a model first.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, defer_build=True
    )


class StoredDocument(Document):
    """A stored document, declared for its schema."""


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


class SealedValue(StoredDocument):
    """JSON, encrypted with a data key of its own. `key`: the data key under KMS. `length`: in clear, in bytes."""

    key: bytes
    data: bytes
    length: Annotated[int, Field(ge=0)]


def build[M: BaseModel](model: type[M]) -> type[M]:
    """The model, ready to validate: built once, by one thread."""
    if not model.__pydantic_complete__:
        with _building:
            model.model_rebuild()
    return model


def validated[M: BaseModel](model: type[M], body: Any, context: Any = None) -> M:
    """What came from outside, as a model: by its API names alone. Raises pydantic's ValidationError."""
    return build(model).model_validate(body, by_alias=True, by_name=False, context=context)


def defaults(model: type[BaseModel], description: str | None = None) -> Any:
    """The default of a field: a model with its own defaults, made on use."""
    return Field(default_factory=lambda: validated(model, {}), description=description)


def redact_body(
    body: Mapping[str, Any], model: type[BaseModel], *, search_values: bool = True, using: Detector | None = None
) -> dict[str, Any]:
    """The body of a `model`, redacted before it is validated; `using`: the detector of the tenant that it is of.

    Fields marked `PII` lose their value. Other fields of the model have theirs searched for credentials unless
    `search_values` is False (see `may_hold_credentials`); objects and lists in them, and everything the model does not
    know, are redacted by name at any depth.
    """
    using = using or detector()
    personal, known, ids = marked(model, PII), _known(model), marked(model, ID)
    if not search_values and not personal and known.issuperset(body):
        return {
            field: value if type(value) in _PLAIN_TYPES else redact(value, search_values=False, using=using)
            for field, value in body.items()
        }
    clean: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for field, value in body.items():
        if field not in known:
            (name, hidden), *_ = redact({field: value}, search_values=search_values, using=using).items()
            clean[unique(name, clean, numbers)] = hidden
        elif field in personal and value is not None:
            clean[field] = REDACTED
        elif type(value) is str and not search_values:
            clean[field] = value
        else:
            clean[field] = redact(value, search_values=search_values, using=using.for_ids if field in ids else using)
    return clean


def refused_fields(
    body: Mapping[str, Any],
    clean: Mapping[str, Any],
    model: type[BaseModel],
    using: Detector | None = None,
    pointer: str = "",
) -> list[FieldError]:
    """The fields marked `ID` or `EXACT` that redaction, or one before it, has changed: they are refused instead.

    An id that was changed could not be found again, and half a link leads nowhere.
    """
    ids, exact, wrong = marked(model, ID), marked(model, EXACT), list[FieldError]()
    for field, value in body.items():
        inner = _objects(model).get(field)
        if inner and isinstance(value, dict) and isinstance(clean.get(field), dict):
            wrong += refused_fields(value, clean[field], inner, using, f"{pointer}/{field}")
        elif (field in ids or field in exact) and (clean.get(field) != value or value == REDACTED):
            detail = refusal_of(value, using, "id" if field in ids else "value")
            wrong.append(FieldError(f"{pointer}/{field}", detail))
    return wrong


def refusal_of(value: Any, using: Detector | None = None, what: str = "value") -> str:
    """Why an exact field is refused: the kinds of what it holds, never the value. `what`: another one of it is sent."""
    texts = value if isinstance(value, list) else [value]
    kinds = dict.fromkeys(kind for text in texts for kind in (using or detector()).kinds(str(text)))
    named = " and ".join(f"{'an' if kind[0] in 'aeioAEIO' else 'a'} {kind}" for kind in kinds)
    return f"holds what looks like {named or 'something redacted'}, which is never stored; send another {what}"


def without(errors: Iterable[FieldError], known: Iterable[FieldError]) -> list[FieldError]:
    """The errors of fields without a known error."""
    pointers = {error.pointer for error in known}
    return [error for error in errors if error.pointer not in pointers]


@cache
def _known(model: type[BaseModel]) -> frozenset[str]:
    """The API names of a model's fields."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


@cache
def marked(model: type[BaseModel], mark: str) -> frozenset[str]:
    """The API names of a model's fields with a mark, also where they may be left out."""
    fields = model.model_fields.items()
    return frozenset(
        field.alias or name for name, field in fields if mark in field.metadata or mark in _marks(field.annotation)
    )


@cache
def _objects(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The fields of a model that are models, by API names."""
    fields = model.model_fields.items()
    return {
        field.alias or name: field.annotation
        for name, field in fields
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def _marks(annotation: Any) -> Iterator[Any]:
    """What a type is annotated with, and the types in it."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _marks(inner)
