"""The query parameters and bodies of the routes of contracts."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chancery.contracts.models import LIST_FIELDS, Format, Sha256, Source, TemplateName, Value, Version
from chancery.core.documents import Document, Identifier
from chancery.core.web.listing import ListQuery, Page
from chancery.core.web.validation import TenantChoice

DEFAULT_TEMPLATE = "service-agreement"


class TemplatePublication(Document):
    """The body of `POST /v1/contract-templates`."""

    name: TemplateName
    version: Version = Field(description="a version is published once: v1.0, v1.1, v2.0")
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
    format: Format
    source: Source


class TemplateSearch(Page):
    """The query parameters of `GET /v1/contract-templates`."""

    name: TemplateName | None = None


class GivenValues(Document):
    """The values of `POST /v1/contracts`: the tenant's record, and what the platform knows where it is left out."""

    tenant_name: Value
    tenant_slug: Value
    tenant_website: Value
    plan: Value
    generated_date: str | None = Field(None, description="a day, as 2026-01-31; today in UTC if left out")
    platform_name: Value | None = Field(None, description="the deployment's if left out")


class ContractRequest(Document):
    """The body of `POST /v1/contracts`."""

    tenant_id: Identifier | None = None
    template: TemplateName = DEFAULT_TEMPLATE
    template_version: Version | None = Field(None, description="the newest if left out")
    values: GivenValues


class ContractSearch(ListQuery):
    """The query parameters of `GET /v1/contracts`."""

    offered = LIST_FIELDS
    template: TemplateName | None = None


class VerificationRequest(TenantChoice):
    """The body of `POST /v1/contracts/verify`."""

    sha256: Sha256 = Field(description="hex SHA-256 of the file")
