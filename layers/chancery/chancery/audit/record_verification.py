"""Verification of a record in its JSON form, as the API, an export or an archive has it: its content has its digest."""

import re
from collections.abc import Mapping
from typing import Any

from chancery.audit.digest import SALTED, VERSION, digest
from chancery.tlog.strict_json import parse_object

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
    salts, salted = record.get("salts"), _salted(record)
    if type(salts) is not dict or salts.keys() != salted & record.keys():
        raise ValueError("the salts are not those of the salted fields that the record has")
    if not all(type(salt) is str and _SALT.fullmatch(salt) for salt in salts.values()):
        raise ValueError("a salt is not 32 lowercase hex digits")
    for field, value in record.items():
        if type(value) is not str and value is not None and field not in salted | {"salts", "digestVersion"}:
            raise ValueError("a field that must be text or null is something else")
    if "_id" in record or not all(record.get(field) for field in ("digest", "recordedOn", "refId")):
        raise ValueError("is not a record: it lacks digest, recordedOn or refId, or has an _id")
    if digest(record, {field: bytes.fromhex(salt) for field, salt in salts.items()}) != record["digest"]:
        raise ValueError("the record was changed: its content does not have its digest")


def _salted(record: Mapping[str, Any]) -> frozenset[str]:
    """The fields that are salted in the record's version of the digest. Raises ValueError."""
    version = record.get("digestVersion", 1)
    if type(version) is not int or version not in SALTED or (version == 1 and "digestVersion" in record):
        raise ValueError("the version of the digest is not known")
    if version == VERSION and not record.get("recordedBy"):
        raise ValueError("is not a record of this version of the digest: it lacks recordedBy")
    return SALTED[version]
