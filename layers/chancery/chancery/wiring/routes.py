"""Every route of the HTTP API: the one list that the OpenAPI document and the 404 and 405 answers come from.

A test holds it against template.yaml.
"""

from typing import Any

from chancery.archive.routes import ROUTES as ARCHIVE
from chancery.audit.routes import ROUTES as AUDIT
from chancery.content.outputs.routes import OUTPUTS
from chancery.content.research import routes as research
from chancery.content.skills import routes as skills
from chancery.content.tool_calls.routes import ROUTES as TOOL_CALLS
from chancery.contracts.routes import ROUTES as CONTRACTS
from chancery.core.errors import ChanceryError, MethodNotAllowed, NotFound
from chancery.core.web.legacy_routes import Route
from chancery.core.web.routes import AnyRoute, RouteGroup
from chancery.sealing.routes import ROUTES as SEALING
from chancery.wiring.traces import TraceQuery

GROUPS: tuple[RouteGroup[Any], ...] = (
    skills.READS,
    skills.AGENTS,
    skills.EDITS,
    OUTPUTS,
    research.RESEARCH_READS,
    research.STRATEGY_READS,
    research.RESEARCH_WRITES,
    research.STRATEGY_WRITES,
)
DECLARED: tuple[AnyRoute, ...] = tuple(route for group in GROUPS for route in group.routes)

LEGACY_ROUTES = (
    *AUDIT,
    *SEALING,
    *ARCHIVE,
    *TOOL_CALLS,
    *CONTRACTS,
    Route("GET", "/v1/traces/{traceId}", "read_traces", "All records of a trace", {200: "Trace"}, query=TraceQuery),
    Route("GET", "/v1/health", "check_health", "Health", {200: "Health", 503: "Health"}, open=True),
    Route("GET", "/v1/openapi.json", "describe_api", "This document", {200: "Document"}, open=True),
)

ROUTES: tuple[AnyRoute | Route, ...] = (*DECLARED, *LEGACY_ROUTES)


def allowed(path: str) -> list[str]:
    """The methods that a path takes; none where there is no such path."""
    methods = {route.method for route in ROUTES if route.pattern.fullmatch(path)}
    return sorted(methods | {"OPTIONS"}) if methods else []


def refusal(method: str, path: str) -> ChanceryError:
    """The error of a request that no route serves: MethodNotAllowed on a known path, else NotFound."""
    if methods := allowed(path):
        return MethodNotAllowed(f"{path} does not take {method}; it takes {', '.join(methods)}.", methods)
    return NotFound("There is no such route; see GET /v1/openapi.json.")
