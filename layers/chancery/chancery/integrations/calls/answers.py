"""What the routes of calls answer with."""

from datetime import datetime
from typing import Any, Literal

from chancery.core.documents import Identifier
from chancery.core.web.answers import ABSENT, AnswerModel, Count, PageOf, RefId, list_item
from chancery.integrations.calls.collections import INTEGRATION_CALLS
from chancery.integrations.calls.machine import Status
from chancery.integrations.calls.models import CallActor
from chancery.integrations.exchanges.models import ExchangeContext

CALL_PAGE = PageOf(list_item("ManagedCallItem", INTEGRATION_CALLS))


class CallResult(AnswerModel):
    """What the system answered with, transformed; `encoding` where it is bytes."""

    body: Any
    encoding: Literal["base64"] = ABSENT


class ManagedCall(AnswerModel):
    """A managed call. `requestId` is that of its first attempt in the exchange log; attempt n has `<requestId>-<n>`.

    `result` is there once the call has succeeded, if it has at most 2 MB.
    """

    request_id: RefId
    ref_id: RefId
    tenant_id: Identifier
    created_by: Identifier
    created_on: datetime
    system_code: Identifier
    endpoint_code: Identifier
    status: Status
    reason: str
    attempt: Count
    allowed: Count
    due_on: datetime = ABSENT
    deadline: datetime
    context: ExchangeContext = ABSENT
    actor: CallActor
    response_status: int = ABSENT
    completed_on: datetime = ABSENT
    trace_id: str = ABSENT
    correlation_id: str = ABSENT
    result: CallResult = ABSENT
