"""Research and strategies in MongoDB: collections, indexes, rights. They are written once."""

from chancery.content.research.models import (
    RESEARCH_LIST_FIELDS,
    STRATEGY_LIST_FIELDS,
    OnboardingResearch,
    StrategyContent,
)
from chancery.core.mongo.collections import Collection, Index

_NEWEST = (("createdOn", -1), ("refId", -1))
_ACCESS = {"writer": ("find", "insert"), "reader": ("find",)}


def _indexes(reference: str) -> tuple[Index, ...]:
    return (
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("requestKey", 1)), unique=True, only_with="requestKey"),
        Index((("refId", 1),)),
        Index(((reference, 1), ("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index(_NEWEST),
    )


ONBOARDING_RESEARCH = Collection(
    name="onboarding_research",
    model=OnboardingResearch,
    trace_kind="onboarding_research",
    access=_ACCESS,
    list_fields=RESEARCH_LIST_FIELDS,
    indexes=_indexes("runId"),
)

STRATEGIES_CONTENT = Collection(
    name="strategies_content",
    model=StrategyContent,
    trace_kind="strategy_content",
    access=_ACCESS,
    list_fields=STRATEGY_LIST_FIELDS,
    indexes=_indexes("strategyId"),
)

COLLECTIONS = (ONBOARDING_RESEARCH, STRATEGIES_CONTENT)
