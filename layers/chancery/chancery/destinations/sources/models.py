"""Platform events as they are stored, their counter, and which tenants follow them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from chancery.core.documents import Identifier, StoredDocument

_Number = Annotated[int, Field(ge=1)]
_RefId = Annotated[str, Field(min_length=26, max_length=26)]


class TenantEvent(StoredDocument):
    """What the platform reports to a tenant: a finished exchange, a sealed checkpoint, an issued contract.

    `sequence`: its number among the tenant's events, gapless from 1. `refId` follows from what it reports, so that a
    repetition on the bus is recognised.
    """

    tenant_id: Identifier
    sequence: _Number
    ref_id: _RefId
    type: str
    occurred_on: datetime
    created_on: datetime
    data: dict[str, Any]


class TenantEventCounter(StoredDocument):
    """The newest number of a tenant's events, which outlives them."""

    tenant_id: Identifier
    last: _Number


class EventFollower(StoredDocument):
    """A tenant whose events are stored, since a destination or a reader of the feed asked for them not long ago."""

    tenant_id: Identifier
    expires_on: datetime
