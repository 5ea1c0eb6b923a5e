"""The routes of research and strategies: two types of document with the same routes."""

from chancery.content.research.answers import (
    RESEARCH,
    RESEARCH_HEAD,
    RESEARCH_PAGE,
    STRATEGY,
    STRATEGY_HEAD,
    STRATEGY_PAGE,
)
from chancery.content.research.models import ResearchRequest, ResearchSearch, StrategyRequest, StrategySearch
from chancery.content.research.service import ContentReader, ContentRecorder
from chancery.core.identity.roles import READERS, WRITERS
from chancery.core.web.answers import MARKDOWN, PageOf, Projection
from chancery.core.web.routes import Route, RouteGroup, group, redacted_body
from chancery.core.web.validation import TenantChoice


def _reads(
    path: str, search: type[ResearchSearch | StrategySearch], page: PageOf, whole: Projection
) -> RouteGroup[ContentReader]:
    return group(
        "read_content",
        Route("GET", path, "A list without texts", ContentReader.search, READERS, query=search, answers={200: page}),
        Route(
            "GET",
            f"{path}/{{refId}}",
            "One document with its texts",
            ContentReader.get,
            READERS,
            query=TenantChoice,
            answers={200: whole},
        ),
        Route(
            "GET",
            f"{path}/{{refId}}/prompt",
            "Its texts for a prompt, between delimiters that they cannot contain",
            ContentReader.prompt,
            READERS,
            query=TenantChoice,
            answers={200: MARKDOWN},
        ),
    )


RESEARCH_READS = _reads("/v1/onboarding-research", ResearchSearch, RESEARCH_PAGE, RESEARCH)
STRATEGY_READS = _reads("/v1/strategies-content", StrategySearch, STRATEGY_PAGE, STRATEGY)

RESEARCH_WRITES = group(
    "record_content",
    Route(
        "POST",
        "/v1/onboarding-research",
        "Store an onboarding run's research, without what could run",
        ContentRecorder.record,
        WRITERS,
        body=redacted_body(ResearchRequest),
        answers={201: RESEARCH_HEAD},
    ),
)

STRATEGY_WRITES = group(
    "record_content",
    Route(
        "POST",
        "/v1/strategies-content",
        "Store a strategy's text, without what could run",
        ContentRecorder.record,
        WRITERS,
        body=redacted_body(StrategyRequest),
        answers={201: STRATEGY_HEAD},
    ),
)
