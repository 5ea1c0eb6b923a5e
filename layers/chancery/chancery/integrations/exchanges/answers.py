"""What the routes of exchanges answer with."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chancery.core.web.answers import (
    ABSENT,
    Amount,
    AnswerModel,
    Count,
    PageOf,
    RefId,
    document_without,
    list_item,
)
from chancery.integrations.exchanges.collections import INTEGRATION_LOGS, INTERNAL
from chancery.integrations.exchanges.models import Status
from chancery.integrations.exchanges.search import Bucket

EXCHANGE = document_without("Exchange", INTEGRATION_LOGS, *INTERNAL)
EXCHANGE_PAGE = PageOf(list_item("ExchangeItem", INTEGRATION_LOGS))


class ExchangeReceipt(AnswerModel):
    """A stored exchange: when it began, and how and when it ended."""

    ref_id: RefId
    tenant_id: str
    request_id: str
    attempt_number: Count = ABSENT
    status: Status
    is_success: bool = ABSENT
    started_at: datetime = ABSENT
    completed_at: datetime = ABSENT
    duration_ms: Count = ABSENT
    deadline: datetime = ABSENT
    next_retry_at: datetime = ABSENT


class ExchangeFigures(AnswerModel):
    """Counts of finished exchanges, the share of successes in percent, and durations in ms.

    Percentiles are within 5 %. Rate and durations are null where no exchange is counted.
    """

    total_requests: Count
    successful: Count
    failed: Count
    timeout: Count
    cancelled: Count
    success_rate: Annotated[Amount | None, Field(le=100)]
    avg_duration_ms: Amount | None
    p50_duration_ms: Annotated[Count | None, Field(alias="p50DurationMs")]
    p95_duration_ms: Annotated[Count | None, Field(alias="p95DurationMs")]
    p99_duration_ms: Annotated[Count | None, Field(alias="p99DurationMs")]


class SystemFigures(ExchangeFigures):
    """The figures of a system."""

    tenant_id: str
    system_code: str


class IntegrationHealth(AnswerModel):
    """The systems with exchanges that began within the last hour."""

    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    systems: list[SystemFigures]


class BucketFigures(ExchangeFigures):
    """The figures of the exchanges that began within a minute, an hour or a day."""

    begins_on: datetime


class IntegrationStatistics(AnswerModel):
    """The figures of a system or endpoint, in all and by time; a time without an exchange is left out."""

    system_code: str
    endpoint_code: str = ABSENT
    bucket: Bucket
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    total: ExchangeFigures
    items: list[BucketFigures]
