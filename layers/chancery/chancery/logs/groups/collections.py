"""The collections of error groups."""

from chancery.core.mongo.collections import Collection, Index
from chancery.logs.groups.models import LIST_FIELDS, ErrorGroup, ErrorGroupHash

DAYS = 90  # after which a group that is no longer seen is forgotten
_NEWEST = (("lastSeen", -1), ("refId", -1))
_CHANGES = ("find", "insert", "remove", "update")

ERROR_GROUPS = Collection(
    name="error_groups",
    model=ErrorGroup,
    list_fields=LIST_FIELDS,
    access={"writer": _CHANGES, "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), *_NEWEST)),
        Index((("tenantId", 1), ("status", 1), *_NEWEST)),
        Index(_NEWEST),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

ERROR_GROUP_HASHES = Collection(
    name="error_group_hashes",
    model=ErrorGroupHash,
    access={"writer": _CHANGES, "reader": ("find",)},
    indexes=(
        Index((("tenantId", 1), ("hash", 1)), unique=True),
        Index((("tenantId", 1), ("groupId", 1))),
        Index((("expiresOn", 1),), expire_after=0),
    ),
)

COLLECTIONS = (ERROR_GROUPS, ERROR_GROUP_HASHES)
