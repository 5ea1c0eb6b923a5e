"""`/v1/audit-settings`: reads and changes a tenant's settings, for the function that serves them."""

from typing import Any, NamedTuple

from pydantic import StrictBool

from chancery.audit.access import AccessTrail
from chancery.audit.settings import AuditSettingsStore
from chancery.core.documents import Document
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice


class SettingsChange(Document):
    """The body of `PUT /v1/audit-settings`."""

    strict_catalog: StrictBool


class AuditSettingsManager(NamedTuple):
    """Reads and changes a tenant's settings; a change is audited with what was before and after."""

    store: AuditSettingsStore
    trail: AccessTrail

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """The settings of the caller's tenant, or of the one a super_admin names (none: the platform's own)."""
        principal, tenant = call.principal, call.query.tenant_id
        scope = principal.write_scope(tenant) if principal.crosses_tenants else principal.read_scope(tenant)
        self.trail.record(principal, scope, "audit_settings.viewed")
        return self.store.get(scope.tenant_id)

    def put(self, call: Call[TenantChoice, SettingsChange]) -> dict[str, Any]:
        """Changes the settings."""
        principal, change = call.principal, call.body
        scope = principal.write_scope(call.query.tenant_id)
        before = self.store.get(scope.tenant_id)
        details = {"before": before["strictCatalog"], "after": change.strict_catalog}
        tenant = scope.tenant_id or "platform"
        self.trail.record(principal, scope, "audit_settings.updated", tenant, details, always=True)
        return self.store.put(scope.tenant_id, change.strict_catalog, principal.subject)
