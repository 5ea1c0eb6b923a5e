"""The interfaces of other record types that contracts use; the wiring implements them."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pymongo.client_session import ClientSession

from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.client import Document

AlsoWrite = Callable[[Document, ClientSession], None]


class Recorder(Protocol):
    """Stores a caller's audit event and, in the same transaction, what `also_write` writes for its record."""

    def __call__(
        self, principal: Principal, event: Mapping[str, Any], tenant_id: str | None, also_write: AlsoWrite
    ) -> None: ...


class AuditRecords(Protocol):
    """Reads audit records, and proves that they are in their log."""

    def record(self, tenant_id: str, ref_id: str) -> Document | None:
        """A record as the API answers with it."""
        ...

    def proof(self, principal: Principal, tenant_id: str, ref_id: str) -> str | None:
        """The tlog-proof of a record; None before it is sealed."""
        ...


def event_of(
    principal: Principal, scope: TenantScope, action: str, resource_id: str, event_id: str, **details: Any
) -> Document:
    """An audit event of the caller's action; `details`: fields of `audit.models.AuditEvent` by their API names."""
    event = {
        "eventId": event_id,
        "tenantId": scope.tenant_id,
        "actorType": "human",
        "actorId": principal.subject,
        "actorName": principal.name,
        "actorRole": str(principal.role),
        "action": action,
        "resourceType": action.partition(".")[0],
        "resourceId": resource_id,
        **details,
    }
    return {name: value for name, value in event.items() if value is not None}
