"""Query parameters and JSON bodies as models: what is wrong with them is said field by field."""

from typing import Any

from pydantic import Field, ValidationError

from chancery.core.documents import Document, Identifier, field_errors
from chancery.core.errors import FieldError, ValidationFailed


class TenantChoice(Document):
    """The one parameter that every read takes."""

    tenant_id: Identifier | None = Field(None, description="a tenant, or `null` for the platform's own records")


def parse[Q: Document](kind: type[Q], parameters: Any) -> Q:
    """The query parameters, or a JSON body, as `kind`. Raises ValidationFailed naming every wrong one."""
    try:
        return kind.model_validate(parameters)
    except ValidationError as exc:
        raise ValidationFailed("The request is not valid.", errors=field_errors(exc)) from None


def wrong_query(pointer: str, detail: str) -> ValidationFailed:
    return ValidationFailed("The request is not valid.", errors=[FieldError(pointer, detail)])
