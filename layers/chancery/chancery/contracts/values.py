"""Values of placeholders: what is digested, and what is shown of them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from hashlib import sha256

from chancery.core.canonical import canonicalize

# The house style isolates a value's direction from what is around it; these could break out.
_STEERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Scripts written without spaces break anywhere, and joined letters nowhere; the others after so many characters.
_UNBROKEN = re.compile(r"[!-~\u00a1-\u058f]{45,}")
_PIECE = re.compile(r".{8}(?=.)")
_LANGUAGES = (
    ("ja", re.compile("[\u3040-\u30ff\u31f0-\u31ff]")),
    ("ko", re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
)


def digest(values: Mapping[str, str]) -> str:
    """Hex SHA-256 of the values' RFC 8785 form."""
    return sha256(canonicalize(dict(values))).hexdigest()


def private(value: str) -> list[str]:
    """Characters of private use: each font shows something else for them."""
    return sorted({char for char in value if unicodedata.category(char) == "Co"})


def named(characters: Iterable[str]) -> str:
    """Characters by code point and name: `U+0041 LATIN CAPITAL LETTER A`."""
    return ", ".join(f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip() for char in characters)


def shown(value: str) -> dict[str, str | None]:
    """`{text, lang}` as the document shows a value: on one line, and breakable where it is long.

    Control characters become spaces and characters that steer the direction go; everything else stays. `lang` chooses
    between the Chinese, Japanese and Korean form of a character.
    """
    plain = _STEERING.sub("", value)
    line = " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in plain).split())
    breakable = _UNBROKEN.sub(lambda run: _PIECE.sub(lambda piece: piece[0] + "\u200b", run[0]), line)
    language = next((name for name, letters in _LANGUAGES if letters.search(value)), None)
    return {"text": breakable, "lang": language}
