"""Systems and endpoints in MongoDB: changes under an optimistic lock, each in one transaction with its audit event."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.documents import validated
from chancery.core.errors import Conflict, FieldError, NotFound
from chancery.core.formats.correlation import correlation
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document, in_transaction
from chancery.core.mongo.repository import Repository
from chancery.core.web.preconditions import changed_meanwhile
from chancery.integrations.registry.collections import EXTERNAL_SYSTEMS, INTEGRATION_ENDPOINTS
from chancery.integrations.registry.models import ExternalSystem, IntegrationEndpoint, Target

Audit = Callable[[], None]  # raises where the change cannot be audited: then it does not happen
_MILLISECOND = timedelta(milliseconds=1)


class RegistryStore:
    """Reads and writes `external_systems` and `integration_endpoints`."""

    def __init__(self, database: Database[Document], clock: Clock = now):
        self.systems = Repository(database, EXTERNAL_SYSTEMS, clock=clock)
        self.endpoints = Repository(database, INTEGRATION_ENDPOINTS, clock=clock)
        self._database = database
        self.clock = clock

    def target(self, tenant_id: str, system: str, endpoint: str) -> Target:
        """An endpoint of a tenant with its system, by their codes. Raises NotFound."""
        found = self.system(tenant_id, system)
        return Target(
            validated(ExternalSystem, found),
            validated(IntegrationEndpoint, self.endpoint(found, endpoint)),
        )

    def system(self, tenant_id: str, code: str) -> Document:
        """A system of a tenant. Raises NotFound."""
        found = self.systems.get({"tenantId": tenant_id, "code": code})
        if found is None:
            raise NotFound("There is no such system.")
        return found

    def endpoint(self, system: Mapping[str, Any], code: str) -> Document:
        """An endpoint of a system. Raises NotFound."""
        found = self.endpoints.get({**_of(system), "code": code})
        if found is None:
            raise NotFound("The system has no such endpoint.")
        return found

    def add_system(self, system: Document, audit: Audit) -> Document:
        """Stores a new system. Raises Conflict where the tenant has one of its code."""
        return self._add(self.systems, {**system, "version": 1}, audit)

    def add_endpoint(self, system: Mapping[str, Any], endpoint: Document, audit: Audit) -> Document:
        """Stores a new endpoint of a system. Raises Conflict where the system has one of its code."""
        own = {"systemId": system["refId"], "systemCode": system["code"], "version": 1}
        return self._add(self.endpoints, {**endpoint, **own}, audit)

    def change_system(
        self, system: Mapping[str, Any], settings: Mapping[str, Any], changed_by: str, audit: Audit
    ) -> Document:
        """Stores new settings of a system; the changed one. Raises PreconditionFailed where it has changed since."""
        return self._change(self.systems, system, settings, changed_by, audit)

    def change_endpoint(
        self, endpoint: Mapping[str, Any], settings: Mapping[str, Any], changed_by: str, audit: Audit
    ) -> Document:
        """Stores new settings of an endpoint, as `change_system` does."""
        return self._change(self.endpoints, endpoint, settings, changed_by, audit)

    def delete_system(self, system: Mapping[str, Any], deleted_by: str, audit: Audit) -> None:
        """Marks a system as deleted. Raises PreconditionFailed, and Conflict while it has endpoints.

        An endpoint that is added at the same moment is deleted with it: its `systemId` is no system's any more.
        """

        def work(session: ClientSession) -> None:
            if self.endpoints.get(_of(system), ("refId",), session):
                raise Conflict("The system has endpoints; delete them first.")
            self._mark_deleted(self.systems, system, deleted_by, session)
            audit()

        in_transaction(self._database, work)

    def delete_endpoint(self, endpoint: Mapping[str, Any], deleted_by: str, audit: Audit) -> None:
        """Marks an endpoint as deleted. Raises PreconditionFailed."""

        def work(session: ClientSession) -> None:
            self._mark_deleted(self.endpoints, endpoint, deleted_by, session)
            audit()

        in_transaction(self._database, work)

    def _add(self, documents: Repository, document: Document, audit: Audit) -> Document:
        def work(session: ClientSession) -> Document:
            if not documents.add(document, session):
                detail = "is another's code; change that one, or choose another code"
                raise Conflict("There is one of this code already.", errors=[FieldError("/code", detail)])
            audit()
            return document

        return in_transaction(self._database, work)

    def _change(
        self,
        documents: Repository,
        document: Mapping[str, Any],
        settings: Mapping[str, Any],
        changed_by: str,
        audit: Audit,
    ) -> Document:
        ids = correlation.get()
        changes = {
            **settings,
            "updatedBy": changed_by,
            "updatedOn": self._moment_after(document),
            "traceId": ids.trace_id,
            "correlationId": ids.correlation_id,
        }

        def work(session: ClientSession) -> Document:
            if not documents.change(document, session, **changes):
                raise changed_meanwhile()
            audit()
            return {**document, **changes, "version": document["version"] + 1}

        return in_transaction(self._database, work)

    def _mark_deleted(
        self, documents: Repository, document: Mapping[str, Any], deleted_by: str, session: ClientSession
    ) -> None:
        changes = {"deletedBy": deleted_by, "deletedOn": self._moment_after(document)}
        try:
            changed = documents.change(document, session, **changes)
        except DuplicateKeyError as exc:  # one of this code was deleted in the same millisecond
            raise changed_meanwhile() from exc
        if not changed:
            raise changed_meanwhile()

    def _moment_after(self, document: Mapping[str, Any]) -> Any:
        """Now, but later than the change before, whose writer's clock may be ahead."""
        return max(self.clock(), (document.get("updatedOn") or document["createdOn"]) + _MILLISECOND)


def _of(system: Mapping[str, Any]) -> Document:
    return {"tenantId": system["tenantId"], "systemId": system["refId"]}
