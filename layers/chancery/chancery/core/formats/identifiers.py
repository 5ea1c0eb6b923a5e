"""Identifiers of records.

`python-ulid` is imported with the first ULID, since most requests make none: it reads its own version by way of the
e-mail parser (7 ms).
"""

import re
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from chancery.core.redaction import redact_text

if TYPE_CHECKING:
    from ulid import ULID

IP_ADDRESS = r"^[0-9A-Fa-f:.]{2,45}(%[0-9A-Za-z_.-]+)?$"  # as it is written, with a zone (RFC 4007)
MAX_IDENTIFIER = 255  # characters: as long as the `sub` of a token (OpenID Connect Core section 2)
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_SHIFTS = range(120, -1, -10)


def new_ref_id() -> str:
    """A fresh ULID: 26 characters that sort in the order in which this process made them."""
    return _text(_ulid()().bytes)


@cache
def _ulid() -> "type[ULID]":
    from ulid import ULID

    return ULID


def ref_id_of(milliseconds: int, source: str) -> str:
    """The ULID of a source, always the same one, that sorts by a time in milliseconds since 1970."""
    return _text(milliseconds.to_bytes(6) + sha256(source.encode()).digest()[:10])


def ref_id_of_item(milliseconds: int, source: str, place: int) -> str:
    """As `ref_id_of`, of an item of a source (`place` below 65,536): the items sort by their places."""
    return _text(milliseconds.to_bytes(6) + sha256(source.encode()).digest()[:8] + place.to_bytes(2))


def ref_id_of_name(source: str) -> str:
    """The ULID of a source, always the same one, whose place in the order says nothing."""
    return _text(sha256(source.encode()).digest()[:16])


def ref_id_before(ref_id: str, milliseconds: int) -> str:
    """The first ULID of the time that lies so many milliseconds before that of a ULID; of 1970 at the earliest."""
    from ulid import ULID

    return str(ULID(max(ULID.from_str(ref_id).milliseconds - milliseconds, 0).to_bytes(6) + bytes(10)))


def _text(ulid: bytes) -> str:
    """The 26 characters of the 16 bytes of a ULID."""
    value = int.from_bytes(ulid)
    return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])


def is_identifier(value: object) -> bool:
    """Whether a value may be stored as whose something is, or who did it: printable, no credential, no card."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_IDENTIFIER:
        return False
    return value.isprintable() and redact_text(value) == value


def tenant_folder(tenant_id: str | None) -> str:
    """A tenant's name in S3 keys, URLs and checkpoint origins, and no other tenant's; None is the platform."""
    if tenant_id is None:
        return "platform"
    if _PLAIN.fullmatch(tenant_id):
        return f"tenant-{tenant_id}"
    return f"tenant~{sha256(tenant_id.encode()).hexdigest()}"
