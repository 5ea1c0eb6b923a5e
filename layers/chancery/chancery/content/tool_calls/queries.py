"""The query parameters of tool calls."""

from typing import Any

from pydantic import Field

from chancery.content.tool_calls.models import LIST_FIELDS
from chancery.core.documents import Identifier, TraceId
from chancery.core.formats.times import Moment
from chancery.core.web.listing import ListQuery


class ToolCallSearch(ListQuery):
    """The query parameters of `GET /v1/tool-calls`."""

    offered = LIST_FIELDS
    activity_run_id: Identifier | None = None
    tool_call_id: Identifier | None = None
    tool_name: Identifier | None = None
    trace_id: TraceId | None = None
    from_: Moment | None = Field(None, alias="from", description="createdOn at or after (RFC 3339)")
    to: Moment | None = Field(None, description="createdOn before (RFC 3339)")
    q: str | None = Field(None, min_length=1, max_length=256, description="words in the first 4 KB of the bodies")

    def filters(self) -> dict[str, Any]:
        """The MongoDB filter beside the scope's own."""
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
            query["$text"] = {"$search": self.q.replace("\0", " ")}
        return query
