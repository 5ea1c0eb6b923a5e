"""What an activity output is, and the states it goes through."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chancery.content.models import StoredBody
from chancery.core.documents import ChangeableBase, Identifier, Name

Status = Literal["draft", "approved", "rejected", "published"]
Count = Annotated[int, Field(ge=0)]

NEXT: dict[Status, tuple[Status, ...]] = {
    "draft": ("approved", "rejected"),
    "approved": ("published",),
    "rejected": (),
    "published": (),
}


class ActivityOutput(ChangeableBase):
    """What an agent's activity has produced: content, how it was judged, by whom, where it was published.

    `content` is its head only where `bodies` has the whole. `requestKey` and `decisionKey` tell a request with an
    Idempotency-Key that it has been here before.
    """

    activity_id: Identifier
    activity_run_id: Identifier
    type: Identifier
    status: Status
    content: str
    bodies: dict[str, StoredBody]
    metadata: dict[str, Any]
    word_count: Count
    char_count: Count
    approved_by: Identifier | None = None
    approved_on: datetime | None = None
    rejected_by: Identifier | None = None
    rejected_on: datetime | None = None
    comment: Name | None = None
    published_by: Identifier | None = None
    published_on: datetime | None = None
    published_url: str | None = None
    request_key: str | None = None
    decision_key: str | None = None


# Neither content nor metadata.
LIST_FIELDS = (
    "refId",
    "tenantId",
    "activityId",
    "activityRunId",
    "type",
    "status",
    "wordCount",
    "charCount",
    "approvedBy",
    "approvedOn",
    "rejectedBy",
    "rejectedOn",
    "comment",
    "publishedBy",
    "publishedOn",
    "publishedUrl",
    "createdBy",
    "createdOn",
    "updatedBy",
    "updatedOn",
    "version",
    "traceId",
    "correlationId",
)
