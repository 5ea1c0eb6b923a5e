"""The routes of proofs and the log."""

from chancery.core.web.legacy_routes import Route
from chancery.core.web.validation import TenantChoice
from chancery.sealing.queries import ConsistencyQuery

ROUTES = (
    Route(
        "GET",
        "/v1/audit-logs/{refId}/proof",
        "prove_audit_logs",
        "That a record is in its log: a C2SP tlog-proof, or JSON where asked for",
        {200: "Proof"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-checkpoint",
        "prove_audit_logs",
        "The newest checkpoint of a tenant's log",
        {200: "Note"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-consistency",
        "prove_audit_logs",
        "That a log of one size is the beginning of it at another",
        {200: "Consistency"},
        query=ConsistencyQuery,
    ),
    Route(
        "GET",
        "/v1/audit-verifier-key",
        "prove_audit_logs",
        "The key that checks a log's checkpoints, as a C2SP vkey",
        {200: "Note"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-tiles/{log}/{path+}",
        "prove_audit_logs",
        "A log as C2SP tlog-tiles: checkpoint, tile/<L>/<N>, tile/entries/<N>",
        {200: "Tile", 307: "Redirect"},
    ),
)
