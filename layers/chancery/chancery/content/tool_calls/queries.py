"""The query parameters of tool calls."""

from typing import Any

from pydantic import AwareDatetime, Field

from chancery.core.documents import Identifier, TraceId
from chancery.core.listing import ListQuery
from chancery.core.principal import TenantScope
from chancery.core.query import wrong_query


class ToolCallSearch(ListQuery):
    """The query parameters of `GET /v1/tool-calls`."""

    activity_run_id: Identifier | None = None
    tool_call_id: Identifier | None = None
    tool_name: Identifier | None = None
    trace_id: TraceId | None = None
    from_: AwareDatetime | None = Field(None, alias="from", description="createdOn at or after (RFC 3339)")
    to: AwareDatetime | None = Field(None, description="createdOn before (RFC 3339)")
    q: str | None = Field(None, min_length=1, max_length=256, description="words in the first 4 KB of the bodies")

    def filters(self, scope: TenantScope) -> dict[str, Any]:
        """The MongoDB filter beside the scope's own. Raises ValidationFailed when `q` comes without a tenant."""
        exact = {
            "activityRunId": self.activity_run_id,
            "toolCallId": self.tool_call_id,
            "toolName": self.tool_name,
            "traceId": self.trace_id,
        }
        query: dict[str, Any] = {name: value for name, value in exact.items() if value is not None}
        period = {"$gte": self.from_, "$lt": self.to}
        if ends := {operator: moment for operator, moment in period.items() if moment is not None}:
            query["createdOn"] = ends
        if self.q is not None:
            if scope.every_tenant:
                raise wrong_query("/q", "searches the text of one tenant; add tenantId")
            query["$text"] = {"$search": self.q.replace("\0", " ")}
        return query
