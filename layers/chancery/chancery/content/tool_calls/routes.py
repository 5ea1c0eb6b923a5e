"""The routes of tool calls."""

from chancery.content.tool_calls.answers import TOOL_CALL, TOOL_CALL_PAGE, ToolCallReceipt, UploadLink
from chancery.content.tool_calls.models import ToolCallRequest, ToolCallSearch, UploadRequest
from chancery.content.tool_calls.reader import ToolCallReader
from chancery.content.tool_calls.submission import ToolCallSubmission
from chancery.core.identity.roles import READERS, WRITERS
from chancery.core.web.answers import JSON, TEXT
from chancery.core.web.routes import Route, group, json_body, validated_body
from chancery.core.web.validation import TenantChoice

WRITES = group(
    "record_tool_calls",
    Route(
        "POST",
        "/v1/tool-calls",
        "Record a tool call with its input and output",
        ToolCallSubmission.record,
        WRITERS,
        body=json_body(ToolCallRequest),
        answers={201: ToolCallReceipt},
    ),
    Route(
        "POST",
        "/v1/tool-calls/uploads",
        "Announce a body that is too large for a request; the answer is a link to PUT it to",
        ToolCallSubmission.begin_upload,
        WRITERS,
        body=validated_body(UploadRequest),
        answers={201: UploadLink},
    ),
)

READS = group(
    "read_tool_calls",
    Route(
        "GET",
        "/v1/tool-calls",
        "Tool calls",
        ToolCallReader.search,
        READERS,
        query=ToolCallSearch,
        answers={200: TOOL_CALL_PAGE},
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}",
        "One tool call with the heads of its bodies",
        ToolCallReader.get,
        READERS,
        query=TenantChoice,
        answers={200: TOOL_CALL},
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}/input",
        "The whole input, byte for byte, or a range of it, or a redirect to it",
        ToolCallReader.input,
        READERS,
        query=TenantChoice,
        answers={200: (TEXT, JSON), 206: (TEXT, JSON), 307: ()},
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}/output",
        "The whole output, byte for byte, or a range of it, or a redirect to it",
        ToolCallReader.output,
        READERS,
        query=TenantChoice,
        answers={200: (TEXT, JSON), 206: (TEXT, JSON), 307: ()},
    ),
)
