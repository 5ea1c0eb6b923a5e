"""What the routes of tool calls answer with."""

from datetime import datetime
from typing import Literal

from chancery.content.tool_calls.collections import CALL_FIELDS, TOOL_CALL_LOGS
from chancery.content.tool_calls.models import ToolCall, ToolCallBody
from chancery.core.web.answers import ABSENT, AnswerModel, PageOf, Projection, RefId, list_item

TOOL_CALL = Projection("ToolCall", ToolCall, CALL_FIELDS)
TOOL_CALL_PAGE = PageOf(list_item("ToolCallItem", TOOL_CALL_LOGS))


class ToolCallReceipt(AnswerModel):
    """A stored tool call; a body that was uploaded is pending until it is redacted."""

    ref_id: RefId
    created_on: datetime
    input: ToolCallBody = ABSENT
    output: ToolCallBody = ABSENT


class UploadLink(AnswerModel):
    """A link to upload a body to, for a quarter of an hour, with the headers to send."""

    id: RefId
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
