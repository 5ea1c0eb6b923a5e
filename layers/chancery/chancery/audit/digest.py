"""The digest of a record; its form never changes.

SHA-256 over the RFC 8785 form of the record by its API field names, without `_id`, `digest` and `salts`; each erasable
field stands as the hex SHA-256 of its salt followed by the RFC 8785 form of its value: after value and salt are erased
the digest still holds.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from chancery.audit.models import ERASABLE
from chancery.core.formats.canonical_json import canonicalize
from chancery.core.formats.times import to_rfc3339

SALT_BYTES = 16
_ERASABLE = frozenset(ERASABLE)
_OUTSIDE = frozenset({"_id", "digest", "salts"})


def new_salts(record: Mapping[str, Any]) -> dict[str, bytes]:
    """Sixteen random bytes for each erasable field the record has."""
    fields = [field for field in ERASABLE if field in record]
    pool = os.urandom(SALT_BYTES * len(fields))
    return {field: pool[at * SALT_BYTES : (at + 1) * SALT_BYTES] for at, field in enumerate(fields)}


def digest(record: Mapping[str, Any], salts: Mapping[str, bytes], *, exact: bool = False) -> str:
    """The hex digest of a stored record (dates as datetime) with its salts (16 bytes a field).

    `exact`: the caller knows that `is_exact` of every free-form value. Raises KeyError when an erasable field has no
    salt.
    """
    committed = {}
    for field, value in record.items():
        if field in _ERASABLE:
            committed[field] = sha256(salts[field] + canonicalize(value, exact=exact)).hexdigest()
        elif type(value) is datetime:
            committed[field] = to_rfc3339(value)
        elif field not in _OUTSIDE:
            committed[field] = value
    return sha256(canonicalize(committed, exact=True)).hexdigest()  # strings and null under ASCII names by now


def stored_digest(record: Mapping[str, Any]) -> str:
    """The digest of a record as MongoDB has it, computed anew. Raises KeyError when a salt is missing."""
    return digest(record, record["salts"])
