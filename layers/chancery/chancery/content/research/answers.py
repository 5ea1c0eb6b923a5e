"""What the routes of research and strategies answer with."""

from chancery.content.research.collections import ONBOARDING_RESEARCH, STRATEGIES_CONTENT
from chancery.core.web.answers import PageOf, document_without, list_item, listed

_INTERNAL = ("bodies", "requestKey")

RESEARCH = document_without("Research", ONBOARDING_RESEARCH, *_INTERNAL)
RESEARCH_HEAD = listed("ResearchHead", ONBOARDING_RESEARCH)
RESEARCH_PAGE = PageOf(list_item("ResearchItem", ONBOARDING_RESEARCH))
STRATEGY = document_without("Strategy", STRATEGIES_CONTENT, *_INTERNAL)
STRATEGY_HEAD = listed("StrategyHead", STRATEGIES_CONTENT)
STRATEGY_PAGE = PageOf(list_item("StrategyItem", STRATEGIES_CONTENT))
