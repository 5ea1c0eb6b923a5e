"""Exports: requested over HTTP, written by a worker, fetched by a presigned link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import Field
from pymongo.database import Database

from chancery.audit.access import AccessTrail
from chancery.audit.filters import AuditFilter
from chancery.audit.models import ExportFormat
from chancery.audit.responses import json_value
from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.documents import refusal_of
from chancery.core.errors import FieldError, NotFound, ValidationFailed
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.redaction import Detector
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.quotas import Quotas
from chancery.core.web.request import Call

CONTENT_TYPES: dict[str, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_RETENTION = timedelta(days=7)
_MESSAGE_LOST = timedelta(minutes=2)  # queued for so long: its message may never have been sent
_WORKER_LOST = timedelta(hours=2)  # unchanged for so long: longer than a message waits after its worker was killed
_RESPONSE_FIELDS = ("state", "format", "records", "bytes", "sha256", "error", "createdOn", "updatedOn")


class ExportRequest(AuditFilter):
    """The body of `POST /v1/audit-exports`: the filters of a search, and a format."""

    format: ExportFormat = Field(
        "ndjson", description="csv is for spreadsheets: a byte order mark first, formulas made text; ndjson is exact"
    )


class ExportStore:
    """Reads and writes `audit_exports`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database.get_collection("audit_exports", write_concern=DURABLE)
        self._clock = clock

    def add(self, export: Document) -> Document:
        """Stores a new export."""
        moment = self._clock()
        document = export | {"createdOn": moment, "updatedOn": moment, "version": 0}
        with translated():
            self._collection.insert_one(document)
        return document

    def get(self, ref_id: str, scope: Mapping[str, Any]) -> Document:
        """The export inside of a scope. Raises NotFound, also where it has expired."""
        fresh = {"createdOn": {"$gt": self._clock() - _RETENTION}}
        with translated():
            found = self._collection.find_one({**scope, "refId": ref_id, **fresh}, {"_id": 0})
        if found is None:
            raise NotFound("There is no such export; exports are stored for seven days.")
        return found

    def advance(self, export: Document, **changes: Any) -> Document | None:
        """The export with the changes, or None where the optimistic lock failed: another worker has changed it."""
        changes["updatedOn"] = self._clock()
        at_version = {"tenantId": export["tenantId"], "refId": export["refId"], "version": export["version"]}
        with translated():
            done = self._collection.update_one(at_version, {"$set": changes, "$inc": {"version": 1}})
        return {**export, **changes, "version": export["version"] + 1} if done.matched_count else None

    def message_lost(self, export: Document) -> bool:
        """Whether an open export is unchanged for so long that its message may be lost, or a dead letter."""
        if export["state"] in ("done", "failed"):
            return False
        longest = _MESSAGE_LOST if export["state"] == "queued" else _WORKER_LOST
        return bool(self._clock() - export["updatedOn"] > longest)


@dataclass(frozen=True, slots=True)
class AuditExports:
    """Queues exports and answers with their state. `presign` makes a link of an S3 key."""

    store: ExportStore
    keys: IdempotencyKeys
    quotas: Quotas
    trail: AccessTrail
    queue: Queue
    presign: Callable[[str], str]
    new_id: Callable[[], str] = new_ref_id

    def request(self, call: Call[None, ExportRequest]) -> Answer:
        """202 with `{id, state}` of a queued export. Every export is audited, of any role. Raises QuotaExceeded."""
        principal, wanted = call.principal, call.body
        scope = principal.read_scope(wanted.tenant_id)
        _refuse_secrets(wanted, call.request.detectors.of(scope.tenant_id))
        return self.keys.once(call.request, lambda _: self._queue(principal, scope, wanted))

    def _queue(self, principal: Principal, scope: TenantScope, wanted: ExportRequest) -> Answer:
        self.quotas.take(scope.tenant_id, "exports")
        ref_id = self.new_id()
        self.trail.record(principal, scope, "audit_log.exported", ref_id, {"filters": wanted.given()}, always=True)
        folder = "every-tenant" if scope.every_tenant else f"tenant/{scope.tenant_id or 'platform'}"
        export: Document = {
            "refId": ref_id,
            "tenantId": scope.tenant_id,
            "everyTenant": scope.every_tenant,
            "createdBy": principal.subject,
            "filters": {name: json_value(value) for name, value in wanted.set_filters().items()},
            "format": wanted.format,
            "state": "queued",
            "records": 0,
            "bytes": 0,
            "key": f"exports/{folder}/{ref_id}.{wanted.format}",
            "parts": [],
        }
        self._send_message(self.store.add(export))
        return Answer(202, {"id": ref_id, "state": "queued"}, {"Location": f"/v1/audit-exports/{ref_id}"})

    def get(self, call: Call) -> dict[str, Any]:
        """`{id, state, records, bytes, url, proofUrl, sha256, ...}`; links of 15 minutes once the state is done.

        Giving links to an auditor, or out of their tenant, is audited.
        """
        principal, ref_id = call.principal, call.path["id"]
        own = {"tenantId": {"$in": list(principal.tenants)}, "everyTenant": False}
        export = self.store.get(ref_id, {} if principal.crosses_tenants else own)
        if self.store.message_lost(export):
            self._send_message(export)
        done, proof = export["state"] == "done", export.get("proof")
        if done:
            self.trail.record(principal, _scope_of(export, principal), "audit_log.export_viewed", ref_id)
        links = {
            "url": self.presign(export["key"]) if done else None,
            "proofUrl": self.presign(proof) if done and proof else None,
        }
        return {"id": ref_id, **links, **{name: json_value(export.get(name)) for name in _RESPONSE_FIELDS}}

    def _send_message(self, export: Document) -> None:
        self.queue.send(ItemRef.of(export).to_message())


def _scope_of(export: Document, principal: Principal) -> TenantScope:
    tenant_id, every_tenant = export["tenantId"], export["everyTenant"]
    foreign = tenant_id is not None and tenant_id not in principal.tenants
    return TenantScope(tenant_id, every_tenant=every_tenant, crossing=every_tenant or foreign)


def _refuse_secrets(wanted: ExportRequest, using: Detector) -> None:
    """Raises ValidationFailed for filters that cannot be stored with the export."""
    given = {name: str(json_value(value)) for name, value in wanted.set_filters().items()}
    using = using.for_ids
    if wrong := [FieldError(f"/{name}", refusal_of(text, using)) for name, text in given.items() if using.kinds(text)]:
        raise ValidationFailed("The export cannot be stored.", errors=wrong)
