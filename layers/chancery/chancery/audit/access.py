"""Audits accesses to Chancery itself: a crossing of tenants, an auditor's read, an administrator's change."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from chancery.audit.events import RECORD, Publisher
from chancery.audit.models import AuditEvent
from chancery.core.detectors import SHARED, Detectors
from chancery.core.documents import redact_body, refused_fields, validated, without
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.correlation import correlation
from chancery.core.formats.identifiers import is_identifier, new_ref_id
from chancery.core.formats.times import Clock, now, to_rfc3339
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import Role
from chancery.core.redaction import Detector
from chancery.core.web.validation_messages import field_errors


class AccessTrail(NamedTuple):
    """Publishes accesses to the bus, as audit events that the batch consumer records."""

    bus: Publisher
    detectors: Detectors = SHARED
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
        """Audits an auditor's `action` (with `always` every caller's), and every caller's crossing of tenants.

        Raises Unavailable where the bus is away, and ValidationFailed where the event would not be valid: an access
        that cannot be audited must not happen.
        """
        self._publish(_Access(principal, scope, action, resource_id, details, always).events(self.clock))

    def record_miss(self, principal: Principal, scope: TenantScope, route: str, resource_id: str) -> None:
        """Audits that a route found nothing, where the caller crosses tenants. Raises as `record` does.

        An id that could not be stored is left out.
        """
        if scope.crossing:
            resource = resource_id if is_identifier(resource_id) else "*"
            self.record(principal, scope, route, resource, {"found": False})

    def record_all(self, principal: Principal, scopes: Iterable[TenantScope], action: str) -> None:
        """Audits an action in several scopes, as `record` does."""
        accesses = (_Access(principal, scope, action) for scope in scopes)
        self._publish([event for access in accesses for event in access.events(self.clock)])

    def _publish(self, events: Sequence[dict[str, Any]]) -> None:
        if events:
            self.bus.publish(RECORD, [_valid(event, self.detectors.of(event["tenantId"])) for event in events])


class _Access(NamedTuple):
    """An action of a caller in a scope. `always`: it is audited whatever the caller's role is."""

    principal: Principal
    scope: TenantScope
    action: str
    resource_id: str = "*"
    details: dict[str, Any] | None = None
    always: bool = False

    def events(self, clock: Clock) -> list[dict[str, Any]]:
        """The audit events of the access: of the action, and of the crossing of tenants."""
        events = []
        if self.always or self.principal.role is Role.AUDITOR:
            resource_type = self.action.partition(".")[0]
            events.append(self._event(clock, self.action, resource_type, self.resource_id, self.details))
        if self.scope.crossing:
            tenant = "*" if self.scope.every_tenant else str(self.scope.tenant_id)
            crossed = {"during": self.action, "resourceId": self.resource_id, **(self.details or {})}
            events.append(self._event(clock, "tenant.crossed", "tenant", tenant, crossed))
        return events

    def _event(
        self, clock: Clock, action: str, resource_type: str, resource_id: str, metadata: dict[str, Any] | None
    ) -> dict[str, Any]:
        ids, principal = correlation.get(), self.principal
        return {
            "eventId": new_ref_id(),
            "tenantId": self.scope.tenant_id,
            "actorType": "system" if principal.role is Role.PRODUCER else "human",
            "actorId": principal.subject,
            "actorName": principal.name,
            "actorRole": principal.role,
            "action": action,
            "resourceType": resource_type,
            "resourceId": resource_id,
            "metadata": metadata,
            "traceId": ids.trace_id,
            "correlationId": ids.correlation_id,
            "createdOn": to_rfc3339(clock()),
        }


def _valid(event: dict[str, Any], using: Detector) -> dict[str, Any]:
    """The event, redacted. Raises ValidationFailed: the consumer would reject it later, after the access."""
    clean = redact_body(event, AuditEvent, using=using)
    wrong = refused_fields(event, clean, AuditEvent, using)
    try:
        validated(AuditEvent, clean)
    except ValidationError as exc:
        wrong += without(field_errors(exc), wrong)
    if wrong:
        raise ValidationFailed("This access cannot be audited.", errors=errors_of_own_event(wrong))
    return clean


def errors_of_own_event(errors: Iterable[FieldError]) -> list[FieldError]:
    """Errors of an audit event of Chancery's own, without their pointers: those are into no body of the caller's."""
    return [
        FieldError("", f"has an audit event whose {error.pointer[1:] or 'body'} {error.detail}") for error in errors
    ]
