"""What every stored document and every input has in common."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from chancery.core.errors import FieldError
from chancery.core.freeform import escape
from chancery.core.redaction import REDACTED, redact, redact_text
from chancery.core.wording import sentence

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]

PII = "pii"  # marks a field of a model as personal data: `email: Annotated[str, PII]` is never stored as it came


class Document(BaseModel):
    """snake_case in Python, camelCase in JSON and MongoDB; nothing undeclared."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Base(Document):
    """What every stored document of a tenant has (PRODUCT.md section 1); `tenantId` is `global` for what all share."""

    ref_id: Annotated[str, StringConstraints(min_length=26, max_length=26)]
    tenant_id: Identifier
    created_by: Identifier
    created_on: datetime
    trace_id: Identifier | None = None
    correlation_id: Identifier | None = None


class ChangeableBase(Base):
    """What a document has besides that may be changed; `version` counts its changes from 1."""

    version: Annotated[int, Field(ge=1)]
    updated_by: Identifier | None = None
    updated_on: datetime | None = None


def field_errors(exc: ValidationError) -> list[FieldError]:
    """Pydantic's findings as JSON pointers and sentences; never the value that was wrong."""
    found = exc.errors(include_url=False, include_input=False)
    return [FieldError("".join(f"/{escape(str(part))}" for part in item["loc"]), sentence(item)) for item in found]


def redact_body(body: Mapping[str, Any], model: type[BaseModel], *, search_values: bool = True) -> dict[str, Any]:
    """The body of a `model`, redacted before it is validated.

    Fields marked `PII` lose their value. Other fields of the model keep theirs, searched for credentials unless
    `search_values` is False (see `may_hold_credentials`); objects and lists in them, and everything the model does not
    know, are redacted by name at any depth.
    """
    marked, known = _fields(model)
    clean = dict(body)
    for field, value in body.items():
        kind = type(value)
        if field not in known:
            clean[field] = redact({field: value}, search_values=search_values)[field]
        elif kind is dict or kind is list:
            clean[field] = redact(value, search_values=search_values)
        elif kind is str and search_values:
            clean[field] = redact_text(value)
        if field in marked and value is not None:
            clean[field] = REDACTED
    return clean


@cache
def _fields(model: type[BaseModel]) -> tuple[frozenset[str], frozenset[str]]:
    """The API names of a model's fields marked as PII, and of all."""
    names = {name: field.alias or name for name, field in model.model_fields.items()}
    marked = {names[name] for name, field in model.model_fields.items() if PII in field.metadata}
    return frozenset(marked), frozenset(names.values())
