"""The query parameters and bodies of the archive's routes."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, field_validator

from chancery.archive.models import State
from chancery.core.documents import Document, Identifier
from chancery.core.web.listing import Page
from chancery.core.web.pagination import readable
from chancery.core.web.validation import TenantChoice
from chancery.tlog.archive_types import MonthText, StorageClass

MonthChoice = Annotated[MonthText | None, Field(description="a month in UTC: 2024-03")]


class ArchiveSearch(TenantChoice, Page):
    """The query parameters of `GET /v1/archives`."""

    month: MonthChoice = None
    state: State | None = None

    def filters(self) -> dict[str, Any]:
        """The filters in use, apart from the tenant."""
        given = {"month": self.month, "state": self.state}
        return {name: value for name, value in given.items() if value is not None}


class RunRequest(Document):
    """The body of `POST /v1/archives/runs`: empty for all that is due."""

    tenant_id: Identifier | None = Field(None, description="one tenant only; `null` in quotes: the platform's own")
    month: MonthChoice = None
    storage_class: StorageClass | None = Field(None, description="instead of the deployment's")
    dry_run: StrictBool = Field(False, description="answers with what is due, and stores nothing")
    cursor: str | None = Field(None, max_length=2048, description="of a dry run: `nextCursor` of the page before")

    _cursor_is_readable = field_validator("cursor")(readable)


class RestoreRequest(Document):
    """The body of `POST /v1/archives/{id}/restore`. The tiers are S3's: minutes, hours, half a day and cheap."""

    tier: Literal["Expedited", "Standard", "Bulk"]
    days: StrictInt = Field(ge=1, le=365, description="how long the records stay, counted from when they are there")


class LocateQuery(TenantChoice):
    """The query parameters of `GET /v1/archives/locate`: at least one beside the tenant."""

    actor_id: Identifier | None = None
    resource_id: Identifier | None = Field(None, description="a resource's id, or `<type>/<id>`")
    action: Identifier | None = Field(None, description="an action, or a resource type's: `blog_post.*`")

    def wanted(self) -> dict[str, str]:
        """What is looked for, by the names of `may_hold`."""
        given = {"actor_id": self.actor_id, "resource_id": self.resource_id, "action": self.action}
        return {name: value for name, value in given.items() if value is not None}
