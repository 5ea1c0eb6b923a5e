"""Values of placeholders: their digest, the values that are refused, and how a document typesets one."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from chancery.core.documents import refusal_of
from chancery.core.formats.canonical_json import canonicalize
from chancery.core.redaction import Detector

# The house style isolates a value's direction from the surrounding text; these could break out.
_STEERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Lines break at spaces only in scripts from Latin to Sinhala, and between words that a dictionary knows in those of
# South-East Asia; in others anywhere. Where there is neither for so long, breaks have to be made.
_UNBROKEN = re.compile(r"[!-~\u00a1-\u0dff\u1e00-\u200d]{45,}|[\u0e00-\u109f\u1780-\u17ff]{150,}")
_PIECE, _MAY_BREAK, _VIRAMA = 8, "\u200b", 9
_LANGUAGES = (
    ("ja", re.compile("[\u3040-\u30ff\u31f0-\u31ff]")),
    ("ko", re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
)


def digest(values: Mapping[str, str]) -> str:
    """Hex SHA-256 of the values' RFC 8785 form."""
    return sha256(canonicalize(dict(values))).hexdigest()


def refusal(value: str, using: Detector) -> str | None:
    """Why a contract cannot have a value, if so; `using`: its tenant's."""
    kinds = {unicodedata.category(char)[0] for char in value}
    if kinds <= {"C", "Z"} and not _private(value):
        return "has nothing that can be seen"
    if using.kinds(value):
        return refusal_of(value, using)
    if found := _private(value):
        return f"has characters of private use, which mean nothing to others: {named(found)}"
    return None


def _private(value: str) -> list[str]:
    """Characters of private use: each font has other glyphs for them."""
    return sorted({char for char in value if unicodedata.category(char) == "Co"})


def named(characters: Iterable[str]) -> str:
    """Characters by code point and name: `U+0041 LATIN CAPITAL LETTER A`."""
    return ", ".join(f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip() for char in characters)


def typeset_value(value: str) -> dict[str, str | None]:
    """`{text, lang}` of a value in the document: on one line, and breakable where it is long.

    Control characters become spaces and characters that steer the direction go; everything else stays. `lang` chooses
    between the Chinese, Japanese and Korean form of a character.
    """
    line = on_one_line(_STEERING.sub("", value))
    breakable = _UNBROKEN.sub(lambda run: "".join(_with_breaks(run[0])), line)
    language = next((name for name, letters in _LANGUAGES if letters.search(value)), None)
    return {"text": breakable, "lang": language}


def on_one_line(value: str) -> str:
    """The value with one space in place of control characters and runs of white space."""
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in value).split())


def _with_breaks(word: str) -> Iterator[str]:
    """The word with a break allowed after each eight characters, never before a mark or within a conjunct."""
    since, before = 0, ""
    for char in word:
        whole = unicodedata.category(char)[0] not in "MC" and before != "\u200d"
        if since >= _PIECE and whole and not (before and unicodedata.combining(before) == _VIRAMA):
            yield _MAY_BREAK
            since = 0
        yield char
        since, before = since + 1, char
