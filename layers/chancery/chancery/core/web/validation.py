"""Validates query parameters and JSON bodies as models: 422 with an error for each wrong field.

The words of the errors are in `validation_messages.py`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from chancery.core.documents import Document, Identifier, redact_body, refused_fields, validated, without
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import reference
from chancery.core.identity.principal import Principal
from chancery.core.redaction import Detector
from chancery.core.web.validation_messages import field_errors

_NOT_VALID = "The request is not valid."


def _flag(given: Any) -> Any:
    return given == "true" if given in ("true", "false") else given


Flag = Annotated[bool, Field(strict=True), BeforeValidator(_flag)]  # as a query parameter has it: `true` or `false`


class Repeated(str):
    """The last value of a query parameter that is given more than once, which `parse` refuses."""

    __slots__ = ()


class NoParameters(Document):
    """The query parameters of a route that has none."""


class TenantChoice(Document):
    """The one parameter that every read takes."""

    tenant_id: Identifier | None = Field(None, description="a tenant, or `null` for the platform's own records")

    @field_validator("q", "after", check_fields=False)
    @classmethod
    def _is_of_one_tenant(cls, given: str | None, info: ValidationInfo) -> str | None:
        """Text indexes begin with the tenant, so a search by text in every tenant is refused."""
        if given is not None and "tenant_id" in info.data and _reads_every_tenant(info.context, info.data["tenant_id"]):
            raise ValueError("looks into one tenant; add tenantId")
        return given


def parse[Q: Document](kind: type[Q], parameters: Any, caller: Principal | None = None) -> Q:
    """The query parameters, or a JSON body, as `kind`. Raises ValidationFailed naming every wrong one.

    `caller`: whose search it is, for a `kind` with words to search for (`q`).
    """
    wrong = _repeated(parameters)
    try:
        parsed = validated(kind, parameters, caller)
    except ValidationError as exc:
        raise ValidationFailed(_NOT_VALID, errors=[*wrong, *field_errors(exc)]) from None
    if wrong:
        raise ValidationFailed(_NOT_VALID, errors=wrong)
    return parsed


def accepted[B: Document](kind: type[B], body: Any, using: Detector | None = None) -> B:
    """A JSON body, redacted by its tenant's detector, and valid. Raises ValidationFailed naming every wrong field."""
    if not isinstance(body, dict):
        raise ValidationFailed("The body is not valid.", errors=[FieldError("", "must be a JSON object")])
    clean = redact_body(body, kind, using=using)
    wrong = refused_fields(body, clean, kind, using)
    try:
        valid = validated(kind, clean)
    except ValidationError as exc:
        wrong += without(field_errors(exc), wrong)
    if wrong:
        raise ValidationFailed("The request is not valid.", errors=wrong) from None
    return valid


def wrong_query(pointer: str, detail: str) -> ValidationFailed:
    return ValidationFailed(_NOT_VALID, errors=[FieldError(pointer, detail)])


def _reads_every_tenant(caller: Principal | None, tenant_id: str | None) -> bool:
    return caller is not None and caller.crosses_tenants and caller.read_scope(tenant_id).every_tenant


def _repeated(parameters: Any) -> list[FieldError]:
    if not isinstance(parameters, Mapping):
        return []
    twice = [name for name, value in parameters.items() if isinstance(value, Repeated)]
    return [FieldError(f"/{reference(name)}", "is given more than once; give it once") for name in twice]
