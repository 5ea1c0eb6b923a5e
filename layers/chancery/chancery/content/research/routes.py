"""The routes of research and strategies."""

from chancery.content.research.queries import ResearchRequest, ResearchSearch, StrategyRequest, StrategySearch
from chancery.core.web.legacy_routes import Route
from chancery.core.web.validation import TenantChoice

ROUTES = (
    Route(
        "POST",
        "/v1/onboarding-research",
        "record_content",
        "Keep an onboarding run's research, without any markup",
        {201: "ResearchHead"},
        body=ResearchRequest,
    ),
    Route(
        "GET",
        "/v1/onboarding-research",
        "read_content",
        "A list without texts",
        {200: "ResearchPage"},
        query=ResearchSearch,
    ),
    Route(
        "GET",
        "/v1/onboarding-research/{refId}",
        "read_content",
        "One document with its texts",
        {200: "Research"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/onboarding-research/{refId}/prompt",
        "read_content",
        "Its texts for a prompt, between delimiters that they cannot contain",
        {200: "Prompt"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/strategies-content",
        "record_content",
        "Keep a strategy's text, without any markup",
        {201: "StrategyHead"},
        body=StrategyRequest,
    ),
    Route(
        "GET",
        "/v1/strategies-content",
        "read_content",
        "A list without texts",
        {200: "StrategyPage"},
        query=StrategySearch,
    ),
    Route(
        "GET",
        "/v1/strategies-content/{refId}",
        "read_content",
        "One document with its texts",
        {200: "Strategy"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/strategies-content/{refId}/prompt",
        "read_content",
        "Its texts for a prompt, between delimiters that they cannot contain",
        {200: "Prompt"},
        query=TenantChoice,
    ),
)
