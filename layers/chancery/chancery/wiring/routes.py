"""Every route of the HTTP API, from the declarations of each record type.

The OpenAPI document, the permission matrix, and the 404 and 405 answers are generated from this list.
"""

from typing import Any

from chancery.archive import routes as archive
from chancery.audit import routes as audit
from chancery.audit.recording_routes import RECORDING
from chancery.content.outputs import routes as outputs
from chancery.content.research import routes as research
from chancery.content.skills import routes as skills
from chancery.content.streams import routes as streams
from chancery.content.tool_calls import routes as tool_calls
from chancery.contracts import routes as contracts
from chancery.core.web import description, health
from chancery.core.web.routes import AnyRoute, RouteGroup
from chancery.destinations.feed import routes as feed
from chancery.destinations.registry import routes as destinations
from chancery.integrations.calls import routes as calls
from chancery.integrations.exchanges import routes as exchanges
from chancery.integrations.registry import routes as integration_registry
from chancery.logs import routes as logs
from chancery.logs.groups import routes as error_groups
from chancery.logs.otlp import routes as otlp
from chancery.sealing import routes as sealing
from chancery.tenants import routes as tenants
from chancery.traces import routes as traces
from chancery.viewer import routes as viewer

GROUPS: tuple[RouteGroup[Any], ...] = (
    RECORDING,
    *(audit.READS, audit.FEED, audit.CATALOGUE, audit.EXPORTS),
    *(tenants.SETTINGS, tenants.REDACTIONS),
    sealing.PROOFS,
    *(archive.ARCHIVES, archive.RUNS, archive.LOOKUP, archive.RESTORES),
    *(skills.READS, skills.AGENTS, skills.EDITS),
    outputs.OUTPUTS,
    *(research.RESEARCH_READS, research.STRATEGY_READS, research.RESEARCH_WRITES, research.STRATEGY_WRITES),
    *(tool_calls.WRITES, tool_calls.READS),
    *(exchanges.WRITES, exchanges.READS, exchanges.STATISTICS),
    calls.CALLS,
    *(streams.WRITES, streams.READS),
    *(contracts.PUBLICATION, contracts.ISSUE, contracts.TEMPLATES, contracts.CONTRACTS),
    *(integration_registry.SYSTEM_READS, integration_registry.ENDPOINT_READS),
    *(integration_registry.SYSTEM_EDITS, integration_registry.ENDPOINT_EDITS, integration_registry.DRY_RUNS),
    *(destinations.READS, destinations.DELIVERY_READS, destinations.HEALTH, destinations.EDITS, destinations.REQUESTS),
    *(logs.RECORDING, logs.AGGREGATES, logs.READS, otlp.RECORDING),
    *(error_groups.READS, error_groups.EDITS),
    *(feed.READS, feed.EDITS),
    traces.TRACES,
    health.HEALTH,
    description.DESCRIPTION,
)
ROUTES: tuple[AnyRoute, ...] = tuple(route for group in GROUPS for route in group.routes)

PAGES: tuple[AnyRoute, ...] = viewer.SITE.routes
"""What people open in a browser; no part of the API."""
