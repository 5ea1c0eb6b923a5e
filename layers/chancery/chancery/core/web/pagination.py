"""Keyset pagination: an opaque cursor over (createdOn, refId) or refId, bound to the query it came from."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from chancery.core.errors import FieldError, ValidationFailed

MAX_LIMIT = 500
DEFAULT_LIMIT = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Position:
    """The place after which a page begins."""

    created_on: datetime
    ref_id: str

    def filter(self, *, descending: bool, as_stored: bool = False, by: str = "createdOn") -> dict[str, Any]:
        """What lies beyond this position in the order of a time and refId, or (`as_stored`) in that of refIds."""
        beyond = "$lt" if descending else "$gt"
        if as_stored:
            return {"refId": {beyond: self.ref_id}}
        return {
            "$or": [
                {by: {beyond: self.created_on}},
                {by: self.created_on, "refId": {beyond: self.ref_id}},
            ],
            by: {f"{beyond}e": self.created_on},  # lets one index bound serve both branches
        }


def binding(query: Mapping[str, Any]) -> str:
    """A digest of tenant, filter and order, so that a cursor is of use for its own query only."""
    return hashlib.sha256(orjson.dumps(query, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()[:16]


def encode_cursor(position: Position, bound_to: str) -> str:
    """The opaque text of a position."""
    milliseconds = (position.created_on - _EPOCH) // timedelta(milliseconds=1)
    payload = orjson.dumps([milliseconds, position.ref_id, bound_to])
    return base64.urlsafe_b64encode(payload).rstrip(b"=").decode()


def decode_cursor(cursor: str, bound_to: str) -> Position:
    """The position of a cursor. Raises ValidationFailed when it is damaged or belongs to another query."""
    try:
        position, bound = _read(cursor)
    except ValueError as exc:
        raise _invalid(str(exc)) from exc
    if bound != bound_to:
        raise _invalid("belongs to another query; keep tenant, filters and order as they were, or start without it")
    return position


def readable(cursor: str | None) -> str | None:
    """Validates a cursor as a parameter, so that its error comes with the others. Raises ValueError."""
    if cursor:
        _read(cursor)
    return cursor


def _read(cursor: str) -> tuple[Position, Any]:
    """The position of a cursor and what it is bound to. Raises ValueError when it is damaged."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        milliseconds, ref_id, bound = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return Position(_EPOCH + timedelta(milliseconds=milliseconds), str(ref_id)), bound
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise ValueError("is damaged; start again without it") from None


def _invalid(detail: str) -> ValidationFailed:
    return ValidationFailed("The cursor cannot be used.", errors=[FieldError("/cursor", detail)])
