"""Stored settings of a tenant's audit trail: whether it takes catalogued actions only."""

import time
from typing import Any

from pymongo.database import Database

from chancery.core.formats.times import Clock, now, to_rfc3339
from chancery.core.mongo.client import DURABLE, Document, translated

_FRESH_SECONDS = 30.0


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

    def put(self, tenant_id: str | None, strict_catalog: bool, updated_by: str) -> dict[str, Any]:
        """Stores the settings and answers with them."""
        values = {"strictCatalog": strict_catalog, "updatedBy": updated_by, "updatedOn": self._clock()}
        with translated():
            self._collection.update_one({"tenantId": tenant_id}, {"$set": values}, upsert=True)
        self._strict.pop(tenant_id, None)
        return self.get(tenant_id)
