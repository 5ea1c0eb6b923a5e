"""Activity outputs: as they are stored, the states they go through, and what their routes take."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from chancery.content.models import StoredBody
from chancery.core.documents import EXACT, ChangeableBase, Document, Identifier, Name, defaults
from chancery.core.web.listing import ListQuery

Status = Literal["draft", "approved", "rejected", "published"]
Count = Annotated[int, Field(ge=0)]

NEXT: dict[Status, tuple[Status, ...]] = {
    "draft": ("approved", "rejected"),
    "approved": ("published",),
    "rejected": (),
    "published": (),
}


class ActivityOutput(ChangeableBase):
    """What an agent's activity has produced: content, who approved or rejected it, where it was published.

    Where `bodies` has the content, `content` is its head only. `requestKey` and `decisionKey` identify the requests,
    sent with an Idempotency-Key, that created the output and decided on it: a repeated one changes nothing.
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


def _http_url(text: str) -> str:
    """An absolute http or https address without credentials in it (RFC 3986)."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in parts.netloc or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("must be an http or https address, without a user in it")
    return text


HttpUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_http_url), EXACT]


class DraftMetadata(Document):
    """What a caller knows of an output. Counts are recomputed: `charCounts` only names the platforms to count for."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True)

    word_count: Any = Field(None, description="recomputed")
    char_counts: dict[str, Any] | None = Field(None, max_length=50, description="platform to count; recomputed")
    platform: Identifier | None = None
    validation_results: list[dict[str, Any]] = Field([], max_length=1000)


class OutputRequest(Document):
    """The body of `POST /v1/activity-outputs`, which stores a draft."""

    tenant_id: Identifier | None = None
    activity_id: Identifier
    activity_run_id: Identifier
    type: Identifier = Field(description="blog_post, topic_list, seo_brief, social_posts, ad_copy, ...")
    content: str = Field(min_length=1, description="Markdown, JSON or plain text; read back byte for byte")
    metadata: DraftMetadata = defaults(DraftMetadata)


class OutputSearch(ListQuery):
    """The query parameters of `GET /v1/activity-outputs`."""

    offered = LIST_FIELDS
    activity_id: Identifier | None = None
    type: Identifier | None = None
    status: Status | None = None

    def filters(self) -> dict[str, str]:
        """The filters in use, by field."""
        given = {"activityId": self.activity_id, "type": self.type, "status": self.status}
        return {name: value for name, value in given.items() if value is not None}


class Decision(Document):
    """The body of an approval or a rejection; it may be left out."""

    comment: Name | None = None


class Publication(Document):
    """The body of `POST /v1/activity-outputs/{refId}/publish`."""

    published_url: HttpUrl
