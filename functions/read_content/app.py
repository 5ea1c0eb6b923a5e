"""GET /v1/onboarding-research and /v1/strategies-content: lists, whole documents, and their texts for a prompt."""

from chancery.content.research.routes import RESEARCH_READS, STRATEGY_READS
from chancery.core.web.responses import serve
from chancery.wiring import research
from chancery.wiring.callers import TENANTS

handler = serve((RESEARCH_READS, research.research_reader), (STRATEGY_READS, research.strategy_reader), tenants=TENANTS)
