"""Reads documents for callers: of their tenants only, by list projection or whole, audited where required."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chancery.core.errors import NotFound
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.web.listing import ListQuery, page_of


class Trail(Protocol):
    """What audits accesses: `audit.access.AccessTrail`."""

    def record(
        self,
        principal: Principal,
        scope: TenantScope,
        action: str,
        resource_id: str = "*",
        details: dict[str, Any] | None = None,
        *,
        always: bool = False,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Lists and reads documents of a collection. `resource` is the type in its actions: `skill` → `skill.viewed`."""

    documents: Repository
    trail: Trail
    resource: str

    def page(self, principal: Principal, asked: ListQuery, filters: Mapping[str, Any]) -> dict[str, Any]:
        """`{items, nextCursor}` of the documents that match, newest first."""
        scope, fields = principal.read_scope(asked.tenant_id), asked.chosen()
        self.trail.record(principal, scope, f"{self.resource}.listed", details={"filters": sorted(filters)})
        about = {"of": self.resource, "every": scope.every_tenant}
        return page_of(self.documents.page, {**scope.filter, **filters}, asked, fields, about=about)

    def get(
        self,
        principal: Principal,
        ref_id: str,
        tenant_id: str | None = None,
        *,
        always: bool = False,
        fields: Sequence[str] = (),
    ) -> Document:
        """One document as it is stored, whole or the named fields of it. Raises NotFound, also for another tenant's.

        `always`: views by every role are audited.
        """
        found, scope = self.find(principal, ref_id, tenant_id, fields)
        self.trail.record(principal, scope, f"{self.resource}.viewed", ref_id, always=always)
        return found

    def find(
        self, principal: Principal, ref_id: str, tenant_id: str | None = None, fields: Sequence[str] = ()
    ) -> tuple[Document, TenantScope]:
        """A document and whose it is, for a caller who has the view audited. Raises NotFound."""
        scope = principal.read_scope(tenant_id)
        found = self.documents.get({**scope.filter, "refId": ref_id}, (*fields, "tenantId") if fields else ())
        if found is None:
            raise NotFound(f"There is no such {self.resource.replace('_', ' ')}.")
        return found, TenantScope(found["tenantId"], crossing=True) if scope.every_tenant else scope
