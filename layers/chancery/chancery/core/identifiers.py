"""Identifiers of records."""

from hashlib import sha256

from ulid import ULID


def new_ref_id() -> str:
    """A fresh ULID: 26 characters of Crockford base32, sorting by the time it was made."""
    return str(ULID())


def ref_id_of(milliseconds: int, source: str) -> str:
    """The ULID of a source, always the same one, that sorts by a time in milliseconds since 1970."""
    return str(ULID(milliseconds.to_bytes(6) + sha256(source.encode()).digest()[:10]))
