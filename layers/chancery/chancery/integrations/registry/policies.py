"""How calls wait, repeat, are limited, and stop when a system is down."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from chancery.core.documents import Document, WholeNumber

Status = Annotated[WholeNumber, Field(ge=100, le=599)]
_RETRIED = [408, 425, 429, 500, 502, 503, 504]


class Timeouts(Document):
    """Of one attempt: until a connection is made, until more of the answer comes, and in all."""

    connect_ms: Annotated[WholeNumber, Field(ge=100, le=30_000)] = 3_000
    read_ms: Annotated[WholeNumber, Field(ge=100, le=120_000)] = 10_000
    total_ms: Annotated[WholeNumber, Field(ge=100, le=300_000)] = 30_000


class RetryPolicy(Document):
    """When an attempt is repeated: exponential backoff, with full jitter unless `jitter` is `none`.

    The delay before attempt n+1 is `initialDelayMs * multiplier^(n-1)`, at most `maxDelayMs`; an answer's Retry-After
    is heeded where it is later.
    """

    max_attempts: Annotated[WholeNumber, Field(ge=1, le=20)] = 3
    initial_delay_ms: Annotated[WholeNumber, Field(ge=0, le=3_600_000)] = 1_000
    multiplier: Annotated[float, Field(ge=1, le=10)] = 2
    max_delay_ms: Annotated[WholeNumber, Field(ge=0, le=86_400_000)] = 60_000
    jitter: Literal["full", "none"] = "full"
    statuses: list[Status] = Field(_RETRIED, max_length=100, description="of answers after which it is repeated")
    on_timeout: StrictBool = True
    on_connection_error: StrictBool = True

    @model_validator(mode="after")
    def _in_order(self) -> "RetryPolicy":
        if self.initial_delay_ms > self.max_delay_ms:
            raise ValueError("must have an initialDelayMs of at most maxDelayMs")
        return self


class CallRate(Document):
    """What passes of calls: `burst` at once, then `requests` in `perSeconds`."""

    requests: Annotated[WholeNumber, Field(ge=1, le=1_000_000)]
    per_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)] = 1
    burst: Annotated[WholeNumber, Field(ge=1, le=1_000_000)] = 1


class BreakerPolicy(Document):
    """When calls to a system are stopped: at `failurePercent` of the last `windowCalls`, once there are `minimumCalls`,
    or after `consecutiveFailures`; a probe is let through after `openSeconds`.
    """

    failure_percent: Annotated[WholeNumber, Field(ge=1, le=100)] = 50
    window_calls: Annotated[WholeNumber, Field(ge=1, le=1_000)] = 100
    minimum_calls: Annotated[WholeNumber, Field(ge=1, le=1_000)] = 20
    consecutive_failures: Annotated[WholeNumber, Field(ge=1, le=1_000)] = 10
    open_seconds: Annotated[WholeNumber, Field(ge=1, le=86_400)] = 60
