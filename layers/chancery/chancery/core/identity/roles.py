"""The roles that a token may carry, and the groups of them that routes are declared with.

What a role may do is what the routes with its groups do (`routes.py` of each type); docs/permissions.md has the matrix.
"""

from enum import StrEnum


class Role(StrEnum):
    SUPER_ADMIN = "super_admin"
    DM_USER = "dm_user"
    USER = "user"
    AUDITOR = "auditor"
    PRODUCER = "producer"


WRITERS = frozenset({Role.SUPER_ADMIN, Role.DM_USER, Role.USER, Role.PRODUCER})
READERS = frozenset({Role.SUPER_ADMIN, Role.DM_USER, Role.USER, Role.AUDITOR})
EDITORS = frozenset({Role.SUPER_ADMIN, Role.DM_USER, Role.USER})  # people who decide on content and change it
SENSITIVE_READERS = EDITORS  # of bodies that are encrypted because they are sensitive
ISSUERS = frozenset({Role.SUPER_ADMIN, Role.DM_USER})  # of contracts
INTEGRATORS = frozenset({Role.SUPER_ADMIN, Role.DM_USER})  # who decide which other systems are called, and how
ADMINS = frozenset({Role.SUPER_ADMIN})
