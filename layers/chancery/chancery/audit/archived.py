"""Records in the archive: a line of JSON each, in the form of the API."""

from datetime import datetime
from typing import Any

import orjson

from chancery.audit.record_verification import read_record
from chancery.core.formats.times import to_rfc3339

_DATES = ("createdOn", "recordedOn")


def archived_line(record: dict[str, Any]) -> bytes:
    """A whole stored record as a line of JSON. Changes the record."""
    for field in _DATES:
        record[field] = to_rfc3339(record[field])
    return orjson.dumps(record, default=bytes.hex, option=orjson.OPT_APPEND_NEWLINE)  # salts are bytes


def record_of(line: bytes) -> dict[str, Any]:
    """The stored record of a line of the archive: dates, salts as bytes. Raises ValueError as `read_archived` does."""
    record, dates = _parse(line[:-1])
    record |= dates
    record["salts"] = {field: bytes.fromhex(salt) for field, salt in record["salts"].items()}
    return record


def read_archived(line: bytes) -> tuple[dict[str, Any], bool]:
    """The verified record of a line without its newline, and True: it is as `archived_line` wrote it.

    Raises ValueError where its content does not have its digest, or another line would have the same content.
    """
    return _parse(line)[0], True


def _parse(line: bytes) -> tuple[dict[str, Any], dict[str, datetime]]:
    """The verified record of a line, and its dates."""
    record, as_written = read_record(line)
    try:
        dates = {field: datetime.fromisoformat(record[field]) for field in _DATES}
        if as_written and all(to_rfc3339(moment) == record[field] for field, moment in dates.items()):
            return record, dates
    except (LookupError, TypeError, ValueError):
        pass
    raise ValueError("is not written as Chancery writes it")
