"""Tool calls and uploads in MongoDB: collections, indexes, list projections, rights."""

from chancery.content.tool_calls.models import LIST_FIELDS, ToolCall, Upload
from chancery.core.mongo.collections import Collection, Index

_NEWEST = (("createdOn", -1), ("refId", -1))

CALL_FIELDS = (*LIST_FIELDS, "inputHead", "outputHead")

TOOL_CALL_LOGS = Collection(
    name="tool_call_logs",
    model=ToolCall,
    retention_days=90,
    trace_kind="tool_call",
    list_fields=LIST_FIELDS,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("eventId", 1)), unique=True),
        Index((("refId", 1),)),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("toolName", 1), *_NEWEST)),
        Index(_NEWEST),
        # The selective field first: these also serve a search across tenants.
        Index((("activityRunId", 1), ("tenantId", 1), *_NEWEST)),
        Index((("toolCallId", 1), ("tenantId", 1), *_NEWEST)),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index((("pendingSince", 1),), only_with="pendingSince"),
        Index((("tenantId", 1), ("inputHead", "text"), ("outputHead", "text"))),
    ),
)

# S3 removes uploads a day or two after they arrived.
TOOL_CALL_UPLOADS = Collection(
    name="tool_call_uploads",
    model=Upload,
    retention_days=2,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1), ("refId", 1)), unique=True),),
)

COLLECTIONS = (TOOL_CALL_LOGS, TOOL_CALL_UPLOADS)
