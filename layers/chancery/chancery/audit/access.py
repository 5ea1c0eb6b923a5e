"""The small interface by which any record type has its own use audited: a crossing of tenants, an auditor's read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from chancery.audit.events import RECORD, Publisher
from chancery.audit.models import AuditEvent
from chancery.core.documents import field_errors, redact_body, refused_ids, validated, without
from chancery.core.errors import ValidationFailed
from chancery.core.formats.correlation import correlation
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import Clock, now, to_rfc3339
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import Role


@dataclass(frozen=True, slots=True)
class AccessTrail:
    """Audits accesses by sending them to the bus as audit events of Chancery's own."""

    bus: Publisher
    clock: Clock = now

    def record(
        self,
        principal: Principal,
        scope: TenantScope,
        action: str,
        resource_id: str = "*",
        details: dict[str, Any] | None = None,
        *,
        always: bool = False,
    ) -> None:
        """Audits what must be: an auditor's `action` (`always`: anybody's), and anybody's crossing of tenants.

        Raises Unavailable when that cannot be done, and ValidationFailed where the access is to what has no valid name:
        then it does not happen either.
        """
        self._publish(self._events(principal, scope, action, resource_id, details, always))

    def record_all(self, principal: Principal, scopes: Iterable[TenantScope], action: str) -> None:
        """Audits an action in several scopes, as `record` does."""
        self._publish([event for scope in scopes for event in self._events(principal, scope, action, "*", None, False)])

    def _publish(self, events: Sequence[dict[str, Any]]) -> None:
        if events:
            self.bus.publish(RECORD, [_fit(event) for event in events])

    def _events(
        self,
        principal: Principal,
        scope: TenantScope,
        action: str,
        resource_id: str,
        details: dict[str, Any] | None,
        always: bool,
    ) -> list[dict[str, Any]]:
        events = []
        if always or principal.role is Role.AUDITOR:
            events.append(self._event(principal, scope, action, action.partition(".")[0], resource_id, details))
        if scope.crossing:
            tenant = "*" if scope.every_tenant else str(scope.tenant_id)
            crossed = {"during": action, "resourceId": resource_id, **(details or {})}
            events.append(self._event(principal, scope, "tenant.crossed", "tenant", tenant, crossed))
        return events

    def _event(
        self,
        principal: Principal,
        scope: TenantScope,
        action: str,
        resource_type: str,
        resource_id: str,
        details: dict[str, Any] | None,
    ) -> dict[str, Any]:
        ids = correlation.get()
        return {
            "eventId": new_ref_id(),
            "tenantId": scope.tenant_id,
            "actorType": "system" if principal.role is Role.PRODUCER else "human",
            "actorId": principal.subject,
            "actorName": principal.name,
            "actorRole": principal.role,
            "action": action,
            "resourceType": resource_type,
            "resourceId": resource_id,
            "metadata": details,
            "traceId": ids.trace_id,
            "correlationId": ids.correlation_id,
            "createdOn": to_rfc3339(self.clock()),
        }


def _fit(event: dict[str, Any]) -> dict[str, Any]:
    """The event, redacted as any; an unfit one would end among the rejects, and the access would not be audited."""
    clean = redact_body(event, AuditEvent)
    wrong = refused_ids(event, clean, AuditEvent)
    try:
        validated(AuditEvent, clean)
    except ValidationError as exc:
        wrong += without(field_errors(exc), wrong)
    if wrong:
        raise ValidationFailed("This access cannot be audited.", errors=wrong)
    return clean
