"""POST /v1/onboarding-research and /v1/strategies-content: long texts from outside, stored without markup."""

from chancery.content.research.routes import RESEARCH_WRITES, STRATEGY_WRITES
from chancery.core.web.responses import serve
from chancery.wiring import research
from chancery.wiring.callers import TENANTS

handler = serve(
    (RESEARCH_WRITES, research.research_recorder), (STRATEGY_WRITES, research.strategy_recorder), tenants=TENANTS
)
