"""Identifiers of records.

`python-ulid` is imported with the first ULID, since most requests make none: it reads its own version by way of the
e-mail parser (7 ms).
"""

import re
import unicodedata
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from chancery.core.redaction import redact_text

if TYPE_CHECKING:
    from ulid import ULID

IP_ADDRESS = r"^[0-9A-Fa-f:.]{2,45}(%[0-9A-Za-z_.-]+)?$"  # as it is written, with a zone (RFC 4007)
MAX_IDENTIFIER = 255  # characters: as long as the `sub` of a token (OpenID Connect Core section 2)
RESERVED_TENANTS = frozenset(("null", "global", "platform", "*"))  # Chancery's own words where a tenant is named
OWN_SUBJECT = "chancery"  # who does what no caller does: sends managed calls, and writes their exchanges
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
# Control characters, spaces but for U+0020, line separators, Unicode's Default_Ignorable_Code_Point (among them all
# that change the direction of text), the blank Braille pattern, and halves of surrogate pairs.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class OwnEventId(StrEnum):
    """Prefixes of the ids of Chancery's own audit events, which it refuses from everybody else."""

    IDEMPOTENCY = "idempotency-"
    CONTRACT_ISSUED = "contract-issued-"
    TEMPLATE_PUBLISHED = "contract-template-published-"
    DESTINATION_NOTICE = "destination-notice-"


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
    """As `ref_id_of`, of an item of a source (`place` below 2^20): the items sort by their places."""
    return _time_text(milliseconds) + _source_text(source) + _PAIRS[place >> 10] + _PAIRS[place & 1023]


def ref_id_of_name(source: str) -> str:
    """The ULID of a source, always the same one, whose place in the order says nothing."""
    return _text(sha256(source.encode()).digest()[:16])


def ref_id_before(ref_id: str, milliseconds: int) -> str:
    """The first ULID of the time that lies so many milliseconds before that of a ULID; of 1970 at the earliest."""
    from ulid import ULID

    return str(ULID(max(ULID.from_str(ref_id).milliseconds - milliseconds, 0).to_bytes(6) + bytes(10)))


def _text(ulid: bytes) -> str:
    """The 26 characters of the 16 bytes of a ULID: 10 of its time, 16 of the rest."""
    return _digits(int.from_bytes(ulid), 26)


@lru_cache(maxsize=64)
def _time_text(milliseconds: int) -> str:
    """The 10 characters of a time. The items of a batch have few times."""
    return _digits(milliseconds, 10)


@lru_cache(maxsize=4)
def _source_text(source: str) -> str:
    """12 characters (60 bits) of a source."""
    return _digits(int.from_bytes(sha256(source.encode()).digest()[:8]) >> 4, 12)


def _digits(value: int, count: int) -> str:
    """A number in an even number of digits."""
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(5 * count - 10, -1, -10)])


def composed(text: str) -> str:
    """The text in NFC, the form in which identifiers are stored and compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_hidden(text: str) -> str:
    """An identifier in NFC. Raises ValueError for a character by which it would differ from one that looks the same."""
    if text.isascii():  # for control characters, which are ASCII too, the field has a pattern
        return text
    if HIDDEN.search(text):
        raise ValueError("must not have characters that cannot be seen, or that change the direction of text")
    return unicodedata.normalize("NFC", text)


def identifier_of(value: object) -> str:
    """An identifier of a token or a header, in NFC: of whom something is, or who did it.

    Raises ValueError unless it is text of 1 to 255 characters that can all be seen, with no credential and no card.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_IDENTIFIER:
        raise ValueError(f"must be 1 to {MAX_IDENTIFIER} characters")
    if HIDDEN.search(value):
        raise ValueError("must not have characters that cannot be seen, or that change the direction of text")
    if redact_text(value) != value:
        raise ValueError("holds what looks like a credential or a card number")
    return composed(value)


def is_identifier(value: object) -> bool:
    """Whether `identifier_of` accepts a value."""
    try:
        identifier_of(value)
    except ValueError:
        return False
    return True


def tenant_folder(tenant_id: str | None) -> str:
    """A tenant's name in S3 keys, URLs and checkpoint origins, and no other tenant's; None is the platform."""
    if tenant_id is None:
        return "platform"
    if _PLAIN.fullmatch(tenant_id):
        return f"tenant-{tenant_id}"
    return f"tenant~{sha256(tenant_id.encode()).hexdigest()}"
