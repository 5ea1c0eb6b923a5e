"""A tool call as it comes in and as it is stored, and the uploads of bodies too large for a request."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chancery.core.documents import ID, ChangeableBase, Document, Identifier, StoredDocument, TraceId

MAX_BYTES = 100 * 1024 * 1024  # of an input or an output
HEAD_BYTES = 4096

Part = Literal["input", "output"]
PARTS: tuple[Part, ...] = ("input", "output")
State = Literal["stored", "pending", "failed"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RefId = Annotated[str, StringConstraints(min_length=26, max_length=26), ID]
Head = Annotated[str, StringConstraints(max_length=HEAD_BYTES)]


class ToolCallRequest(Document):
    """What a caller sends. A body is any JSON value, or text as a JSON string, or an upload; null is none."""

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
    """What a caller announces: a body of so many bytes with this SHA-256 (hex)."""

    tenant_id: Identifier | None = None
    bytes: Annotated[int, Field(ge=1, le=MAX_BYTES, strict=True)]
    sha256: Sha256


class Body(StoredDocument):
    """What is said of a body: `bytes` and `sha256` are those of what a read gives.

    A body is pending until its upload is redacted; `reason` says why one failed. Of a sensitive one no hash is kept:
    whoever guesses it could prove it.
    """

    state: State
    bytes: Annotated[int, Field(ge=0)]
    content_type: Identifier | None = None
    sha256: Sha256 | None = None
    reason: str | None = None


class Kept(StoredDocument):
    """Where a body is: in the document, in S3 (with the hash of what is there), or still in an upload."""

    inline: bytes | None = None
    key: Identifier | None = None
    sha256: Sha256 | None = None
    data_key: bytes | None = None
    upload_id: RefId | None = None


class ToolCall(ChangeableBase):
    """What is stored. Fields without a value are left out."""

    event_id: Identifier
    tool_call_id: Identifier
    activity_run_id: Identifier
    tool_name: Identifier
    method: Identifier | None = None
    sensitive: bool
    input: Body | None = None
    output: Body | None = None
    input_head: Head | None = None
    output_head: Head | None = None
    input_kept: Kept | None = None
    output_kept: Kept | None = None
    pending_since: datetime | None = None


class Upload(ChangeableBase):
    """A body announced, and once it is referred to the event id of the call that has it."""

    bytes: Annotated[int, Field(ge=1, le=MAX_BYTES)]
    sha256: Sha256
    used_by: Identifier | None = None


# Sizes and hashes of the bodies, never the bodies.
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
