"""The settings of a tenant: as they are stored, and what their routes take."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from chancery.core.documents import Document, Identifier, StoredDocument, WholeNumber, defaults
from chancery.core.redaction.own_patterns import compiled
from chancery.core.redaction.own_rules import is_fit_name
from chancery.core.redaction.text_engine import detector
from chancery.core.web.request import MAX_BATCH

MAX_NAMES, MAX_PATTERNS = 100, 20


def _holds_nothing(text: str) -> str:
    if kinds := detector().kinds(text):
        raise ValueError(f"holds what looks like a {kinds[0]}, which is never stored")
    return text


def _is_name(name: str) -> str:
    if not is_fit_name(name):
        raise ValueError("must be one to four words with Latin letters, and none that names other members (value, key)")
    return name


def _is_pattern(source: str) -> str:
    compiled(source)
    return source


def _named_once(patterns: "list[OwnPattern]") -> "list[OwnPattern]":
    if len({pattern.name for pattern in patterns}) < len(patterns):
        raise ValueError("must have a name of its own for each pattern")
    return patterns


OwnName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(_holds_nothing),
    AfterValidator(_is_name),
]


class OwnPattern(Document):
    """A pattern in the syntax of RE2; what it matches in a string is redacted."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
        AfterValidator(_holds_nothing),
    ] = Field(description="what it finds; findings and errors have it, metrics do not")
    pattern: Annotated[
        str,
        StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$"),
        AfterValidator(_holds_nothing),
        AfterValidator(_is_pattern),
    ] = Field(description="RE2: neither look-around nor back-references; must not match the empty string")


class FreeText(Document):
    """What is redacted in any string, but not in ids."""

    email_addresses: StrictBool = False
    phone_numbers: StrictBool = Field(False, description="E.164, or in a layout of phone numbers")
    ibans: StrictBool = False


class RedactionSettings(Document):
    """What is redacted in a tenant's records besides what is redacted in all."""

    free_text: FreeText = defaults(FreeText)
    names: list[OwnName] = Field([], max_length=MAX_NAMES, description="of values, in any spelling")
    patterns: Annotated[list[OwnPattern], AfterValidator(_named_once)] = Field([], max_length=MAX_PATTERNS)

    def as_json(self) -> dict[str, Any]:
        """The settings by their API names."""
        return self.model_dump(by_alias=True)


class OwnRateLimit(Document):
    """What passes of a tenant's requests: `burst` at once, then `perSecond`. A batch counts as its records."""

    per_second: Annotated[WholeNumber, Field(ge=1, le=1_000_000)]
    burst: Annotated[WholeNumber, Field(ge=MAX_BATCH, le=10_000_000)] = Field(description="at least one full batch")


class OwnDestinationLimits(Document):
    """How many destinations a tenant may have, and how many messages a second one of them may be sent."""

    most: Annotated[WholeNumber, Field(ge=0, le=1000)] = 20
    rate_per_second: Annotated[WholeNumber, Field(ge=1, le=1000)] = 50


class OwnLimits(Document):
    """The limits of a tenant that are not the default: rates of reads, writes and records of logs, and daily quotas."""

    read: OwnRateLimit | None = None
    write: OwnRateLimit | None = None
    logs: OwnRateLimit | None = None
    exports_per_day: Annotated[WholeNumber, Field(ge=0, le=1_000_000)] | None = None
    upload_bytes_per_day: Annotated[WholeNumber, Field(ge=0, le=2**53)] | None = None
    destinations: OwnDestinationLimits | None = None


class SettingsChange(Document):
    """The body of `PUT /v1/settings`: all settings; one that is left out gets its default."""

    strict_catalog: StrictBool = Field(False, description="accept actions of the catalogue only")
    redaction: RedactionSettings = defaults(RedactionSettings)
    limits: OwnLimits = defaults(OwnLimits)

    def as_json(self) -> dict[str, Any]:
        """All settings by their API names; of the limits those that are given."""
        limits = self.limits.model_dump(by_alias=True, exclude_none=True)
        return {"strictCatalog": self.strict_catalog, "redaction": self.redaction.as_json(), "limits": limits}


class TenantSettings(StoredDocument):
    """The stored settings of a tenant; `version` counts their changes from 1."""

    tenant_id: Identifier | None
    strict_catalog: bool
    redaction: dict[str, Any]
    limits: dict[str, Any]
    version: Annotated[int, Field(ge=1)]
    updated_by: Identifier
    updated_on: datetime


class RedactionTrial(Document):
    """The body of `POST /v1/redactions`."""

    value: Any = Field(description="any JSON value; nothing of it is stored")
    redaction: RedactionSettings | None = Field(None, description="to try instead of the tenant's settings")
