"""The query parameters of the routes for proofs."""

from pydantic import Field

from chancery.core.web.validation import TenantChoice


class ConsistencyQuery(TenantChoice):
    """The query parameters of `GET /v1/audit-consistency`."""

    from_: int = Field(alias="from", ge=1, description="the size of an older checkpoint")
    to: int | None = Field(None, ge=1, description="the size of a newer one; the newest unless given")
