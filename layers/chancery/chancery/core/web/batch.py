"""Bodies with one record, or with many as `{"records": [...]}`."""

from collections.abc import Sequence
from typing import Any

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.identifiers import composed, is_identifier
from chancery.core.formats.json_limits import reference
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.web.request import MAX_BATCH


def is_batch(body: Any) -> bool:
    return isinstance(body, dict) and "records" in body


def records_of(body: Any, noun: str) -> list[Any]:
    """The records of a body; `noun` is what they are called in errors. Raises ValidationFailed for a wrong batch."""
    if not is_batch(body):
        return [body]
    records = body["records"]
    wrong = [
        FieldError(f"/{reference(name)}", "is not known in a request with records")
        for name in body
        if name != "records"
    ]
    if not isinstance(records, list) or not 1 <= len(records) <= MAX_BATCH:
        wrong.append(FieldError("/records", f"must be a list of 1 to {MAX_BATCH} {noun}"))
    if wrong:
        raise ValidationFailed("The batch is not valid.", errors=wrong)
    return list(records)


def crossed_scopes(principal: Principal, records: Sequence[Any]) -> set[TenantScope]:
    """The scopes that records write to, of a caller who may cross tenants; none of any other.

    A record with an invalid tenant id has none: it fails validation later.
    """
    if not principal.crosses_tenants:
        return set()
    named = [record.get("tenantId") for record in records if isinstance(record, dict)]
    return {
        principal.write_scope(tenant and composed(tenant))
        for tenant in named
        if tenant is None or is_identifier(tenant)
    }
