"""What the routes of tenants answer with."""

from datetime import datetime
from typing import Any

from pydantic import Field

from chancery.core.redaction.findings import Reason
from chancery.core.web.answers import ABSENT, AnswerModel, Count
from chancery.tenants.models import OwnLimits, RedactionSettings


class Settings(AnswerModel):
    """The settings of a tenant; `null` is the platform. The version is 0 until they are changed."""

    tenant_id: str | None
    strict_catalog: bool
    redaction: RedactionSettings
    limits: OwnLimits
    version: Count
    updated_by: str | None
    updated_on: datetime | None


class RedactionFinding(AnswerModel):
    """Something that is redacted: where, what it is, and why it was found."""

    pointer: str = Field(description="JSON pointer into the value; names of members as they are redacted")
    start: Count | None = Field(description="code points before it in the string; null for what is no string")
    end: Count | None
    kind: str = Field(description="password, GitHub token, ...; the name of a tenant's pattern")
    reason: Reason
    in_name: bool = ABSENT


class RedactionResult(AnswerModel):
    """A value as it would be stored, and the first thousand findings; `truncated` where there are more."""

    redacted: Any
    findings: list[RedactionFinding]
    truncated: bool
