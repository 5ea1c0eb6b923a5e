"""The routes of skills."""

from chancery.content.skills.agents import AgentSkills
from chancery.content.skills.answers import SKILL, SKILL_HEAD, SKILL_PAGE, VERSION, VERSION_PAGE, AgentSkillSet
from chancery.content.skills.editing import SkillEditor
from chancery.content.skills.models import SkillChange, SkillRequest, SkillSearch, VersionsQuery
from chancery.content.skills.reading import SkillReader
from chancery.core.identity.roles import EDITORS, READERS
from chancery.core.web.answers import MARKDOWN
from chancery.core.web.routes import Route, group, redacted_body
from chancery.core.web.validation import TenantChoice

READS = group(
    "read_skills",
    Route(
        "GET",
        "/v1/skills",
        "A tenant's skills and the global ones that they do not hide",
        SkillReader.search,
        READERS,
        query=SkillSearch,
        answers={200: SKILL_PAGE},
    ),
    Route(
        "GET",
        "/v1/skills/{refId}",
        "One skill with its content",
        SkillReader.get,
        READERS,
        query=TenantChoice,
        answers={200: SKILL, 304: ()},
        precondition="If-None-Match",
    ),
    Route(
        "GET",
        "/v1/skills/{refId}/versions",
        "A skill's versions, the newest first",
        SkillReader.versions,
        READERS,
        query=VersionsQuery,
        answers={200: VERSION_PAGE},
    ),
    Route(
        "GET",
        "/v1/skills/{refId}/versions/{version}",
        "One version with its content",
        SkillReader.version,
        READERS,
        query=TenantChoice,
        answers={200: VERSION, 304: ()},
        precondition="If-None-Match",
    ),
)

AGENTS = group(
    "read_skills",
    Route(
        "GET",
        "/v1/agents/{role}/skills",
        "The skills of an agent's role, in order: JSON, or one prompt where Accept asks for text/markdown",
        AgentSkills.of_role,
        READERS,
        query=TenantChoice,
        answers={200: (AgentSkillSet, MARKDOWN), 304: ()},
        precondition="If-None-Match",
    ),
)

EDITS = group(
    "manage_skills",
    Route(
        "POST",
        "/v1/skills",
        "Create a skill, global or a tenant's",
        SkillEditor.create,
        EDITORS,
        body=redacted_body(SkillRequest),
        answers={201: SKILL_HEAD},
    ),
    Route(
        "PUT",
        "/v1/skills/{refId}",
        "Change a skill; the version before stays",
        SkillEditor.replace,
        EDITORS,
        body=redacted_body(SkillChange),
        answers={200: SKILL_HEAD},
        precondition="If-Match",
    ),
    Route(
        "DELETE",
        "/v1/skills/{refId}",
        "Delete a skill; its versions stay, a global one of its name is visible again",
        SkillEditor.delete,
        EDITORS,
        answers={204: ()},
        precondition="If-Match",
    ),
)
