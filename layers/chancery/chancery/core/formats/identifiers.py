"""Identifiers of records: ULIDs of 48 bits for milliseconds since 1970 and 80 random bits, in Crockford's base32.

Source: the ULID specification (github.com/ulid/spec).
"""

import os
import re
import time
from hashlib import sha256
from itertools import product
from threading import Lock

from chancery.core.redaction import redact_text

IP_ADDRESS = r"^[0-9A-Fa-f:.]{2,45}(%[0-9A-Za-z_.-]+)?$"  # as it is written, with a zone (RFC 4007)
MAX_IDENTIFIER = 255  # characters: as long as the `sub` of a token (OpenID Connect Core section 2)
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = ["".join(pair) for pair in product(_CROCKFORD, repeat=2)]  # two characters, so ten bits, at a time
_DIGITS = str.maketrans(_CROCKFORD, "0123456789abcdefghijklmnopqrstuv")  # those that `int` reads in base 32
_making, _newest = Lock(), 0


def new_ref_id() -> str:
    """A fresh ULID: 26 characters that sort in the order in which this process made them."""
    global _newest
    with _making:
        fresh = _fresh()
        _newest = _newest + 1 if fresh >> 80 == _newest >> 80 else fresh
        return _ulid(_newest)


def new_event_id() -> str:
    """A fresh ULID made without a lock, so by a signal handler or a finaliser too; unordered within a millisecond."""
    return _ulid(_fresh())


def ref_id_of(milliseconds: int, source: str) -> str:
    """The ULID of a source, always the same one, that sorts by a time in milliseconds since 1970."""
    return _ulid(milliseconds << 80 | int.from_bytes(sha256(source.encode()).digest()[:10]))


def ref_id_before(ref_id: str, milliseconds: int) -> str:
    """The first ULID of the time that lies so many milliseconds before that of a ULID; of 1970 at the earliest."""
    made = int(ref_id[:10].translate(_DIGITS), 32)
    return _ulid(max(made - milliseconds, 0) << 80)


def _fresh() -> int:
    return (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))


def _ulid(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


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
