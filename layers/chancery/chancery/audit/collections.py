"""The collections of the audit trail: indexes, retention, list projections, rights."""

from chancery.audit.models import AuditRecord, ExportDocument, RestoredLoad, RestoredRecord
from chancery.core.mongo.collections import Collection, Index

_NEWEST = (("createdOn", -1), ("refId", -1))
_WORDS = tuple((field, "text") for field in ("description", "actorName", "onBehalfOfName", "resourceName"))

# A list never answers with the bodies: before, after, metadata and salts come with the single record.
LIST_FIELDS = (
    "refId",
    "eventId",
    "tenantId",
    "tenantName",
    "actorType",
    "actorId",
    "actorName",
    "actorRole",
    "onBehalfOfId",
    "onBehalfOfName",
    "action",
    "resourceType",
    "resourceId",
    "resourceName",
    "description",
    "ipAddress",
    "userAgent",
    "traceId",
    "correlationId",
    "createdOn",
    "recordedOn",
    "recordedBy",
    "digest",
)

AUDIT_LOGS = Collection(
    name="audit_logs",
    model=AuditRecord,
    append_only=True,
    trace_kind="audit_log",
    list_fields=LIST_FIELDS,
    access={
        "writer": ("insert", "find"),
        "reader": ("find",),
        "sealer": ("find",),
        "archiver": ("find",),
        "pusher": ("find",),
        "deliverer": ("find", "insert"),  # inserts records of notices about destinations
    },
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("eventId", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("action", 1), *_NEWEST)),
        # The selective field first: these four also serve a search across tenants.
        Index((("actorId", 1), ("tenantId", 1), *_NEWEST)),
        Index((("resourceId", 1), ("resourceType", 1), ("tenantId", 1), *_NEWEST)),
        Index((("onBehalfOfId", 1), ("tenantId", 1), *_NEWEST), only_with="onBehalfOfId"),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index(_NEWEST),
        Index((("tenantId", 1), *_WORDS)),
    ),
)

# Fewer indexes: a set is loaded whole, and searched for days. Other filters go through a tenant's records by time.
RESTORED_AUDIT_LOGS = Collection(
    name="restored_audit_logs",
    model=RestoredRecord,
    list_fields=LIST_FIELDS,
    access={"archiver": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("actorId", 1), ("tenantId", 1), *_NEWEST)),
        Index((("resourceId", 1), ("resourceType", 1), ("tenantId", 1), *_NEWEST)),
        Index(_NEWEST),
        Index((("tenantId", 1), ("partitionId", 1), ("expiresOn", 1))),
        Index((("tenantId", 1), *_WORDS)),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

RESTORED_LOADS = Collection(
    name="restored_loads",
    model=RestoredLoad,
    access={"archiver": ("find", "insert", "update", "remove"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("partitionId", 1)), unique=True),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

AUDIT_EXPORTS = Collection(
    name="audit_exports",
    model=ExportDocument,
    retention_days=7,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(Index((("tenantId", 1), ("refId", 1)), unique=True),),
)

COLLECTIONS = (AUDIT_LOGS, RESTORED_AUDIT_LOGS, RESTORED_LOADS, AUDIT_EXPORTS)
