"""Endpoints of a system: listing, reading, and changes against the version that was read."""

from dataclasses import dataclass
from typing import Any

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
from chancery.integrations.registry.models import ENDPOINT_FIELDS, EndpointChange, EndpointRequest, EndpointSearch
from chancery.integrations.registry.store import RegistryStore
from chancery.integrations.registry.systems import PATH, same_request, settings_of

RESOURCE = "integration_endpoint"


@dataclass(frozen=True, slots=True)
class EndpointReader:
    """Lists and shows the endpoints of a system."""

    store: RegistryStore
    trail: Trail

    def search(self, call: Call[EndpointSearch]) -> Document:
        """`{items, nextCursor}`, newest first, without transforms and policies. Raises NotFound."""
        scope = one_tenant(call.principal, call.query.tenant_id)
        system = self.store.system(str(scope.tenant_id), call.path["code"])
        self.trail.record(call.principal, scope, f"{RESOURCE}.listed", system["refId"])
        query = {"tenantId": scope.tenant_id, "systemId": system["refId"]}
        return page_of(self.store.endpoints.page, query, call.query, call.query.chosen())

    def get(self, call: Call[TenantChoice]) -> Answer:
        """A whole endpoint, with its ETag. Raises NotFound."""
        scope = one_tenant(call.principal, call.query.tenant_id)
        system = self.store.system(str(scope.tenant_id), call.path["code"])
        endpoint = self.store.endpoint(system, call.path["endpoint"])
        self.trail.record(call.principal, scope, f"{RESOURCE}.viewed", endpoint["refId"])
        return Answer(200, to_response(endpoint), etag=etag_of(endpoint["version"]))


@dataclass(frozen=True, slots=True)
class EndpointEditor:
    """Creates, changes and deletes endpoints; their transforms are compiled before they are stored."""

    store: RegistryStore
    keys: IdempotencyKeys
    checks: SettingsChecks
    trail: ChangeTrail

    def create(self, call: Call[TenantChoice, EndpointRequest]) -> Answer:
        """201 with the new endpoint, ETag and Location. Raises Conflict, NotFound, ValidationFailed."""
        scope, body = one_tenant(call.principal, call.query.tenant_id), call.body
        tenant_id = str(scope.tenant_id)
        system = self.store.system(tenant_id, call.path["code"])

        def work(claim: Claim) -> Answer:
            self.checks.check_endpoint(body, call.request.detectors.of(tenant_id))
            settings = settings_of(body, ENDPOINT_FIELDS)
            own = {"systemCode": system["code"], "code": body.code}
            endpoint = {**base_of(call.principal, scope, self.store.clock), **own, **settings}
            audit = self.trail.of(call.principal, tenant_id, "created", endpoint, after=settings)
            try:
                stored = self.store.add_endpoint(system, endpoint, audit)
            except Conflict:
                key = {"tenantId": tenant_id, "systemId": system["refId"], "code": body.code}
                stored = same_request(claim, self.store.endpoints.get(key), endpoint)
            location = f"{PATH}/{system['code']}/endpoints/{body.code}"
            return Answer(201, to_response(stored), {"ETag": etag_of(stored["version"]), "Location": location})

        return self.keys.once(call.request, work)

    def replace(self, call: Call[TenantChoice, EndpointChange]) -> Answer:
        """200 with the changed endpoint and its new ETag.

        Raises PreconditionRequired, PreconditionFailed, NotFound, ValidationFailed.
        """
        tenant_id = owner_of(call.principal, call.query.tenant_id)
        endpoint = self._current(call, tenant_id)
        self.checks.check_endpoint(call.body, call.request.detectors.of(tenant_id))
        settings = settings_of(call.body, ENDPOINT_FIELDS)
        audit = self.trail.of(call.principal, tenant_id, "updated", endpoint, before=endpoint, after=settings)
        changed = self.store.change_endpoint(endpoint, settings, call.principal.subject, audit)
        return Answer(200, to_response(changed), {"ETag": etag_of(changed["version"])})

    def delete(self, call: Call[TenantChoice]) -> Answer:
        """204. Raises as `replace` does."""
        tenant_id = owner_of(call.principal, call.query.tenant_id)
        endpoint = self._current(call, tenant_id)
        before = {name: endpoint[name] for name in ENDPOINT_FIELDS}
        audit = self.trail.of(call.principal, tenant_id, "deleted", endpoint, before=before)
        self.store.delete_endpoint(endpoint, call.principal.subject, audit)
        return NO_CONTENT

    def _current(self, call: Call[TenantChoice, Any], tenant_id: str) -> Document:
        """The endpoint in the path, where its version is the one that If-Match names."""
        system = self.store.system(tenant_id, call.path["code"])
        endpoint = self.store.endpoint(system, call.path["endpoint"])
        require_match(call.request.headers, etag_of(endpoint["version"]))
        return endpoint
