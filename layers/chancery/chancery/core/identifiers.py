"""Identifiers of records."""

from ulid import ULID


def new_ref_id() -> str:
    """A fresh ULID: 26 characters of Crockford base32, sorting by the time it was made."""
    return str(ULID())
