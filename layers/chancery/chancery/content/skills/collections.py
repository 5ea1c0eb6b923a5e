"""Skills and their versions in MongoDB: collections, indexes, list projections, rights."""

from chancery.content.skills.models import LIST_FIELDS, VERSION_LIST_FIELDS, Skill, SkillVersion
from chancery.core.mongo.collections import Collection, Index

_NEWEST = (("createdOn", -1), ("refId", -1))

SKILLS = Collection(
    name="skills",
    model=Skill,
    trace_kind="skill",
    list_fields=LIST_FIELDS,
    access={"writer": ("find", "insert", "update"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("refId", 1),)),
        # One skill of a name that is not deleted; each deleted one has a moment of its own.
        Index((("tenantId", 1), ("name", 1), ("deletedOn", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("category", 1), *_NEWEST)),
        Index((("tenantId", 1), ("isClientContext", 1), *_NEWEST)),
        Index((("tenantId", 1), ("assignedAgentRoles", 1), *_NEWEST)),
        Index(_NEWEST),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
        Index((("tenantId", 1), ("name", "text"), ("content", "text"))),
    ),
)

SKILL_VERSIONS = Collection(
    name="skill_versions",
    model=SkillVersion,
    append_only=True,
    trace_kind="skill_version",
    list_fields=VERSION_LIST_FIELDS,
    access={"writer": ("find", "insert"), "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("skillId", 1), ("version", 1)), unique=True),
        Index((("tenantId", 1), ("skillId", 1), *_NEWEST)),
        Index((("traceId", 1), ("tenantId", 1), *_NEWEST), only_with="traceId"),
    ),
)

COLLECTIONS = (SKILLS, SKILL_VERSIONS)
