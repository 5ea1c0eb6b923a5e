"""The routes of skills."""

from chancery.content.skills.queries import SkillChange, SkillRequest, SkillSearch, VersionsQuery
from chancery.core.web.legacy_routes import Route
from chancery.core.web.validation import TenantChoice

ROUTES = (
    Route(
        "POST",
        "/v1/skills",
        "manage_skills",
        "Make a skill, global or a tenant's",
        {201: "SkillHead"},
        body=SkillRequest,
    ),
    Route(
        "GET",
        "/v1/skills",
        "read_skills",
        "A tenant's skills and the global ones that they do not hide",
        {200: "SkillPage"},
        query=SkillSearch,
    ),
    Route(
        "GET",
        "/v1/skills/{refId}",
        "read_skills",
        "One skill with its content",
        {200: "Skill", 304: "Empty"},
        query=TenantChoice,
        precondition="If-None-Match",
    ),
    Route(
        "PUT",
        "/v1/skills/{refId}",
        "manage_skills",
        "Change a skill; the version before stays",
        {200: "SkillHead"},
        body=SkillChange,
        precondition="If-Match",
    ),
    Route(
        "DELETE",
        "/v1/skills/{refId}",
        "manage_skills",
        "Delete a skill; its versions stay, a global one of its name is seen again",
        {204: "Empty"},
        precondition="If-Match",
    ),
    Route(
        "GET",
        "/v1/skills/{refId}/versions",
        "read_skills",
        "A skill's versions, the newest first",
        {200: "SkillPage"},
        query=VersionsQuery,
    ),
    Route(
        "GET",
        "/v1/skills/{refId}/versions/{version}",
        "read_skills",
        "One version with its content",
        {200: "SkillVersion", 304: "Empty"},
        query=TenantChoice,
        precondition="If-None-Match",
    ),
    Route(
        "GET",
        "/v1/agents/{role}/skills",
        "read_skills",
        "What an agent's role gets, in order: JSON, or one prompt where Accept asks for text/markdown",
        {200: "AgentSkills", 304: "Empty"},
        query=TenantChoice,
        precondition="If-None-Match",
    ),
)
