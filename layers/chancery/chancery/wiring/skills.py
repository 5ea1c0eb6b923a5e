"""Wires skills to the deployment, once an execution environment."""

from functools import cache
from typing import TYPE_CHECKING

from chancery.content.skills.agents import AgentSkills
from chancery.content.skills.editing import SkillEditor
from chancery.content.skills.reading import SkillReader
from chancery.content.skills.store import SkillStore
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.wiring import audit

if TYPE_CHECKING:
    from chancery.content.skills.seeding import Seeder


@cache
def store() -> SkillStore:
    return SkillStore(audit.database())


@cache
def editor() -> SkillEditor:
    return SkillEditor(store(), IdempotencyKeys(audit.database()), audit.trail())


@cache
def reader() -> SkillReader:
    return SkillReader(store(), audit.trail())


@cache
def agents() -> AgentSkills:
    return AgentSkills(store(), audit.trail())


@cache
def seeder() -> "Seeder":
    """Needs the layer with PyYAML."""
    from chancery.content.skills.seeding import Seeder

    return Seeder(store(), audit.trail())
