"""The filters that search, statistics and exports share, and the MongoDB query they make."""

from typing import Any

from pydantic import Field

from chancery.core.documents import Identifier, LongIdentifier, TraceId
from chancery.core.formats.times import Moment
from chancery.core.identity.principal import TenantScope
from chancery.core.web.validation import TenantChoice

EXACT = frozenset({"actorId", "onBehalfOfId", "resourceType", "resourceId", "traceId"})  # equal to the value


class AuditFilter(TenantChoice):
    """Which records: the query parameters that search, statistics and exports share."""

    actor_id: Identifier | None = None
    on_behalf_of_id: Identifier | None = Field(None, description="whom the actor impersonated")
    action: Identifier | None = Field(None, description="an action, or a resource type's: `blog_post.*`")
    resource_type: Identifier | None = None
    resource_id: LongIdentifier | None = None
    trace_id: TraceId | None = None
    from_: Moment | None = Field(None, alias="from", description="createdOn at or after (RFC 3339)")
    to: Moment | None = Field(None, description="createdOn before (RFC 3339)")
    q: str | None = Field(None, min_length=1, max_length=256, description="words in description and names")

    def mongo_filter(self, scope: TenantScope) -> dict[str, Any]:
        """The MongoDB filter inside of a scope."""
        query: dict[str, Any] = dict(scope.filter)
        query |= {name: value for name, value in self.set_filters().items() if name in EXACT}
        if self.action is not None:
            query["action"] = _action_filter(self.action)
        period = {"$gte": self.from_, "$lt": self.to}
        if set_ends := {operator: moment for operator, moment in period.items() if moment is not None}:
            query["createdOn"] = set_ends
        if self.q is not None:
            query["$text"] = {"$search": self.q.replace("\0", " ")}
        return query

    def given(self) -> list[str]:
        """The names of the filters in use; the audit of a read has these, never the values."""
        return sorted(self.set_filters())

    def set_filters(self) -> dict[str, Any]:
        """The filters in use, by their API names."""
        named = {name: field.alias or name for name, field in AuditFilter.model_fields.items()}
        found = {alias: getattr(self, name) for name, alias in named.items()}
        return {alias: value for alias, value in found.items() if value is not None}


def _action_filter(action: str) -> Any:
    """`blog_post.*` as a range, which an index serves and in which nothing is a pattern."""
    if not action.endswith(".*"):
        return action
    prefix = action.removesuffix("*")
    return {"$gte": prefix, "$lt": prefix[:-1] + "/"}  # "/" follows "." in ASCII
