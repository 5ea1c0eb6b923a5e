"""Connections of the live tail, leases of its fan-out, and the messages that clients send."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chancery.core.documents import Document, Identifier, StoredDocument, defaults

FEEDS = ("audit", "logs")
_Sequence = Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]


class LiveConnection(StoredDocument):
    """A WebSocket connection (`_id` is API Gateway's id), its caller, and what it follows.

    `feeds`: feed → filters; absent without a subscription. `position`: feed → the number up to which it is served.
    `version` counts its subscriptions and pauses. `expiresOn`: when its token expires, or after the
    longest life of a connection.
    """

    tenant_id: Identifier | None
    subject: Identifier
    role: str
    tenants: list[Identifier]
    name: str | None = None
    version: Annotated[int, Field(ge=0)]
    feeds: dict[str, Any] | None = None
    position: dict[str, int] | None = None
    paused: bool = False
    created_on: datetime
    expires_on: datetime


class LiveLease(StoredDocument):
    """Which run of the fan-out serves a tenant's connections, and until when it alone does."""

    tenant_id: Identifier | None
    token: str
    expires_on: datetime


class Positions(Document):
    """The number of each feed after which to go on."""

    audit: _Sequence | None = None
    logs: _Sequence | None = None


class Subscribe(Document):
    """The message `subscribe`: the filters of each feed to follow, `{}` for all of its records."""

    action: Literal["subscribe"]
    tenant_id: Identifier | None = None
    audit: dict[str, Any] | None = None
    logs: dict[str, Any] | None = None
    after: Positions = defaults(Positions)
