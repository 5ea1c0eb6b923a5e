"""External systems: listing, reading, and changes against the version that was read."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chancery.core.errors import Conflict
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import NO_CONTENT, Answer
from chancery.core.web.changes import ChangeTrail, one_tenant, owner_of
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import page_of, to_response
from chancery.core.web.preconditions import etag_of, require_match
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.integrations.registry.checks import SettingsChecks
from chancery.integrations.registry.models import (
    SYSTEM_FIELDS,
    SystemChange,
    SystemRequest,
    SystemSearch,
)
from chancery.integrations.registry.store import RegistryStore

PATH = "/v1/integrations/systems"
RESOURCE = "external_system"


@dataclass(frozen=True, slots=True)
class SystemReader:
    """Lists and shows the systems of a tenant."""

    store: RegistryStore
    trail: Trail

    def search(self, call: Call[SystemSearch]) -> Document:
        """`{items, nextCursor}`, newest first, without code maps and policies."""
        scope, fields = call.principal.read_scope(call.query.tenant_id), call.query.chosen()
        self.trail.record(call.principal, scope, f"{RESOURCE}.listed")
        about = {"of": RESOURCE, "every": scope.every_tenant}
        return page_of(self.store.systems.page, dict(scope.filter), call.query, fields, about=about)

    def get(self, call: Call[TenantChoice]) -> Answer:
        """A whole system, with its ETag. Raises NotFound."""
        scope = one_tenant(call.principal, call.query.tenant_id)
        system = self.store.system(str(scope.tenant_id), call.path["code"])
        self.trail.record(call.principal, scope, f"{RESOURCE}.viewed", system["refId"])
        return Answer(200, to_response(system), etag=etag_of(system["version"]))


@dataclass(frozen=True, slots=True)
class SystemEditor:
    """Creates, changes and deletes systems; each change is audited with what was set before and after."""

    store: RegistryStore
    keys: IdempotencyKeys
    checks: SettingsChecks
    trail: ChangeTrail

    def create(self, call: Call[None, SystemRequest]) -> Answer:
        """201 with the new system, ETag and Location. Raises Conflict, Forbidden, ValidationFailed."""
        scope, body = call.principal.tenant_scope(call.body.tenant_id), call.body
        tenant_id = str(scope.tenant_id)

        def work(claim: Claim) -> Answer:
            self.checks.check_system(body, tenant_id, call.request.detectors.of(tenant_id))
            settings = settings_of(body, SYSTEM_FIELDS)
            system = {**base_of(call.principal, scope, self.store.clock), "code": body.code, **settings}
            audit = self.trail.of(call.principal, tenant_id, "created", system, after=settings)
            try:
                stored = self.store.add_system(system, audit)
            except Conflict:
                stored = same_request(claim, self.store.systems.get({"tenantId": tenant_id, "code": body.code}), system)
            return Answer(
                201, to_response(stored), {"ETag": etag_of(stored["version"]), "Location": f"{PATH}/{body.code}"}
            )

        return self.keys.once(call.request, work)

    def replace(self, call: Call[TenantChoice, SystemChange]) -> Answer:
        """200 with the changed system and its new ETag.

        Raises PreconditionRequired, PreconditionFailed, NotFound, ValidationFailed.
        """
        tenant_id = owner_of(call.principal, call.query.tenant_id)
        system = self._current(call, tenant_id)
        self.checks.check_system(call.body, tenant_id, call.request.detectors.of(tenant_id))
        settings = settings_of(call.body, SYSTEM_FIELDS)
        audit = self.trail.of(call.principal, tenant_id, "updated", system, before=system, after=settings)
        changed = self.store.change_system(system, settings, call.principal.subject, audit)
        return Answer(200, to_response(changed), {"ETag": etag_of(changed["version"])})

    def delete(self, call: Call[TenantChoice]) -> Answer:
        """204. Raises as `replace` does, and Conflict while the system has endpoints."""
        tenant_id = owner_of(call.principal, call.query.tenant_id)
        system = self._current(call, tenant_id)
        before = {name: system[name] for name in SYSTEM_FIELDS}
        audit = self.trail.of(call.principal, tenant_id, "deleted", system, before=before)
        self.store.delete_system(system, call.principal.subject, audit)
        return NO_CONTENT

    def _current(self, call: Call[TenantChoice, Any], tenant_id: str) -> Document:
        """The system in the path, where its version is the one that If-Match names."""
        system = self.store.system(tenant_id, call.path["code"])
        require_match(call.request.headers, etag_of(system["version"]))
        return system


def settings_of(body: BaseModel, fields: tuple[str, ...]) -> Document:
    """The settings of a body, as they are stored."""
    values = body.model_dump(by_alias=True)
    return {name: values[name] for name in fields}


def same_request(claim: Claim, first: Document | None, second: Document) -> Document:
    """What was stored by this request, which died before its key had an answer. Raises Conflict for another's."""
    compared = second.keys() - {"refId", "createdOn", "traceId", "correlationId", "version"}
    if claim.key and first and first["version"] == 1 and all(first.get(name) == second[name] for name in compared):
        return first
    raise Conflict("There is one of this code already; change that one, or choose another code.")
