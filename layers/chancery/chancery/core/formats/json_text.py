"""Reads JSON from outside, where other readers disagree: keys given twice, halves of surrogate pairs.

RFC 8259 sections 4, 8.1 and 8.2: a key that is given twice in an object is refused, half a surrogate pair is read as
U+FFFD, a byte order mark is ignored. NaN and numbers that overflow a double are no JSON.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.formats.json_limits import reference

_BOM = b"\xef\xbb\xbf"
_MOST_ERRORS = 100
# Text up to half a surrogate pair, or to the end; possessive, so that each byte is looked at once.
_UP_TO_HALF = re.compile(
    rb"((?:[^\\]++|\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?!u[dD][89a-fA-F][0-9a-fA-F]{2}))*+)"
    rb"(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\Z)"
)
type _Path = tuple[_Path, str] | None  # the names and positions that lead to a value, the last one first


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text in UTF-8. Raises ValidationFailed with the place of each mistake, never the text."""
    value, text = _parsed(text)
    if _may_repeat_keys(value, text) and (repeated := list(islice(_repeated_keys(text), _MOST_ERRORS))):
        raise ValidationFailed("The JSON cannot be read.", errors=repeated)
    return value


def read_json_leniently(text: bytes | str) -> Any:
    """As `read_json`, with the last value of a key that is given twice."""
    return _parsed(text)[0]


def _parsed(text: bytes | str) -> tuple[Any, bytes | str]:
    """The value of a text, and the text that it was read from. Raises ValidationFailed."""
    try:
        return orjson.loads(text), text
    except orjson.JSONDecodeError:
        text = _repaired(text)
    try:
        return orjson.loads(text), text
    except orjson.JSONDecodeError as exc:
        error = FieldError("", f"is not valid JSON in UTF-8 (line {exc.lineno}, column {exc.colno})")
        raise ValidationFailed("The JSON cannot be read.", errors=[error]) from None


def _repaired(text: bytes | str) -> bytes:
    """The text without a byte order mark, and with U+FFFD in place of halves of surrogate pairs."""
    if isinstance(text, str):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    text = text.removeprefix(_BOM)
    if b"\\ud" not in text and b"\\uD" not in text:
        return text
    return _UP_TO_HALF.sub(lambda found: found[1] + (b"\\ufffd" if found[2] else b""), text)


def _may_repeat_keys(value: Any, text: bytes | str) -> bool:
    """False promises that no key is given twice.

    Each member has a colon, and orjson, which drops the earlier of two members with the same key, escapes none: so a
    text without escaped colons has more of them than the serialized value has. It takes 2 µs an event.
    """
    try:
        serialized = orjson.dumps(value)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return True
    if isinstance(text, str):
        return serialized.count(b":") != text.count(":") or "\\u003" in text
    return serialized.count(b":") != text.count(b":") or b"\\u003" in text


def _repeated_keys(text: bytes | str) -> Iterator[FieldError]:
    """An error for each key that is given twice, in any order. Without recursion: orjson reads 1024 levels."""
    left: list[tuple[_Path, Any]] = [(None, json.loads(text, object_pairs_hook=tuple))]
    while left:
        path, value = left.pop()
        if type(value) is tuple:  # an object, as its members
            names = set[str]()
            for name, item in value:
                if name in names:
                    yield FieldError(_pointer((path, name)), "is given twice in one object; give it once")
                names.add(name)
                left.append(((path, name), item))
        elif type(value) is list:
            left += [((path, str(index)), item) for index, item in enumerate(value)]


def _pointer(path: _Path) -> str:
    """The RFC 6901 pointer of a path, without the names in it that are credentials."""
    tokens = []
    while path is not None:
        path, name = path
        tokens.append(f"/{reference(name)}")
    return "".join(reversed(tokens))
