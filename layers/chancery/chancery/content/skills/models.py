"""Skills and their versions: as they are stored, and what their routes take."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from chancery.core.documents import ID, Base, ChangeableBase, Document, Identifier
from chancery.core.web.listing import ListQuery
from chancery.core.web.validation import Flag

GLOBAL = "global"  # the tenantId of skills that every tenant reads
MAX_CONTENT = 1024 * 1024  # bytes in UTF-8
MAX_ROLES = 50

Category = Literal["client_context", "brand_voice", "sop", "platform_guide", "template"]
CATEGORIES: tuple[str, ...] = get_args(Category)  # in the order in which agents get them
AgentRole = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100), ID]


def _composed(name: str) -> str:
    """NFC, so that what looks the same is the same name and hides the global skill."""
    return unicodedata.normalize("NFC", name)


def _of_sensible_size(content: str) -> str:
    size = len(content.encode())
    if size > MAX_CONTENT:
        raise ValueError(f"is {size} bytes long; {MAX_CONTENT} are the most")
    if not content.strip():
        raise ValueError("has no text")
    return content


def _set(roles: list[str]) -> list[str]:
    return sorted(set(roles))


SkillName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
    ),
    AfterValidator(_composed),
    ID,
]
Markdown = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"),
    AfterValidator(_of_sensible_size),
    Field(description="Markdown of at most 1 MiB in UTF-8, without control characters; stored as it comes"),
]


class SkillFields(Document):
    """The text of a skill, as a caller or a file of the library has it."""

    name: SkillName
    category: Category
    content: Markdown
    assigned_agent_roles: Annotated[list[AgentRole], AfterValidator(_set)] = Field([], max_length=MAX_ROLES)
    is_client_context: StrictBool = Field(False, description="injected for every agent, before all others")

    def stored(self) -> dict[str, Any]:
        """The fields as they are stored."""
        fields = self.model_dump(by_alias=True, include=set(SkillFields.model_fields))
        return {**fields, "contentBytes": len(self.content.encode())}


class Text(Document):
    """The fields that each version of a skill has."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    category: Category
    content: str
    content_bytes: Annotated[int, Field(ge=1, le=MAX_CONTENT)]
    assigned_agent_roles: list[str]
    is_client_context: bool


class Skill(Text, ChangeableBase):
    """A skill in its current version; `tenantId` is `global` for one that every tenant reads.

    `traceId` is of the request that wrote this version; `filePath` the file of the library that it came from.
    """

    file_path: str | None = None
    deleted_by: Identifier | None = None
    deleted_on: datetime | None = None


class SkillVersion(Text, Base):
    """A version of a skill, also the current one: `createdBy` wrote it on `createdOn`."""

    skill_id: Annotated[str, StringConstraints(min_length=26, max_length=26)]
    version: Annotated[int, Field(ge=1)]


TEXT_FIELDS = tuple(field.alias or name for name, field in Text.model_fields.items())
_HEAD = tuple(name for name in TEXT_FIELDS if name != "content")  # no list ever has the content
_CHANGES = ("createdBy", "createdOn", "updatedBy", "updatedOn")
LIST_FIELDS = ("refId", "tenantId", *_HEAD, "version", "filePath", "traceId", *_CHANGES)
VERSION_LIST_FIELDS = ("refId", "tenantId", "skillId", "version", *_HEAD, "traceId", "createdBy", "createdOn")


class SkillRequest(SkillFields):
    """The body of `POST /v1/skills`."""

    tenant_id: Identifier | None = Field(None, description="for a super_admin: a tenant, or `global`")


class SkillChange(SkillFields):
    """The body of `PUT /v1/skills/{refId}`: the whole new text of the skill."""


class SkillSearch(ListQuery):
    """The query parameters of `GET /v1/skills`."""

    offered = LIST_FIELDS
    category: Category | None = None
    role: AgentRole | None = Field(None, description="an agent role that it is assigned to")
    is_client_context: Flag | None = None
    name: SkillName | None = Field(None, description="the whole name")
    q: str | None = Field(None, min_length=1, max_length=256, description="words in name and content, of one tenant")

    def filters(self) -> dict[str, Any]:
        """The MongoDB filter, apart from the tenant."""
        exact = {
            "category": self.category,
            "assignedAgentRoles": self.role,
            "isClientContext": self.is_client_context,
            "name": self.name,
            "$text": None if self.q is None else {"$search": self.q.replace("\0", " ")},
        }
        return {name: value for name, value in exact.items() if value is not None}


class VersionsQuery(ListQuery):
    """The query parameters of `GET /v1/skills/{refId}/versions`."""

    offered = VERSION_LIST_FIELDS
