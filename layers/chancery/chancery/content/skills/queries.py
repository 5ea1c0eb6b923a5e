"""The query parameters and bodies of the skills' routes."""

from typing import Any

from pydantic import Field

from chancery.content.skills.models import (
    LIST_FIELDS,
    VERSION_LIST_FIELDS,
    AgentRole,
    Category,
    SkillFields,
    SkillName,
)
from chancery.core.documents import Identifier
from chancery.core.web.listing import ListQuery
from chancery.core.web.validation import Flag


class SkillRequest(SkillFields):
    """The body of `POST /v1/skills`."""

    tenant_id: Identifier | None = Field(None, description="for a super_admin: a tenant, or `global`")


class SkillChange(SkillFields):
    """The body of `PUT /v1/skills/{refId}`: the whole skill as it shall be."""


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
