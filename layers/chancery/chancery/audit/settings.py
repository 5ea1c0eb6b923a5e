"""A tenant's settings for its audit trail: whether only catalogued actions are taken."""

import time
from typing import Any, NamedTuple

from pydantic import StrictBool
from pymongo.database import Database

from chancery.audit.access import AccessTrail
from chancery.core.documents import Document as DocumentModel
from chancery.core.formats.times import Clock, now, to_rfc3339
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice

_FRESH_SECONDS = 30.0


class SettingsChange(DocumentModel):
    """The body of `PUT /v1/audit-settings`."""

    strict_catalog: StrictBool


class AuditSettingsStore:
    """Reads and writes `audit_settings`; what a write path asks is remembered for half a minute."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database.get_collection("audit_settings", write_concern=DURABLE)
        self._clock = clock
        self._strict: dict[str | None, tuple[float, bool]] = {}

    def is_strict(self, tenant_id: str | None) -> bool:
        """Whether the tenant takes catalogued actions only; a change is seen everywhere within 30 seconds."""
        asked, strict = self._strict.get(tenant_id, (0.0, False))
        if not asked or time.monotonic() - asked > _FRESH_SECONDS:
            strict = self.get(tenant_id)["strictCatalog"]
            self._strict[tenant_id] = (time.monotonic(), strict)
        return strict

    def get(self, tenant_id: str | None) -> dict[str, Any]:
        """The settings, or the defaults of a tenant that has none."""
        with translated():
            found = self._collection.find_one({"tenantId": tenant_id}, {"_id": 0})
        if found is None:
            return {"tenantId": tenant_id, "strictCatalog": False, "updatedBy": None, "updatedOn": None}
        return {**found, "updatedOn": to_rfc3339(found["updatedOn"])}

    def put(self, tenant_id: str | None, change: SettingsChange, updated_by: str) -> dict[str, Any]:
        """Stores the settings and answers with them."""
        values = {"strictCatalog": change.strict_catalog, "updatedBy": updated_by, "updatedOn": self._clock()}
        with translated():
            self._collection.update_one({"tenantId": tenant_id}, {"$set": values}, upsert=True)
        self._strict.pop(tenant_id, None)
        return self.get(tenant_id)


class AuditSettingsManager(NamedTuple):
    """Shows and changes a tenant's settings; a change is audited with what was before and after."""

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
        return self.store.put(scope.tenant_id, change, principal.subject)
