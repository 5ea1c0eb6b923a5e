"""Calls as callers request them, and as they are stored."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chancery.core.documents import ChangeableBase, Document, Identifier, SealedValue, StoredDocument, defaults
from chancery.core.web.listing import ListQuery
from chancery.integrations.calls.machine import Status
from chancery.integrations.exchanges.models import ExchangeContext
from chancery.integrations.registry.models import CallParameters, Code, SystemId

Count = Annotated[int, Field(ge=0)]


class CallRequest(CallParameters):
    """The body of `POST /v1/integrations/{system}/{endpoint}/calls`."""

    tenant_id: Identifier | None = Field(None, description="for a super_admin: the tenant")
    body: Any = Field(None, description="any JSON value; the endpoint's transform makes of it what is sent")
    context: ExchangeContext = defaults(ExchangeContext)
    user_id: Identifier | None = Field(None, description="who caused the call; by default the caller")


class CallActor(StoredDocument):
    """Who caused a call."""

    user_id: Identifier
    triggered_by: Identifier


class IntegrationCall(ChangeableBase):
    """A managed call; the states are in `machine.py`. `version` is an optimistic lock.

    `refId` is the request id of its first attempt in the exchange log; attempt n has `<refId>-<n>`. `request`: the
    body and parameters as they were handed in, encrypted. `result`: the answer as it came, encrypted. `dueOn`: when the
    next attempt may begin, or the one under way is over. `sweepOn`: when the sweep looks after it.
    """

    system_code: Code
    endpoint_code: Code
    status: Status
    reason: Identifier
    attempt: Count
    allowed: Count
    due_on: datetime | None = None
    deadline: datetime
    is_cancelling: bool
    sweep_on: datetime | None = None
    context: ExchangeContext | None = None
    actor: CallActor
    response_status: int | None = None
    completed_on: datetime | None = None
    request: SealedValue | None = None
    result: SealedValue | None = None


class StoredBreaker(StoredDocument):
    """The circuit breaker of a tenant's system; `breaker.py` has its rules. `version` is an optimistic lock.

    `systemId` is the refId of the system: one that is created with the code of a deleted one begins closed.
    """

    tenant_id: Identifier
    system_id: SystemId
    version: Count
    outcomes: str
    open_until: datetime | None
    probe: Identifier | None
    probe_until: datetime | None


CALL_FIELDS = (
    "refId",
    "tenantId",
    "createdBy",
    "createdOn",
    "systemCode",
    "endpointCode",
    "status",
    "reason",
    "attempt",
    "allowed",
    "dueOn",
    "deadline",
    "context",
    "actor",
    "responseStatus",
    "completedOn",
    "traceId",
    "correlationId",
)


class CallSearch(ListQuery):
    """The query parameters of `GET /v1/integrations/calls`."""

    offered = CALL_FIELDS
    system_code: Code | None = None
    status: Literal["waiting", "attempting", "succeeded", "failed", "timed_out", "cancelled"] | None = None

    def filters(self) -> dict[str, Any]:
        """The filters in use, apart from the tenant."""
        given = {"systemCode": self.system_code, "status": self.status}
        return {name: value for name, value in given.items() if value is not None}


class CallChoice(Document):
    """The body of `POST /v1/exchanges/{requestId}/retry` and `/cancel`."""

    tenant_id: Identifier | None = Field(None, description="for a super_admin: the tenant")
