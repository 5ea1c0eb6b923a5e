"""Groups of errors: as they are stored, and what their routes take."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from chancery.core.documents import Document, Identifier, StoredDocument
from chancery.core.formats.times import Moment
from chancery.core.web.listing import Page
from chancery.core.web.validation import TenantChoice

MAX_RELEASES, MAX_HASHES, MAX_MERGED = 50, 200, 20
ROOM_FOR_A_RELEASE = {f"releases.{MAX_RELEASES - 1}": {"$exists": False}}  # in a query for a group
Status = Literal["open", "resolved", "ignored"]
_RefId = Annotated[str, StringConstraints(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
_Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


class ErrorGroup(StoredDocument):
    """The same fault, seen once or often. `version` counts changes by people; `components`: why lines are in it."""

    ref_id: Identifier
    tenant_id: Identifier | None
    status: Status
    type: str | None = None
    message: str | None = None
    culprit: str | None = Field(None, description="the function in which it was raised")
    kind: str = Field(description="of the first line")
    level: str
    first_seen: datetime
    last_seen: datetime
    first_release: str | None = None
    releases: list[str]
    components: dict[str, Any]
    resolved_on: datetime | None = None
    ignored_until: datetime | None = None
    regressed_on: datetime | None = None
    version: int
    updated_by: Identifier | None = None
    updated_on: datetime | None = None
    expires_on: datetime


class ErrorGroupHash(StoredDocument):
    """Which group a fingerprint belongs to."""

    tenant_id: Identifier | None
    hash: str
    group_id: Identifier
    components: dict[str, Any]
    first_seen: datetime
    expires_on: datetime


LIST_FIELDS = (
    *("refId", "tenantId", "status", "type", "message", "culprit", "kind", "level", "firstSeen", "lastSeen"),
    *("firstRelease", "resolvedOn", "ignoredUntil", "regressedOn", "version"),
)


class GroupSearch(TenantChoice, Page):
    """The query parameters of `GET /v1/error-groups`."""

    status: Status | None = None
    since: Moment | None = Field(None, description="groups that were seen at or after this time")


class GroupWindow(TenantChoice):
    """The query parameters of `GET /v1/error-groups/{refId}/counts`, by default the last day."""

    from_: Moment | None = Field(None, alias="from")
    to: Moment | None = None

    @model_validator(mode="after")
    def _is_in_order(self) -> "GroupWindow":
        if self.from_ and self.to and self.from_ >= self.to:
            raise ValueError("`from` must lie before `to`")
        return self


class GroupChange(Document):
    """The body of `PATCH /v1/error-groups/{refId}`."""

    status: Status
    ignored_until: Moment | None = Field(None, description="with `ignored`: then it is open again when it is next seen")

    @model_validator(mode="after")
    def _fits(self) -> "GroupChange":
        if self.ignored_until and self.status != "ignored":
            raise ValueError("`ignoredUntil` goes with the status `ignored`")
        return self


class Merge(Document):
    """The body of `POST /v1/error-groups/{refId}/merge`: the groups that become part of it."""

    groups: Annotated[list[_RefId], Field(min_length=1, max_length=MAX_MERGED)]


class Split(Document):
    """The body of `POST /v1/error-groups/{refId}/split`: the fingerprints that become a group of their own."""

    hashes: Annotated[list[_Hash], Field(min_length=1, max_length=MAX_HASHES)]
