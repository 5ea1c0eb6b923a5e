"""The routes of the audit trail, but for recording (`recording_routes`)."""

from typing import Any

from chancery.audit.answers import (
    RECORD_PAGE,
    CatalogueAnswer,
    Coverage,
    Export,
    Groups,
    QueuedExport,
)
from chancery.audit.catalog import Catalogue
from chancery.audit.exports import AuditExports, ExportRequest
from chancery.audit.feed import AuditFeed, FeedQuery
from chancery.audit.models import AuditRecord
from chancery.audit.search import AuditReader, AuditSearch, RecordQuery, StatsQuery
from chancery.core.identity.roles import READERS
from chancery.core.web.request import Call
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.server_sent_events import MEDIA_TYPE as EVENTS
from chancery.core.web.validation import TenantChoice

READS = group(
    "read_audit_logs",
    Route(
        "GET", "/v1/audit-logs", "Search", AuditReader.search, READERS, query=AuditSearch, answers={200: RECORD_PAGE}
    ),
    Route(
        "GET",
        "/v1/audit-logs/stats",
        "Count in groups",
        AuditReader.stats,
        READERS,
        query=StatsQuery,
        answers={200: Groups},
    ),
    Route(
        "GET",
        "/v1/audit-logs/{refId}",
        "One whole record",
        AuditReader.get,
        READERS,
        query=RecordQuery,
        answers={200: AuditRecord},
    ),
    Route(
        "GET",
        "/v1/audit-catalog/coverage",
        "The catalogued actions that were seen, and when last",
        AuditReader.coverage,
        READERS,
        query=TenantChoice,
        answers={200: Coverage},
    ),
)

FEED = group(
    "follow_audit_logs",
    Route(
        "GET",
        "/v1/audit-logs/stream",
        "Follow the records of a tenant as server-sent events",
        AuditFeed.follow,
        READERS,
        query=FeedQuery,
        answers={200: EVENTS},
    ),
)


def _catalogue(catalogue: Catalogue, _: Call) -> dict[str, Any]:
    return catalogue.as_json()


CATALOGUE = group(
    "read_audit_logs",
    Route(
        "GET",
        "/v1/audit-catalog",
        "The actions that are audited",
        _catalogue,
        READERS,
        answers={200: CatalogueAnswer},
    ),
)

EXPORTS = group(
    "manage_audit_exports",
    Route(
        "POST",
        "/v1/audit-exports",
        "Request an export",
        AuditExports.request,
        READERS,
        body=validated_body(ExportRequest, stored=True),
        answers={202: QueuedExport},
    ),
    Route(
        "GET",
        "/v1/audit-exports/{id}",
        "The state of an export, with links once it is done",
        AuditExports.get,
        READERS,
        answers={200: Export},
    ),
)
