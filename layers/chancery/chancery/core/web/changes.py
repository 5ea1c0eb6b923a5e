"""Audit events of changes: what was set before, and after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from chancery.core.errors import ValidationFailed
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document

Audit = Callable[[], None]
_LONGEST = 4096  # bytes of a value in an audit event, which a bus event has to hold


@dataclass(frozen=True, slots=True)
class ChangeTrail:
    """Audits changes of one kind of resource, `external_system` for example.

    `about`: the fields of a document that each of its events has.
    """

    trail: Trail
    resource: str
    about: tuple[str, ...] = ("systemCode", "code")

    def of(
        self,
        principal: Principal,
        tenant_id: str,
        verb: str,
        document: Mapping[str, Any],
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Audit:
        """What audits a change once it is made; of a change with both, the fields that differ."""
        if before is not None and after is not None:
            changed = [name for name in after if before.get(name) != after[name]]
            before = {name: before.get(name) for name in changed}
            after = {name: after[name] for name in changed}
        details: Document = {name: document[name] for name in self.about if name in document}
        details |= {"before": _bounded(before)} if before is not None else {}
        details |= {"after": _bounded(after)} if after is not None else {}
        scope = TenantScope(tenant_id, crossing=tenant_id not in principal.tenants)
        action = f"{self.resource}.{verb}"
        return lambda: self.trail.record(principal, scope, action, document["refId"], details, always=True)


def one_tenant(principal: Principal, tenant_id: str | None) -> TenantScope:
    """The one tenant that a caller asks for, where codes are a tenant's own. Raises NoSuchTenant, ValidationFailed."""
    if principal.crosses_tenants:
        return principal.tenant_scope(tenant_id)
    return principal.read_scope(tenant_id)


def owner_of(principal: Principal, tenant_id: str | None) -> str:
    """The id of the tenant of `one_tenant`."""
    owner = one_tenant(principal, tenant_id).tenant_id
    if owner is None:
        raise ValidationFailed("This belongs to a tenant.")
    return owner


def _bounded(values: Mapping[str, Any]) -> Document:
    """The values; of a large one its hash and size."""
    bounded = {}
    for name, value in values.items():
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        large = len(written) > _LONGEST
        bounded[name] = {"sha256": sha256(written).hexdigest(), "bytes": len(written)} if large else value
    return bounded
