"""Versions of templates and contracts: as they are stored, and what their routes take."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chancery.core.documents import Base, Document, Identifier, StoredDocument
from chancery.core.web.listing import ListQuery, Page
from chancery.core.web.validation import TenantChoice

TemplateName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Version = Annotated[str, StringConstraints(max_length=16, pattern=r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$")]
Source = Annotated[str, StringConstraints(min_length=1, max_length=500_000, pattern=r"^[^\x00]*$")]
Format = Literal["typst", "markdown"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1)]
Value = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"\S")]

PLACEHOLDERS = ("tenantName", "tenantSlug", "tenantWebsite", "plan", "generatedDate", "platformName")
SHARED = "global"  # the tenantId of templates, which all tenants share
DEFAULT_TEMPLATE = "service-agreement"
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


class ContractTemplate(Base):
    """A published version of a template; it never changes. `sha256` is that of its source in UTF-8."""

    tenant_id: Literal["global"]
    name: TemplateName
    version: Version
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    format: Format
    source: Source
    sha256: Sha256


class Values(StoredDocument):
    """The values of a template's placeholders; each is text, never markup."""

    tenant_name: Value
    tenant_slug: Value
    tenant_website: Value
    plan: Value
    generated_date: Annotated[str, StringConstraints(pattern=_DATE.pattern)]
    platform_name: Value


class Contract(Base):
    """An issued contract. Its PDF is in S3 by its SHA-256; `contract.issued` in the audit trail has the same fields.

    `valuesSha256` is over the RFC 8785 form of `values`; `templateSha256` is the template's. The PDF shows both.
    """

    template: TemplateName
    template_version: Version
    template_sha256: Sha256
    values: Values
    values_sha256: Sha256
    sha256: Sha256
    bytes: Count
    pages: Count
    key: Identifier
    audit_ref_id: Annotated[str, StringConstraints(min_length=26, max_length=26)]


# Of contracts in lists; one contract has its values too.
LIST_FIELDS = (
    "refId",
    "tenantId",
    "template",
    "templateVersion",
    "sha256",
    "bytes",
    "pages",
    "auditRefId",
    "createdBy",
    "createdOn",
    "traceId",
    "correlationId",
)


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
    """The values of `POST /v1/contracts`: those of the tenant, and what has a default."""

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


def order_of(version: str) -> tuple[int, int]:
    """What versions sort by: v1.10 comes after v1.9."""
    major, minor = version[1:].split(".")
    return int(major), int(minor)


def is_date(text: str) -> bool:
    """Whether the text is a day of the calendar as 2026-01-31."""
    try:
        return _DATE.match(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def moment_of(day: str) -> datetime:
    """The date in a contract's PDF: the beginning of the day, in UTC."""
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")
