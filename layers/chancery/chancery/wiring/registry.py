"""Every collection, function and queue of the deployment, from the declarations of the record types.

Routes are collected in `wiring.routes`: their models would make every importer of a collection slower to start.
"""

from chancery.archive import functions_and_queues as archive
from chancery.archive.collections import COLLECTIONS as ARCHIVE
from chancery.audit import functions_and_queues as audit
from chancery.audit.collections import COLLECTIONS as AUDIT
from chancery.content.outputs import functions_and_queues as outputs
from chancery.content.outputs.collections import COLLECTIONS as OUTPUTS
from chancery.content.research import functions_and_queues as research
from chancery.content.research.collections import COLLECTIONS as RESEARCH
from chancery.content.skills import functions_and_queues as skills
from chancery.content.skills.collections import COLLECTIONS as SKILLS
from chancery.content.streams import functions_and_queues as streams
from chancery.content.streams.collections import COLLECTIONS as STREAMS
from chancery.content.tool_calls import functions_and_queues as tool_calls
from chancery.content.tool_calls.collections import COLLECTIONS as TOOL_CALLS
from chancery.contracts import functions_and_queues as contracts
from chancery.contracts.collections import COLLECTIONS as CONTRACTS
from chancery.core.web.idempotency import IDEMPOTENCY_KEYS
from chancery.core.web.quotas import QUOTA_USES
from chancery.core.web.rate_limits import RATE_LIMITS
from chancery.destinations.collections import COLLECTIONS as DESTINATIONS
from chancery.destinations.delivery import functions_and_queues as deliveries
from chancery.destinations.feed import functions_and_queues as feed
from chancery.destinations.feed.collections import COLLECTIONS as FEED
from chancery.destinations.registry import functions_and_queues as destinations
from chancery.destinations.sources import functions_and_queues as platform_events
from chancery.destinations.sources.collections import COLLECTIONS as PLATFORM_EVENTS
from chancery.integrations.calls import functions_and_queues as calls
from chancery.integrations.calls.collections import COLLECTIONS as CALLS
from chancery.integrations.exchanges import functions_and_queues as exchanges
from chancery.integrations.exchanges.collections import COLLECTIONS as EXCHANGES
from chancery.integrations.registry import functions_and_queues as integration_registry
from chancery.integrations.registry.collections import COLLECTIONS as INTEGRATION_REGISTRY
from chancery.live import functions_and_queues as live
from chancery.live.collections import COLLECTIONS as LIVE
from chancery.logs import functions_and_queues as logs
from chancery.logs.collections import COLLECTIONS as LOGS
from chancery.logs.groups import functions_and_queues as error_groups
from chancery.logs.groups.collections import COLLECTIONS as ERROR_GROUPS
from chancery.sealing import functions_and_queues as sealing
from chancery.sealing.collections import COLLECTIONS as SEALING
from chancery.tenants import functions_and_queues as tenants
from chancery.tenants.collections import COLLECTIONS as TENANTS
from chancery.traces import functions_and_queues as traces
from chancery.viewer import functions_and_queues as viewer
from chancery.wiring import functions_and_queues as shared

COLLECTIONS = (
    IDEMPOTENCY_KEYS,
    RATE_LIMITS,
    QUOTA_USES,
    *TENANTS,
    *AUDIT,
    *SEALING,
    *ARCHIVE,
    *SKILLS,
    *OUTPUTS,
    *RESEARCH,
    *CONTRACTS,
    *TOOL_CALLS,
    *INTEGRATION_REGISTRY,
    *CALLS,
    *EXCHANGES,
    *LOGS,
    *ERROR_GROUPS,
    *STREAMS,
    *LIVE,
    *DESTINATIONS,
    *PLATFORM_EVENTS,
    *FEED,
)
FUNCTIONS = (
    *tenants.FUNCTIONS,
    *audit.FUNCTIONS,
    *sealing.FUNCTIONS,
    *archive.FUNCTIONS,
    *skills.FUNCTIONS,
    *outputs.FUNCTIONS,
    *research.FUNCTIONS,
    *contracts.FUNCTIONS,
    *tool_calls.FUNCTIONS,
    *exchanges.FUNCTIONS,
    *integration_registry.FUNCTIONS,
    *calls.FUNCTIONS,
    *logs.FUNCTIONS,
    *error_groups.FUNCTIONS,
    *streams.FUNCTIONS,
    *live.FUNCTIONS,
    *destinations.FUNCTIONS,
    *deliveries.FUNCTIONS,
    *platform_events.FUNCTIONS,
    *feed.FUNCTIONS,
    *traces.FUNCTIONS,
    *viewer.FUNCTIONS,
    *shared.FUNCTIONS,
)
QUEUES = (
    *audit.QUEUES,
    *sealing.QUEUES,
    *archive.QUEUES,
    *tool_calls.QUEUES,
    *exchanges.QUEUES,
    *calls.QUEUES,
    *logs.QUEUES,
    *live.QUEUES,
    *deliveries.QUEUES,
    *platform_events.QUEUES,
    *shared.QUEUES,
)
