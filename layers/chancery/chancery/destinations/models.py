"""Destinations, the state of their delivery, and deliveries, as they are stored."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from chancery.core.documents import Base, ChangeableBase, Identifier, SealedValue, StoredDocument
from chancery.destinations.events import SourceName

Kind = Literal["webhook", "splunk_hec", "datadog", "s3", "otlp", "eventbridge"]
Format = Literal["json", "ocsf", "slack"]  # `slack`: of webhooks only
Signing = Literal["hmac", "ed25519"]
DisabledReason = Literal[
    "created_disabled",
    "by_user",
    "gone",  # the receiver answered with 410
    "by_receiver",  # the receiver answered with `webhook-delivery: disable`
    "failing",  # nothing but failures for days
    "authentication_failed",  # a stream's credentials were refused
]
DeliveryKind = Literal["events", "alert", "test"]
DeliveryStatus = Literal["pending", "blocked", "delivered", "failed"]
Count = Annotated[int, Field(ge=0)]
RefId = Annotated[str, Field(min_length=26, max_length=26)]


class Alert(StoredDocument):
    """One message for many events: when `count` of them come within so many minutes, and then once in these minutes."""

    count: Count
    minutes: Count


class Destination(ChangeableBase):
    """A destination as it is stored; `version` is its ETag.

    `url`: as it is shown, redacted: https, `s3://bucket/prefix`, or a bus ARN. `sealed`: what is used, encrypted:
    `{"url", "headers": {name: value}, "token", "secrets": [{"signing", "secret", "expiresOn"}]}`. `orderedBy`: the path
    in an event's data whose equal values are delivered in order; for streams any value means that a failed chunk holds
    back newer ones.
    """

    kind: Kind
    name: str
    url: str
    events: list[str]
    filter: dict[str, Any] | None = None
    format: Format
    header_names: list[str]
    enabled: StrictBool
    disabled_reason: DisabledReason | None = None
    disabled_on: datetime | None = None
    ordered_by: str | None = None
    signing: Signing | None = None
    public_key: str | None = None
    alert: Alert | None = None
    rate_per_second: Annotated[int, Field(ge=1)]
    max_age_seconds: Count | None = None
    role_arn: str | None = None
    options: dict[str, Any] | None = None
    sealed: SealedValue
    deleted_by: Identifier | None = None
    deleted_on: datetime | None = None


class Breaker(StoredDocument):
    """Of a destination that is down: after some failures in a row nothing but a probe is sent, `probeOn`."""

    failures: Count
    probe_on: datetime | None = None


class Lease(StoredDocument):
    """The run that serves a destination."""

    token: str
    expires_on: datetime


class AlertedEvent(StoredDocument):
    """An event that counts for an alert."""

    occurred_on: datetime
    ref_id: str


class AlertWindow(StoredDocument):
    """The events that count for the next alert: the `last` ones, and since the last alert the number, time and refIds.

    `quietUntil`: no alert is sent for an event before.
    """

    last: list[AlertedEvent]
    counted: Count
    counted_from: datetime | None = None
    first_ref_ids: list[str]
    quiet_until: datetime | None = None


class Notice(StoredDocument):
    """An event that has to be published on the bus; its audit record is stored."""

    detail_type: str
    detail: dict[str, Any]


class DestinationState(StoredDocument):
    """How far a destination is, and how it is; one for each, with its refId. Changed by runs, under their lease.

    It is stored with its destination, in one transaction; `wakeOn` is set to have it served then, also where the
    destination was deleted: its deliveries are ended so. `positions`: source → the sequence after which to go on.
    `rateOn`: when the next message may be sent (a GCRA's theoretical arrival time); `rateShare`: the share of the rate
    that is used after the receiver asked to slow down. `failingSince`: the first of the failures without a success
    since; `warned`: the percentage of the time to disabling of which the tenant was warned.
    """

    tenant_id: Identifier
    ref_id: RefId
    positions: dict[str, Annotated[int, Field(ge=0)]]
    lease: Lease | None = None
    wake_on: datetime | None = None
    rate_on: datetime | None = None
    rate_share: float | None = None
    breaker: Breaker | None = None
    window: AlertWindow | None = None
    notices: list[Notice] | None = None
    failing_since: datetime | None = None
    warned: Count | None = None
    last_success_on: datetime | None = None
    last_failure_on: datetime | None = None
    last_error: dict[str, Any] | None = None
    delivered: Count | None = None
    failed: Count | None = None


class DeliveredItem(StoredDocument):
    """An event of a delivery, by which it is read again. `kind`: of log lines."""

    sequence: Annotated[int, Field(ge=1)]
    ref_id: str
    kind: str | None = None


class Delivery(Base):
    """One message to a destination: of an event, a chunk of events, an alert or a test.

    `refId` follows from destination, source and sequence, and is the `webhook-id`: the same in every attempt and
    replay. `items`: the events; the payload is made of them anew for each attempt. `content`: of alerts and tests,
    which have no items. `orderKey`: deliveries with the same one are sent one after the other; `blocked` ones wait.
    `attempt`: attempts that have ended; attempt n is the exchange `<refId>-<round>-<n>`. `retries`: those that count
    for the schedule, which probes of a destination that is down do not. `round`: replays.
    """

    destination_id: RefId
    kind: DeliveryKind
    source: SourceName | None = None
    first: Count | None = None
    last: Count | None = None
    items: list[DeliveredItem]
    types: list[str]
    content: dict[str, Any] | None = None
    order_key: str | None = None
    status: DeliveryStatus
    reason: str
    round: Count
    attempt: Count
    retries: Count
    due_on: datetime | None = None
    response_status: int | None = None
    last_error: dict[str, Any] | None = None
    rejected: Count | None = None
    ended_on: datetime | None = None
    expires_on: datetime | None = None
