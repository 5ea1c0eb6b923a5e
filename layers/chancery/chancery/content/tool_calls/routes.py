"""The routes of tool calls."""

from chancery.content.tool_calls.models import ToolCallRequest, UploadRequest
from chancery.content.tool_calls.queries import ToolCallSearch
from chancery.core.web.legacy_routes import Route
from chancery.core.web.validation import TenantChoice

ROUTES = (
    Route(
        "POST",
        "/v1/tool-calls",
        "record_tool_calls",
        "Record a tool call with its input and output",
        {201: "ToolCallReceipt"},
        body=ToolCallRequest,
    ),
    Route(
        "POST",
        "/v1/tool-calls/uploads",
        "record_tool_calls",
        "Announce a body that is too large for a request; the answer is a link to PUT it to",
        {201: "UploadLink"},
        body=UploadRequest,
    ),
    Route("GET", "/v1/tool-calls", "read_tool_calls", "Tool calls", {200: "ToolCallPage"}, query=ToolCallSearch),
    Route(
        "GET",
        "/v1/tool-calls/{refId}",
        "read_tool_calls",
        "One tool call with the heads of its bodies",
        {200: "ToolCall"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}/input",
        "read_tool_calls",
        "The whole input, byte for byte, or a range of it, or where it is",
        {200: "Body", 206: "Body", 307: "Redirect"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}/output",
        "read_tool_calls",
        "The whole output, byte for byte, or a range of it, or where it is",
        {200: "Body", 206: "Body", 307: "Redirect"},
        query=TenantChoice,
    ),
)
