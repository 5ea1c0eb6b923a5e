"""The digest of a record; the form of a version never changes.

SHA-256 over the RFC 8785 form of the record by its API field names, without `_id`, `digest` and `salts`; each salted
field stands as the hex SHA-256 of its salt followed by the RFC 8785 form of its value: after value and salt of an
erasable field are erased the digest still holds. In version 2 `recordedBy`, which every record has, is salted too: a
record has at least one salt, so that its digest cannot be guessed from its other fields. Records of version 1 have no
`digestVersion`.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from chancery.audit.models import ERASABLE
from chancery.core.formats.canonical_json import canonicalize, canonicalize_exact
from chancery.core.formats.times import to_rfc3339

SALT_BYTES = 16
VERSION = 2
_SALTED_FIELDS = (*ERASABLE, "recordedBy")
# Version → the fields that stand as salted hashes.
SALTED = {1: frozenset(ERASABLE) - {"onBehalfOfName"}, VERSION: frozenset(_SALTED_FIELDS)}
_OUTSIDE = frozenset({"_id", "digest", "salts"})


def new_salts(record: Mapping[str, Any]) -> dict[str, bytes]:
    """Sixteen random bytes for each salted field that the record has."""
    fields = [field for field in _SALTED_FIELDS if field in record]
    pool = os.urandom(SALT_BYTES * len(fields))
    return {field: pool[at * SALT_BYTES : (at + 1) * SALT_BYTES] for at, field in enumerate(fields)}


def digest(record: Mapping[str, Any], salts: Mapping[str, bytes], *, exact: bool = False) -> str:
    """The hex digest of a stored record (dates as datetime) with its salts (16 bytes a field).

    `exact`: the caller knows that `is_exact` of every free-form value. Raises KeyError when a salted field has no salt,
    or the version is unknown.
    """
    committed, salted = {}, SALTED[record.get("digestVersion", 1)]
    canonical = canonicalize_exact if exact else canonicalize
    for field, value in record.items():
        if field in salted:
            committed[field] = sha256(salts[field] + canonical(value)).hexdigest()
        elif type(value) is datetime:
            committed[field] = to_rfc3339(value)
        elif field not in _OUTSIDE:
            committed[field] = value
    return sha256(canonicalize_exact(committed)).hexdigest()  # under ASCII names text, null and a small integer by now


def stored_digest(record: Mapping[str, Any]) -> str:
    """The digest of a record as MongoDB has it, computed anew. Raises KeyError when a salt is missing."""
    return digest(record, record["salts"])
