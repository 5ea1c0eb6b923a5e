"""Tool calls and the uploads of bodies too large for a request: as they are stored, and what their routes take."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chancery.core.documents import ID, ChangeableBase, Document, Identifier, StoredDocument, TraceId, WholeNumber
from chancery.core.formats.times import Moment
from chancery.core.web.listing import ListQuery

MAX_BYTES = 100 * 1024 * 1024  # of an input or an output
HEAD_BYTES = 4096

Part = Literal["input", "output"]
PARTS: tuple[Part, ...] = ("input", "output")
State = Literal["stored", "pending", "failed"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RefId = Annotated[str, StringConstraints(min_length=26, max_length=26), ID]
Head = Annotated[str, StringConstraints(max_length=HEAD_BYTES)]


class ToolCallRequest(Document):
    """The body of `POST /v1/tool-calls`. Input and output: any JSON value, text as a JSON string, or an upload."""

    event_id: Identifier | None = None
    tenant_id: Identifier | None = None
    tool_call_id: Identifier
    activity_run_id: Identifier
    tool_name: Identifier
    method: Identifier | None = None
    sensitive: bool = Field(False, strict=True, description="encrypts both bodies under KMS, without searchable heads")
    full_input: Any = None
    full_output: Any = None
    input_upload_id: RefId | None = None
    output_upload_id: RefId | None = None
    trace_id: TraceId | None = None
    correlation_id: Identifier | None = None


class UploadRequest(Document):
    """The body of `POST /v1/tool-calls/uploads`: size and SHA-256 (hex) of what will be uploaded."""

    tenant_id: Identifier | None = None
    bytes: Annotated[WholeNumber, Field(ge=1, le=MAX_BYTES)]
    sha256: Sha256


class ToolCallBody(StoredDocument):
    """The public description of a body: `bytes` and `sha256` are those of the bytes that a read returns.

    A body is pending until its upload is redacted; `reason` says why one failed. The hash of a sensitive body is not
    stored: it would confirm a guess.
    """

    state: State
    bytes: Annotated[int, Field(ge=0)]
    content_type: Identifier | None = None
    sha256: Sha256 | None = None
    reason: str | None = None


class BodyLocation(StoredDocument):
    """The location of a body: in the document, in S3 (with the hash of the object), or still in an upload."""

    inline: bytes | None = None
    key: Identifier | None = None
    sha256: Sha256 | None = None
    data_key: bytes | None = None
    upload_id: RefId | None = None


class ToolCall(ChangeableBase):
    """A stored tool call. Fields without a value are left out."""

    event_id: Identifier
    tool_call_id: Identifier
    activity_run_id: Identifier
    tool_name: Identifier
    method: Identifier | None = None
    sensitive: bool
    input: ToolCallBody | None = None
    output: ToolCallBody | None = None
    input_head: Head | None = None
    output_head: Head | None = None
    input_location: BodyLocation | None = None
    output_location: BodyLocation | None = None
    pending_since: datetime | None = None


class Upload(ChangeableBase):
    """An announced body; `usedBy` is the event id of the call that refers to it."""

    bytes: Annotated[int, Field(ge=1, le=MAX_BYTES)]
    sha256: Sha256
    used_by: Identifier | None = None


# Lists have sizes and hashes of the bodies, never the bodies.
LIST_FIELDS = (
    "refId",
    "tenantId",
    "createdBy",
    "createdOn",
    "eventId",
    "toolCallId",
    "activityRunId",
    "toolName",
    "method",
    "sensitive",
    "input",
    "output",
    "traceId",
    "correlationId",
)


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
        """The MongoDB filter, apart from the tenant."""
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
