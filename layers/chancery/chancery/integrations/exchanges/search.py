"""The query parameters of exchanges and their figures, and the MongoDB filters that they mean."""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from chancery.core.documents import Identifier, TraceId
from chancery.core.formats.times import Moment
from chancery.core.web.listing import ListQuery
from chancery.core.web.validation import Flag, TenantChoice, wrong_query
from chancery.integrations.exchanges.models import LIST_FIELDS, Code, Status

_EXACT = {
    "system_code": "systemCode",
    "endpoint_code": "endpointCode",
    "status": "status",
    "is_success": "isSuccess",
    "entity_type": "context.entityType",
    "entity_id": "context.entityId",
    "correlation_id": "correlationId",
    "trace_id": "traceId",
    "user_id": "actor.userId",
}
_SELECTIVE = ("entity_id", "correlation_id", "trace_id", "user_id")  # each has an index that begins with it
_UNSUCCESSFUL = ("FAILED", "TIMEOUT", "CANCELLED")
WINDOW = timedelta(hours=24)  # of a search in every tenant by nothing selective

Bucket = Literal["minute", "hour", "day"]
LENGTHS: dict[Bucket, timedelta] = {
    "minute": timedelta(hours=24),
    "hour": timedelta(days=31),
    "day": timedelta(days=92),
}


class ExchangeSearch(ListQuery):
    """The query parameters of `GET /v1/exchanges`."""

    offered = LIST_FIELDS
    system_code: Code | None = None
    endpoint_code: Code | None = Field(None, description="with systemCode")
    status: Status | None = None
    is_success: Flag | None = None
    entity_type: Identifier | None = Field(None, description="with entityId")
    entity_id: Identifier | None = None
    correlation_id: Identifier | None = None
    trace_id: TraceId | None = None
    user_id: Identifier | None = Field(None, description="of the actor")
    from_: Moment | None = Field(None, alias="from", description="startedAt at or after (RFC 3339)")
    to: Moment | None = Field(None, description="startedAt before (RFC 3339)")

    def require_indexed(self) -> None:
        """Raises ValidationFailed for a code of an endpoint without its system, and a type of entity without an id."""
        if self.endpoint_code is not None and self.system_code is None:
            raise wrong_query("/endpointCode", "is a code within a system; add systemCode")
        if self.entity_type is not None and self.entity_id is None:
            raise wrong_query("/entityType", "goes with the id of the entity; add entityId")

    def filters(self, now: datetime, *, every_tenant: bool) -> dict[str, Any]:
        """The MongoDB filter, apart from the tenant."""
        given = {name: value for name in _EXACT if (value := getattr(self, name)) is not None}
        query: dict[str, Any] = {_EXACT[name]: value for name, value in given.items()}
        if self.status in _UNSUCCESSFUL:
            query.setdefault("isSuccess", False)  # the index of failures
        begin = self.from_
        if begin is None and every_tenant and not any(name in given for name in _SELECTIVE):
            begin = (self.to or now) - WINDOW
        period = {"$gte": begin, "$lt": self.to}
        if ends := {operator: moment for operator, moment in period.items() if moment is not None}:
            query["createdOn"] = ends
        return query


class StatisticsQuery(TenantChoice):
    """The query parameters of the figures of a system or endpoint."""

    bucket: Bucket = "hour"
    from_: Moment | None = Field(None, alias="from", description="at or after; default: 24 hours before `to`")
    to: Moment | None = Field(None, description="before; default: now")

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """The begin and end of the figures."""
        end = self.to or now
        return self.from_ or end - timedelta(hours=24), end
