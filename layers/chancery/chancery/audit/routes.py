"""The routes of the audit trail."""

from chancery.audit.exports import ExportRequest
from chancery.audit.models import AuditEvent
from chancery.audit.search import AuditSearch, RecordQuery, StatsQuery
from chancery.audit.settings import SettingsChange
from chancery.core.web.legacy_routes import Route
from chancery.core.web.validation import TenantChoice

ROUTES = (
    Route(
        "POST",
        "/v1/audit-logs",
        "record_audit_logs",
        "Record one audit event, or up to 500",
        {201: "Recorded", 207: "Results"},
        body=AuditEvent,
        batch=True,
    ),
    Route("GET", "/v1/audit-logs", "read_audit_logs", "Search", {200: "RecordPage"}, query=AuditSearch),
    Route("GET", "/v1/audit-logs/stats", "read_audit_logs", "Count in groups", {200: "Groups"}, query=StatsQuery),
    Route("GET", "/v1/audit-logs/{refId}", "read_audit_logs", "One whole record", {200: "Record"}, query=RecordQuery),
    Route("GET", "/v1/audit-catalog", "read_audit_logs", "The actions that are audited", {200: "Catalogue"}),
    Route(
        "GET",
        "/v1/audit-catalog/coverage",
        "read_audit_logs",
        "Which of them were seen, and when last",
        {200: "Coverage"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-settings",
        "manage_audit_settings",
        "A tenant's settings",
        {200: "Settings"},
        query=TenantChoice,
    ),
    Route(
        "PUT",
        "/v1/audit-settings",
        "manage_audit_settings",
        "Change a tenant's settings",
        {200: "Settings"},
        query=TenantChoice,
        body=SettingsChange,
    ),
    Route(
        "POST", "/v1/audit-exports", "manage_audit_exports", "Ask for an export", {202: "Queued"}, body=ExportRequest
    ),
    Route("GET", "/v1/audit-exports/{id}", "manage_audit_exports", "How far an export is", {200: "Export"}),
)
