"""Repairs mojibake: UTF-8 that was read as another encoding, and written again.

`âœ… Active` was `✅ Active`. ftfy repairs what can be computed back. The table has what was lost on the way: bytes
that the other encoding does not have, and characters that a console replaced by similar ones.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

# From emoji as words of their own: in the middle of a word these letters may be anything.
_LOST: Mapping[str, str] = {
    "ï¿½o.": "✅",
    "\N{REPLACEMENT CHARACTER}o.": "✅",
    "dYs?": "🚀",
    "âŒ": "❌",
    "âš\N{NO-BREAK SPACE}ï¸": "⚠️",  # noqa: RUF001
    "âš ï¸": "⚠️",  # noqa: RUF001
}
_LOST_WORDS = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, _LOST))})(?!\S)")


class Repaired(NamedTuple):
    """A value after the repair. `marks`: `repaired` where a text was changed, `unrepaired` where one stays damaged."""

    value: Any
    marks: frozenset[str]


def repaired(value: Any) -> Repaired:
    """A JSON value with its texts repaired; names of members stay as they are.

    A text that cannot be repaired stays as it is. Half a surrogate pair, which no JSON reader takes, becomes U+FFFD.
    """
    marks: set[str] = set()
    return Repaired(_walk(value, marks), frozenset(marks))


def decoded(data: bytes) -> Repaired:
    """The text of bytes that should be UTF-8, else of Windows-1252, with every byte that this does not have."""
    try:
        return Repaired(data.decode(), frozenset())
    except UnicodeDecodeError:
        import ftfy  # noqa: F401 (has the codec)

        return Repaired(data.decode("sloppy-windows-1252"), frozenset(("repaired",)))


def _walk(value: Any, marks: set[str]) -> Any:
    if isinstance(value, str):
        if value.isascii() and "dYs?" not in value:
            return value
        text, mark = _repaired_text(value)
        if mark:
            marks.add(mark)
        return text
    if isinstance(value, dict):
        return {_encodable(name): _walk(item, marks) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, marks) for item in value]
    return value


@lru_cache(4096)  # loggers repeat their messages
def _repaired_text(text: str) -> tuple[str, str | None]:
    import ftfy
    from ftfy.badness import is_bad

    valid = _encodable(text)
    clean = ftfy.fix_encoding(_LOST_WORDS.sub(lambda found: _LOST[found[0]], valid))
    if "\N{REPLACEMENT CHARACTER}" in clean or is_bad(clean):
        return valid, "unrepaired"
    return clean, None if clean == text else "repaired"


def _encodable(text: str) -> str:
    """The text with U+FFFD in place of halves of surrogate pairs."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
