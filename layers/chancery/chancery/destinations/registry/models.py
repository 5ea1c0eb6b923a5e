"""What the routes of destinations and their deliveries take."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StringConstraints, field_validator

from chancery.core.documents import NUMBER, TEXT, WORD, Document, Identifier, WholeNumber, by_type
from chancery.core.formats.times import Moment
from chancery.core.outbound.urls import HeaderName, HeaderValue
from chancery.core.web.listing import ListQuery
from chancery.core.web.pagination import readable
from chancery.destinations.collections import DELIVERY_FIELDS, DESTINATION_FIELDS
from chancery.destinations.events import EventPattern, SourceName
from chancery.destinations.models import DeliveryStatus, Format, Kind, Signing

MOST_EVENTS, MOST_HEADERS, MOST_TAGS = 50, 20, 20
LONGEST_OVERLAP = 168  # hours

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[\x20-\x7e]*$")]
Path = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,4}$")]

Start = Annotated[
    Annotated[Literal["now", "beginning"], WORD] | Annotated[Moment, TEXT],
    by_type("now, beginning, or an RFC 3339 time with its zone", "now", "beginning"),
]
Until = Annotated[
    Annotated[Moment, TEXT] | Annotated[WholeNumber, NUMBER], by_type("an RFC 3339 time with its zone, or a number")
]


class AlertSettings(Document):
    """One message for many events: when `count` of them come within so many minutes, and then once in these minutes."""

    count: Annotated[WholeNumber, Field(ge=2, le=1000)]
    minutes: Annotated[WholeNumber, Field(ge=1, le=1440)]


class Options(Document):
    """Settings of one kind: `index`, `host`, `sourcetype` of Splunk, `region` of S3, the others of Datadog."""

    index: Line | None = None
    host: Line | None = None
    sourcetype: Line | None = None
    service: Line | None = None
    hostname: Line | None = None
    tags: Annotated[list[Line], Field(min_length=1, max_length=MOST_TAGS)] | None = None
    region: Line | None = None


class DestinationSettings(Document):
    """What is set for a destination; what is left out gets its default."""

    name: Line
    events: Annotated[list[EventPattern], Field(min_length=1, max_length=MOST_EVENTS)] = Field(
        description="event types, or beginnings of them: audit.blog_post.updated, audit.*, log.error, *"
    )
    filter: dict[str, Any] | None = Field(
        None, description="an EventBridge event pattern over the data of an event; null for all events"
    )
    format: Format = "json"
    enabled: StrictBool = Field(True, description="what comes meanwhile is delivered when it is enabled again")
    ordered_by: Path | None = Field(
        None, description="of webhooks: the path in the data whose equal values are delivered in order"
    )
    alert: AlertSettings | None = None
    rate_per_second: Annotated[WholeNumber, Field(ge=1)] | None = Field(
        None, description="messages a second at most; null for as many as the tenant may have"
    )
    max_age_seconds: Annotated[WholeNumber, Field(ge=0, le=3600)] | None = Field(
        None, description="of streams: how long the oldest event may wait for others"
    )
    role_arn: Line | None = Field(None, description="of s3 and eventbridge: the role to assume")
    options: Options | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=MOST_HEADERS)] | None = Field(
        None, description="own headers of each message; stored encrypted, only their names are shown"
    )
    token: Secret | None = Field(None, description="of splunk_hec, datadog and otlp; stored encrypted, never shown")


class DestinationRequest(DestinationSettings):
    """The body of `POST /v1/destinations`."""

    kind: Kind
    url: Secret = Field(description="https://..., s3://bucket/prefix, or the ARN of an event bus; stored encrypted")
    signing: Signing | None = Field(None, description="of webhooks: hmac by default")
    start_after: Start = Field(
        "now", description="the first event: the next one, the oldest one, or the first since a time"
    )
    tenant_id: Identifier | None = Field(None, description="for a super_admin: the tenant")


class DestinationChange(DestinationSettings):
    """The body of `PUT /v1/destinations/{refId}`: all settings. `url`, `headers`, `token` stay where they are null."""

    url: Secret | None = None


class SecretRotation(Document):
    """The body of `POST /v1/destinations/{refId}/secret`."""

    overlap_hours: WholeNumber = Field(24, ge=0, le=LONGEST_OVERLAP, description="how long the old secret signs, too")
    signing: Signing | None = Field(None, description="by default as before")


class TestRequest(Document):
    """The body of `POST /v1/destinations/{refId}/test`."""

    type: Line = Field("audit.test.sent", description="what is said to have happened")


class ReplayRequest(Document):
    """The body of `POST /v1/destinations/{refId}/replays`: failed deliveries since a time, or ended ones of a range.

    A range is one of times (`from`, `to`: when the deliveries were created) or of sequence numbers (`source`, `after`,
    `to`).
    """

    failed_since: Moment | None = None
    from_: Moment | None = Field(None, alias="from")
    to: Until | None = None
    source: SourceName | None = None
    after: Annotated[WholeNumber, Field(ge=0)] | None = None
    cursor: str | None = Field(None, min_length=1, max_length=512, description="`nextCursor` of the request before")

    _cursor_is_readable = field_validator("cursor")(readable)


class DestinationSearch(ListQuery):
    """The query parameters of `GET /v1/destinations`."""

    offered = DESTINATION_FIELDS
    kind: Kind | None = None


class DeliverySearch(ListQuery):
    """The query parameters of `GET /v1/destinations/{refId}/deliveries`. `from`, `to`: of `createdOn`."""

    offered = DELIVERY_FIELDS
    status: DeliveryStatus | None = None
    type: Line | None = Field(None, description="an event type that is in the delivery")
    response_status: Annotated[int, Field(ge=100, le=999)] | None = None
    from_: Moment | None = Field(None, alias="from")
    to: Moment | None = None
