"""What the routes of destinations answer with."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chancery.core.documents import Identifier
from chancery.core.web.answers import ABSENT, AnswerModel, Count, PageOf, RefId, list_item
from chancery.destinations.collections import DELIVERIES, DESTINATIONS
from chancery.destinations.events import SourceName
from chancery.destinations.models import (
    Alert,
    DeliveredItem,
    DeliveryKind,
    DeliveryStatus,
    DisabledReason,
    Format,
    Kind,
    Signing,
)

DESTINATION_PAGE = PageOf(list_item("DestinationItem", DESTINATIONS))
DELIVERY_PAGE = PageOf(list_item("DeliveryItem", DELIVERIES))


class Destination(AnswerModel):
    """A destination. `url` is without what may be a credential; `secret` is there once, when it is made."""

    ref_id: RefId
    tenant_id: Identifier
    created_by: Identifier
    created_on: datetime
    version: Count
    updated_by: Identifier = ABSENT
    updated_on: datetime = ABSENT
    kind: Kind
    name: str
    url: str
    events: list[str]
    filter: dict[str, Any] = ABSENT
    format: Format
    header_names: list[str]
    enabled: bool
    disabled_reason: DisabledReason = ABSENT
    disabled_on: datetime = ABSENT
    ordered_by: str = ABSENT
    signing: Signing = ABSENT
    public_key: Annotated[str, Field(description="of Ed25519: what receivers verify signatures with")] = ABSENT
    alert: Alert = ABSENT
    rate_per_second: Count
    max_age_seconds: Count = ABSENT
    role_arn: str = ABSENT
    external_id: Annotated[
        str, Field(description="of s3 and eventbridge: which the trust policy of the role demands")
    ] = ABSENT
    options: dict[str, Any] = ABSENT
    trace_id: str = ABSENT
    correlation_id: str = ABSENT
    secret: Annotated[str, Field(description="of HMAC, whsec_...; never shown again")] = ABSENT


class Attempt(AnswerModel):
    """An attempt, which is an exchange. `status`: PENDING while it is sent."""

    request_id: str
    status: Literal["PENDING", "SUCCESS", "FAILED", "TIMEOUT", "CANCELLED"]
    response_status: int = ABSENT
    error: dict[str, Any] = ABSENT
    started_at: datetime = ABSENT
    completed_at: datetime = ABSENT
    duration_ms: Count = ABSENT
    exchange: str = Field(description="path of the exchange, with request and answer")


class AcceptedDelivery(AnswerModel):
    """A message to a destination. `refId` is the `webhook-id`, the same in every attempt and replay."""

    ref_id: RefId
    tenant_id: Identifier
    created_by: Identifier
    created_on: datetime
    destination_id: RefId
    kind: DeliveryKind
    source: SourceName = ABSENT
    first: Count = ABSENT
    last: Count = ABSENT
    items: list[DeliveredItem]
    types: list[str]
    content: dict[str, Any] = ABSENT
    order_key: str = ABSENT
    status: DeliveryStatus
    reason: str
    round: Count
    attempt: Count
    retries: Count
    due_on: datetime = ABSENT
    response_status: int = ABSENT
    last_error: dict[str, Any] = ABSENT
    rejected: Count = ABSENT
    ended_on: datetime = ABSENT


class Delivery(AcceptedDelivery):
    """A delivery with its attempts, the first one first."""

    attempts: list[Attempt]


class Replayed(AnswerModel):
    """How many deliveries are sent again. With `nextCursor` there are others in the range; send it for them."""

    replayed: Count
    next_cursor: str | None


class Lag(AnswerModel):
    """How far a destination is behind a source. `events`: not read yet. `seconds`: how old the oldest one is."""

    position: Count
    events: Count
    seconds: Count


class Health(AnswerModel):
    """How a destination is. `pending` and `failed` count to 10,000."""

    ref_id: RefId
    status: Literal["ok", "failing", "disabled"]
    disabled_reason: DisabledReason = ABSENT
    disabled_on: datetime = ABSENT
    lag: dict[str, Lag]
    pending: Count
    failed: Count
    last_success_on: datetime = ABSENT
    last_failure_on: datetime = ABSENT
    last_error: dict[str, Any] = ABSENT
    failing_since: datetime = ABSENT
    next_attempt_on: datetime = ABSENT
    is_down: bool = Field(description="only a probe is sent now and then, until one succeeds")
    consecutive_failures: Count
