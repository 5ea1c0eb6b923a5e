"""The RFC 8785 canonical form of a JSON value, on which every digest rests."""

from typing import Any

import orjson
import rfc8785

from chancery.core.formats.json_limits import is_exact


def canonicalize_exact(value: Any) -> bytes:
    """RFC 8785 bytes of a value of which `is_exact` is known."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def canonicalize(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value (dict, list, str, int within ±(2^53-1), float, bool, None).

    orjson's sorted output is the same, byte for byte, where there is no float and every key is ASCII: it escapes only
    what section 3.2.2.2 escapes, and sorting bytes is then sorting UTF-16 units. Everything else takes the library.
    Raises ValueError where the value has no canonical form.
    """
    return canonicalize_exact(value) if is_exact(value) else rfc8785.dumps(value)
