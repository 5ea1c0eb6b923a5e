"""Exchanges as callers and events send them, and as they are stored. Names of fields: docs/api/exchanges.md."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chancery.core.documents import (
    EXACT,
    LIST,
    TEXT,
    ChangeableBase,
    Document,
    Identifier,
    StoredDocument,
    TraceId,
    WholeNumber,
    by_type,
    defaults,
)
from chancery.core.formats.times import Moment

MAX_HEADERS = 1000
MAX_TIMEOUT_MS = 7 * 24 * 3600 * 1000
MAX_DURATION_MS = 2**53 - 1

Status = Literal["PENDING", "SUCCESS", "FAILED", "TIMEOUT", "CANCELLED"]
FinalStatus = Literal["SUCCESS", "FAILED", "TIMEOUT", "CANCELLED"]
Code = Identifier  # of a system or endpoint
Url = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[^\x00-\x1f\x7f]+$")]
Method = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
Text = Annotated[str, StringConstraints(max_length=8192, pattern=r"^[^\x00]*$")]
Stack = Annotated[str, StringConstraints(max_length=65_536, pattern=r"^[^\x00]*$")]
Header = Annotated[str, StringConstraints(max_length=32_768)]
_HeaderValue = Annotated[Annotated[Header, TEXT] | Annotated[list[Header], LIST], by_type("text, or a list of texts")]
Headers = Annotated[dict[str, _HeaderValue], Field(max_length=MAX_HEADERS)]
Encoding = Annotated[Literal["base64"] | None, Field(description="of a body that is bytes: base64 (RFC 4648)")]
Length = Annotated[WholeNumber, Field(ge=0)]


class ExchangeContext(Document):
    """The business entity that an exchange is about."""

    entity_type: Identifier | None = None
    entity_id: Identifier | None = None
    operation_type: Identifier | None = None


class ExchangeActor(Document):
    """Who or what caused an exchange."""

    user_id: Identifier | None = None
    triggered_by: Identifier | None = None


class ExchangeError(Document):
    """Why an exchange failed."""

    type: Text | None = None
    message: Text | None = None
    stack_trace: Stack | None = None


class OpenedExchange(Document):
    """The body of `POST /v1/exchanges`: a request that is about to be sent.

    A body is any JSON value, text as a JSON string, or bytes in base64 with the encoding named. Where the sender has
    cut it, `requestBodyBytes` is its whole length. `deadline`, or `timeoutMs` after `startedAt`: when the exchange is
    marked as TIMEOUT if it is still open.
    """

    tenant_id: Identifier | None = None
    request_id: Identifier
    parent_request_id: Identifier | None = None
    attempt_number: Annotated[WholeNumber, Field(ge=1, le=10_000)] = 1
    system_code: Code
    endpoint_code: Code | None = None
    http_method: Method
    request_url: Url
    request_headers: Headers | None = None
    request_body: Any = None
    request_body_encoding: Encoding = None
    request_body_bytes: Length | None = None
    context: ExchangeContext = defaults(ExchangeContext)
    actor: ExchangeActor = defaults(ExchangeActor)
    started_at: Annotated[Moment, EXACT] | None = None
    deadline: Annotated[Moment, EXACT] | None = None
    timeout_ms: Annotated[WholeNumber, Field(ge=1, le=MAX_TIMEOUT_MS)] | None = None
    trace_id: TraceId | None = None
    correlation_id: Identifier | None = None


class ClosedExchange(Document):
    """The body of `PATCH /v1/exchanges/{requestId}`: how an exchange has ended.

    `status` is by default FAILED with an error or a response status of 400 or more, else SUCCESS.
    """

    tenant_id: Identifier | None = None
    status: FinalStatus | None = None
    response_status: Annotated[WholeNumber, Field(ge=100, le=999)] | None = None
    response_headers: Headers | None = None
    response_body: Any = None
    response_body_encoding: Encoding = None
    response_body_bytes: Length | None = None
    error: ExchangeError = defaults(ExchangeError)
    completed_at: Annotated[Moment, EXACT] | None = None
    next_retry_at: Annotated[Moment, EXACT] | None = None


class ExchangeRecord(OpenedExchange, ClosedExchange):
    """The detail of a `Record Exchange` event.

    With `systemCode` it opens the exchange, with `status` it closes it, with both it is the whole exchange.
    """

    system_code: Code | None = None  # type: ignore[assignment]
    http_method: Method | None = None  # type: ignore[assignment]
    request_url: Url | None = None  # type: ignore[assignment]


class BodyInfo(StoredDocument):
    """A body: length and SHA-256 of the bytes that a read of it returns.

    `cutFrom`: its length before the sender cut it. `encoding`: base64 where it is neither JSON nor text.
    `truncated`: the exchange has the beginning only; the whole body is read by itself.
    """

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    content_type: Identifier
    encoding: Literal["base64"] | None = None
    truncated: bool
    cut_from: Annotated[int, Field(ge=0)] | None = None


class CountedAs(StoredDocument):
    """The outcome of an exchange with which it has been added to the rollups."""

    status: Status
    duration_ms: int


class Exchange(ChangeableBase):
    """A stored exchange. Fields without a value are left out.

    `createdOn` is `startedAt`. Bodies are stored as text, those that are not UTF-8 as bytes; `requestKey` and
    `responseKey` are the S3 keys of those above a megabyte. `unopened`: its end has arrived, its beginning has not.
    `expired`: the sweep has marked it as TIMEOUT. `completion`: when it was completed, until that is published and
    counted. `openDigest` and `closeDigest`: of what was sent, by which repetitions are told from contradictions.
    """

    request_id: Identifier
    parent_request_id: Identifier | None = None
    attempt_number: Annotated[int, Field(ge=1)] | None = None
    system_code: Code | None = None
    endpoint_code: Code | None = None
    http_method: Method | None = None
    request_url: str | None = None
    request_headers: dict[str, Any] | None = None
    request_body: Any = None
    request_body_info: BodyInfo | None = None
    response_status: int | None = None
    response_headers: dict[str, Any] | None = None
    response_body: Any = None
    response_body_info: BodyInfo | None = None
    status: Status
    is_success: bool | None = None
    error: ExchangeError | None = None
    error_stack: str | None = None
    context: ExchangeContext | None = None
    actor: ExchangeActor | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: Annotated[int, Field(ge=0, le=MAX_DURATION_MS)] | None = None
    deadline: datetime | None = None
    next_retry_at: datetime | None = None
    expired: bool | None = None
    unopened: bool | None = None
    request_key: str | None = None
    response_key: str | None = None
    open_digest: bytes | None = None
    close_digest: bytes | None = None
    unpublished: datetime | None = None
    uncounted: datetime | None = None
    counted_as: CountedAs | None = None


class ExchangeRollup(StoredDocument):
    """Finished exchanges of a system (with `endpointCode`: of an endpoint) that began within a minute or an hour.

    `durations`: number of exchanges by bucket of their duration; `rollups.py` has the bounds of the buckets.
    """

    tenant_id: Identifier
    system_code: Code
    endpoint_code: Code | None = None
    period: Literal["minute", "hour"]
    begins_on: datetime
    expires_on: datetime
    total: Annotated[int, Field(ge=0)]
    success: Annotated[int, Field(ge=0)] | None = None
    failed: Annotated[int, Field(ge=0)] | None = None
    timeout: Annotated[int, Field(ge=0)] | None = None
    cancelled: Annotated[int, Field(ge=0)] | None = None
    duration_ms: Annotated[int, Field(ge=0)] | None = None
    durations: dict[str, int]


# Lists have sizes of bodies, never bodies, headers or stacks.
LIST_FIELDS = (
    "refId",
    "tenantId",
    "createdBy",
    "createdOn",
    "requestId",
    "parentRequestId",
    "attemptNumber",
    "systemCode",
    "endpointCode",
    "httpMethod",
    "requestUrl",
    "requestBodyInfo",
    "responseStatus",
    "responseBodyInfo",
    "status",
    "isSuccess",
    "error",
    "context",
    "actor",
    "startedAt",
    "completedAt",
    "durationMs",
    "deadline",
    "nextRetryAt",
    "traceId",
    "correlationId",
)
