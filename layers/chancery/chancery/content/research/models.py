"""Onboarding research and strategies: as they are stored, and what their routes take."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from chancery.content.models import StoredBody
from chancery.content.research.sanitising import Format
from chancery.core.documents import Base, Document, Identifier, StoredDocument
from chancery.core.web.listing import ListQuery

Size = Annotated[int, Field(ge=0)]


class Removed(StoredDocument):
    """What sanitising removed with its content: the elements, and the characters in them and in comments."""

    elements: Size
    characters: Size


class OnboardingResearch(Base):
    """The results of an onboarding run about a client, without any markup.

    Of a text above 64 KB only the head is here; `bodies` has the whole. `textBytes`: UTF-8, of all texts together.
    """

    run_id: Identifier
    website_text: str
    competitor_research: str
    industry_context: str
    raw_notes: str
    generated_context_file: str
    bodies: dict[str, StoredBody]
    text_bytes: Size
    removed: Removed | None = None
    request_key: str | None = None


class StrategyContent(Base):
    """The full text of a strategy, without any markup.

    Of a text above 64 KB only the head is here; `bodies` has the whole.
    """

    strategy_id: Identifier
    full_text: str
    bodies: dict[str, StoredBody]
    text_bytes: Size
    removed: Removed | None = None
    request_key: str | None = None


_LISTED = ("textBytes", "removed", "createdBy", "createdOn", "traceId", "correlationId")  # no texts
RESEARCH_LIST_FIELDS = ("refId", "tenantId", "runId", *_LISTED)
STRATEGY_LIST_FIELDS = ("refId", "tenantId", "strategyId", *_LISTED)


ResearchText = Literal["websiteText", "competitorResearch", "industryContext", "rawNotes", "generatedContextFile"]
_FORMAT = "of texts by their names; without one, a page is read as HTML and all else as Markdown"


class ResearchRequest(Document):
    """The body of `POST /v1/onboarding-research`: at least one text; what could run is removed."""

    tenant_id: Identifier | None = None
    run_id: Identifier
    website_text: str = Field("", description="scraped")
    competitor_research: str = ""
    industry_context: str = ""
    raw_notes: str = ""
    generated_context_file: str = ""
    format: dict[ResearchText, Format] = Field(default_factory=dict, description=_FORMAT)

    @model_validator(mode="after")
    def _has_a_text(self) -> "ResearchRequest":
        if not any(self.texts().values()):
            raise ValueError("send at least one text")
        return self

    def texts(self) -> dict[str, str]:
        """The texts by their API names."""
        return {name: text for name, text in self.model_dump(by_alias=True).items() if name in get_args(ResearchText)}


class StrategyRequest(Document):
    """The body of `POST /v1/strategies-content`; what could run is removed."""

    tenant_id: Identifier | None = None
    strategy_id: Identifier
    full_text: str = Field(min_length=1)
    format: dict[Literal["fullText"], Format] = Field(default_factory=dict, description=_FORMAT)

    def texts(self) -> dict[str, str]:
        """The text by its API name."""
        return {"fullText": self.full_text}


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
