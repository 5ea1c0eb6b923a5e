"""What is kept of a client's onboarding research, and of its strategies."""

from typing import Annotated

from pydantic import Field

from chancery.content.models import StoredBody
from chancery.core.documents import Base, Identifier

Size = Annotated[int, Field(ge=0)]


class OnboardingResearch(Base):
    """What an onboarding run has found out about a client, without any markup.

    Of a text above 64 KB there is the head only; `bodies` has the whole. `textBytes`: UTF-8, of all texts together.
    """

    run_id: Identifier
    website_text: str
    competitor_research: str
    industry_context: str
    raw_notes: str
    generated_context_file: str
    bodies: dict[str, StoredBody]
    text_bytes: Size
    request_key: str | None = None


class StrategyContent(Base):
    """The full text of a strategy, without any markup; of one above 64 KB the head only, `bodies` has the whole."""

    strategy_id: Identifier
    full_text: str
    bodies: dict[str, StoredBody]
    text_bytes: Size
    request_key: str | None = None


_LISTED = ("textBytes", "createdBy", "createdOn", "traceId", "correlationId")  # no texts
RESEARCH_LIST_FIELDS = ("refId", "tenantId", "runId", *_LISTED)
STRATEGY_LIST_FIELDS = ("refId", "tenantId", "strategyId", *_LISTED)
