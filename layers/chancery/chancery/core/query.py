"""Query parameters and JSON bodies as models: what is wrong with them is said field by field."""

from typing import Any

from pydantic import Field, ValidationError

from chancery.core.documents import Document, Identifier, field_errors, redact_body, refused_ids, validated, without
from chancery.core.errors import FieldError, ValidationFailed


class TenantChoice(Document):
    """The one parameter that every read takes."""

    tenant_id: Identifier | None = Field(None, description="a tenant, or `null` for the platform's own records")


def parse[Q: Document](kind: type[Q], parameters: Any) -> Q:
    """The query parameters, or a JSON body, as `kind`. Raises ValidationFailed naming every wrong one."""
    try:
        return validated(kind, parameters)
    except ValidationError as exc:
        raise ValidationFailed("The request is not valid.", errors=field_errors(exc)) from None


def accepted[B: Document](kind: type[B], body: Any) -> B:
    """A JSON body, redacted and valid. Raises ValidationFailed naming every wrong field."""
    if not isinstance(body, dict):
        raise ValidationFailed("The body is not valid.", errors=[FieldError("", "must be a JSON object")])
    clean = redact_body(body, kind)
    wrong = refused_ids(body, clean, kind)
    try:
        valid = validated(kind, clean)
    except ValidationError as exc:
        wrong += without(field_errors(exc), wrong)
    if wrong:
        raise ValidationFailed("The request is not valid.", errors=wrong) from None
    return valid


def wrong_query(pointer: str, detail: str) -> ValidationFailed:
    return ValidationFailed("The request is not valid.", errors=[FieldError(pointer, detail)])
