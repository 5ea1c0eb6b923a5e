"""What the routes of exchanges answer with."""

from datetime import datetime

from chancery.core.web.answers import ABSENT, AnswerModel, Count, RefId
from chancery.integrations.exchanges.models import Status


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
