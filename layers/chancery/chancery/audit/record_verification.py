"""Verification of a record in its JSON form, as the API, an export or an archive has it: its content has its digest."""

import re
from collections.abc import Mapping
from typing import Any

from chancery.audit.digest import digest
from chancery.audit.models import ERASABLE
from chancery.tlog.strict_json import parse_object

_ERASABLE = frozenset(ERASABLE)
_SALT = re.compile(r"[0-9a-f]{32}")


def read_record(line: bytes) -> tuple[dict[str, Any], bool]:
    """The verified record of a line, and whether the line is written as Chancery writes it. Raises ValueError."""
    record, as_written = parse_object(line)
    verify_digest(record)
    return record, as_written


def verify_digest(record: Mapping[str, Any]) -> None:
    """Checks that a record, with dates as RFC 3339 text and salts in hex, has its digest. Raises ValueError.

    Nothing of the record may be outside of what the digest covers: so no `_id`, and no salt too many.
    """
    salts = record.get("salts")
    if type(salts) is not dict or salts.keys() != _ERASABLE & record.keys():
        raise ValueError("the salts are not those of the erasable fields that the record has")
    if not all(type(salt) is str and _SALT.fullmatch(salt) for salt in salts.values()):
        raise ValueError("a salt is not 32 lowercase hex digits")
    for field, value in record.items():
        if type(value) is not str and value is not None and field not in _ERASABLE and field != "salts":
            raise ValueError("a field that must be text or null is something else")
    if "_id" in record or not all(record.get(field) for field in ("digest", "recordedOn", "refId")):
        raise ValueError("is not a record: it lacks digest, recordedOn or refId, or has an _id")
    if digest(record, {field: bytes.fromhex(salt) for field, salt in salts.items()}) != record["digest"]:
        raise ValueError("the record was changed: its content does not have its digest")
