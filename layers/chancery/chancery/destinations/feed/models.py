"""What the routes of the feed take, and a named consumer as it is stored."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StringConstraints

from chancery.core.documents import ChangeableBase, Document, Identifier
from chancery.core.web.pagination import DEFAULT_LIMIT, MAX_LIMIT
from chancery.core.web.validation import TenantChoice
from chancery.destinations.events import EventPattern

MOST_PATTERNS = 50
LONGEST_WAIT = 8  # seconds; the API waits for 29
CONSUMER_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"

Cursor = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_-]+$")]
Patterns = Annotated[list[EventPattern], Field(min_length=1, max_length=MOST_PATTERNS)]


class PageQuery(TenantChoice):
    """The query parameters of every read of events."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT)] = Field(
        5, description="seconds to wait for an event where there is none"
    )


class FeedQuery(PageQuery):
    """The query parameters of `GET /v1/feed`."""

    after: Cursor | None = Field(
        None, description="`cursor` of the answer before, or `beginning`; without it, events from now on"
    )
    events: Annotated[str, Field(min_length=1, max_length=4096)] = Field(
        "*", description="comma-separated event types, or beginnings of them: audit.*,log.error"
    )
    filter: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        None, description="an EventBridge event pattern over the data of an event, as JSON"
    )


class ConsumerRequest(Document):
    """The body of `PUT /v1/feed/consumers/{name}`. `startAfter` counts when it is created."""

    events: Patterns
    filter: dict[str, Any] | None = Field(None, description="an EventBridge event pattern; null for all events")
    start_after: Literal["now", "beginning"] = "now"


class CommitRequest(Document):
    """The body of `POST /v1/feed/consumers/{name}/commit`."""

    cursor: Cursor
    rewind: StrictBool = Field(False, description="also to a cursor that lies before the committed one")


class FeedConsumer(ChangeableBase):
    """A named reader of a tenant's feed. `positions`: source → the sequence that it has committed. `filter`: JSON."""

    name: Annotated[Identifier, Field(pattern=CONSUMER_NAME)]
    events: list[str]
    filter: str | None = None
    positions: dict[str, Annotated[int, Field(ge=0)]]
    committed_on: datetime | None = None
