"""The query parameters and bodies of the routes of research and strategies."""

from pydantic import Field, model_validator

from chancery.content.research.models import RESEARCH_LIST_FIELDS, STRATEGY_LIST_FIELDS
from chancery.core.documents import Document, Identifier
from chancery.core.web.listing import ListQuery


class ResearchRequest(Document):
    """The body of `POST /v1/onboarding-research`: at least one text; markup is taken out of each."""

    tenant_id: Identifier | None = None
    run_id: Identifier
    website_text: str = Field("", description="scraped")
    competitor_research: str = ""
    industry_context: str = ""
    raw_notes: str = ""
    generated_context_file: str = ""

    @model_validator(mode="after")
    def _has_a_text(self) -> "ResearchRequest":
        if not any(self.texts().values()):
            raise ValueError("send at least one text")
        return self

    def texts(self) -> dict[str, str]:
        """The texts by their API names."""
        return {name: text for name, text in self.model_dump(by_alias=True).items() if name not in _REFERENCES}


class StrategyRequest(Document):
    """The body of `POST /v1/strategies-content`; markup is taken out of the text."""

    tenant_id: Identifier | None = None
    strategy_id: Identifier
    full_text: str = Field(min_length=1)

    def texts(self) -> dict[str, str]:
        """The text by its API name."""
        return {"fullText": self.full_text}


_REFERENCES = ("tenantId", "runId")


class ResearchSearch(ListQuery):
    """The query parameters of `GET /v1/onboarding-research`."""

    offered = RESEARCH_LIST_FIELDS
    run_id: Identifier | None = None

    def filters(self) -> dict[str, str]:
        """The filters in use, by field."""
        return {} if self.run_id is None else {"runId": self.run_id}


class StrategySearch(ListQuery):
    """The query parameters of `GET /v1/strategies-content`."""

    offered = STRATEGY_LIST_FIELDS
    strategy_id: Identifier | None = None

    def filters(self) -> dict[str, str]:
        """The filters in use, by field."""
        return {} if self.strategy_id is None else {"strategyId": self.strategy_id}
