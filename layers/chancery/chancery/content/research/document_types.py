"""The two kinds of documents here: alike but for their fields."""

from collections.abc import Mapping
from dataclasses import dataclass

from chancery.content.research.collections import ONBOARDING_RESEARCH, STRATEGIES_CONTENT
from chancery.content.research.queries import ResearchRequest, ResearchSearch, StrategyRequest, StrategySearch
from chancery.core.mongo.collections import Collection


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of document: where it is, what it takes, the field it refers by, its texts and their headings."""

    path: str
    resource: str
    collection: Collection
    request: type[ResearchRequest | StrategyRequest]
    search: type[ResearchSearch | StrategySearch]
    reference: str
    texts: Mapping[str, str]


RESEARCH = Kind(
    "/v1/onboarding-research",
    "onboarding_research",
    ONBOARDING_RESEARCH,
    ResearchRequest,
    ResearchSearch,
    "runId",
    {
        "websiteText": "Website text",
        "competitorResearch": "Competitor research",
        "industryContext": "Industry context",
        "rawNotes": "Raw notes",
        "generatedContextFile": "Generated context file",
    },
)
STRATEGIES = Kind(
    "/v1/strategies-content",
    "strategy_content",
    STRATEGIES_CONTENT,
    StrategyRequest,
    StrategySearch,
    "strategyId",
    {"fullText": "Strategy"},
)
