"""The RFC 8785 canonical form of a JSON value, on which every digest rests."""

from typing import Any

import orjson
import rfc8785

from chancery.core.formats.json_limits import is_exact


def canonicalize(value: Any, *, exact: bool = False) -> bytes:
    """RFC 8785 bytes of a JSON value (dict, list, str, int within ±(2^53-1), float, bool, None).

    `exact`: the caller knows that `is_exact(value)`.

    orjson's sorted output is the same, byte for byte, where there is no float and every key is ASCII: it escapes only
    what section 3.2.2.2 escapes, and sorting bytes is then sorting UTF-16 units. Everything else takes the library.
    Raises ValueError where the value has no canonical form.
    """
    if exact or is_exact(value):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(value)
