"""What the routes of skills answer with."""

from chancery.content.skills.collections import SKILL_VERSIONS, SKILLS
from chancery.content.skills.models import LIST_FIELDS, Category, Skill
from chancery.core.web.answers import AnswerModel, Count, PageOf, Projection, RefId, document_without, list_item, listed

SKILL = Projection("Skill", Skill, (*LIST_FIELDS, "content"))
SKILL_HEAD = listed("SkillHead", SKILLS)
SKILL_PAGE = PageOf(list_item("SkillItem", SKILLS))
VERSION = document_without("SkillVersion", SKILL_VERSIONS)
VERSION_PAGE = PageOf(list_item("SkillVersionItem", SKILL_VERSIONS))


class AgentSkill(AnswerModel):
    """A skill that an agent reads before its task."""

    ref_id: RefId
    tenant_id: str
    name: str
    category: Category
    version: Count
    is_client_context: bool
    content: str


class AgentSkillSet(AnswerModel):
    """The skills of a role, in the order in which an agent reads them."""

    role: str
    skills: list[AgentSkill]
