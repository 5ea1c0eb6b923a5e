"""Records as the archive keeps them, and back: a line of JSON each, with the digest's own types."""

from datetime import datetime
from typing import Any

import orjson

from chancery.audit.digest import stored_digest
from chancery.audit.models import ERASABLE
from chancery.core.formats.times import to_rfc3339

_DATES = ("createdOn", "recordedOn")
_ERASABLE = frozenset(ERASABLE)


def archived_line(record: dict[str, Any]) -> bytes:
    """A whole record as a line of JSON, as the API shows it; the record is changed for it."""
    for field in _DATES:
        record[field] = to_rfc3339(record[field])
    return orjson.dumps(record, default=bytes.hex, option=orjson.OPT_APPEND_NEWLINE)  # salts are bytes


def record_of(line: bytes) -> dict[str, Any]:
    """The record of a line as it was stored: dates, salts as bytes. Raises ValueError where it is not that record.

    Its content has its digest, nothing is beside that content, and it makes the same line again, to the byte.
    """
    try:
        record: dict[str, Any] = orjson.loads(line)
        for field in _DATES:
            record[field] = datetime.fromisoformat(record[field])
        record["salts"] = {field: bytes.fromhex(salt) for field, salt in record["salts"].items()}
        as_written = archived_line(dict(record)) == line
        nothing_else = "_id" not in record and record["salts"].keys() == _ERASABLE & record.keys()
        holds = stored_digest(record) == record["digest"]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as exc:
        raise ValueError("is not a record") from exc
    if not holds:
        raise ValueError("the record was changed: its content does not have its digest")
    if not as_written or not nothing_else:
        raise ValueError("is not written as Chancery writes it")
    return record
