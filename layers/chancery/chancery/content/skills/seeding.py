"""Seeds the global skills from the library: creates new ones, updates unchanged ones, leaves the others."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chancery.content.skills.library import LibraryFile, packaged, read_library
from chancery.content.skills.models import GLOBAL, TEXT_FIELDS
from chancery.content.skills.store import Audit, SkillStore
from chancery.core.errors import Conflict, PreconditionFailed
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import Role
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.observability import logger

SEEDER = Principal("skills-library", Role.PRODUCER, name="Skills library")  # a machine, in the audit trail too


@dataclass(frozen=True, slots=True)
class Seeded:
    """Names of skills, by what became of them; `left`: changed or deleted by an admin, or the name is another's."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def as_attributes(self) -> dict[str, Any]:
        """The number of each, for CloudFormation."""
        return {name.title(): str(len(names)) for name, names in self.as_json().items()}

    def as_json(self) -> dict[str, list[str]]:
        """`{created, updated, unchanged, left}`."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Seeder:
    """Seeds global skills from files of the library, each in a transaction of its own; running again is harmless.

    A skill is updated from its file until another writer changes it. A deleted file leaves its skill as it is.
    """

    store: SkillStore
    trail: Trail

    def seed_packaged(self) -> Seeded:
        """Seeds from the library in this package. Raises LibraryBroken before anything is written."""
        seeded = self.seed(read_library(packaged()))
        logger.info("SKILLS_SEEDED", **seeded.as_attributes())
        return seeded

    def seed(self, library: Iterable[LibraryFile]) -> Seeded:
        """Seeds from files. Raises Unavailable; what was seeded until then stays."""
        seeded = Seeded()
        for file in library:
            getattr(seeded, self._seed(file)).append(file.fields.name)
        return seeded

    def _seed(self, file: LibraryFile) -> str:
        text = file.fields.stored()
        known = self.store.from_library(file.path)
        try:
            if known is None:
                skill = {**base_of(SEEDER, TenantScope(GLOBAL), self.store.clock), **text, "filePath": file.path}
                self.store.add(skill, self._audit(skill, "skill.created", 1))
                return "created"
            if known.get("deletedOn") is not None or (known.get("updatedBy") or known["createdBy"]) != SEEDER.subject:
                return "left"
            if all(known[name] == text[name] for name in TEXT_FIELDS):
                return "unchanged"
            audit = self._audit({**known, **text}, "skill.updated", known["version"] + 1)
            self.store.change(known, text, SEEDER.subject, audit)
        except (Conflict, PreconditionFailed):  # an admin's own skill of this name, or an admin was faster
            return "left"
        return "updated"

    def _audit(self, skill: Document, action: str, version: int) -> Audit:
        details = {"name": skill["name"], "category": skill["category"], "version": version}
        details["filePath"] = skill["filePath"]
        return lambda: self.trail.record(SEEDER, TenantScope(None), action, skill["refId"], details, always=True)
