"""Counts of words and characters in what agents write; a model's own counts are replaced.

A *word* is a run of letters and digits in any script, with apostrophes and hyphens inside of it; scripts that put no
spaces between words count each character (Han, Kana) or each run (Thai, Lao, Khmer, Burmese). Markup is none.
A *character* is a Unicode code point of the text in NFC. What platforms do beyond that (X weighs links) is theirs.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

_ALONE = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+(?:['\u2019\u2011-][^\W_{_ALONE}]+)*")


def words(text: str) -> int:
    """How many words a text has."""
    silent = {ord(char): None for char in set(text) if not char.isascii() and _is_silent(char)}
    return sum(1 for _ in _WORD.finditer(text.translate(silent) if silent else text))


def characters(text: str) -> int:
    """How many characters a text has."""
    return len(unicodedata.normalize("NFC", text))


def platform_counts(content: str, platforms: Mapping[str, Any]) -> dict[str, int]:
    """The characters of each platform's text: its longest where the content is JSON that names the platform, else all.

    It is found as `{"x": "..."}` or `{"x": {...}}` or `{"platform": "x", ...}`, at any depth.
    """
    parsed = _json(content) if platforms else None
    counts = {}
    for platform in platforms:
        texts = [text for found in _of_platform(parsed, platform) for text in _texts(found)]
        counts[platform] = max(map(characters, texts)) if texts else characters(content)
    return counts


def _is_silent(char: str) -> bool:
    """Accents, vowel signs, joiners, soft hyphens: parts of a word that are no letters."""
    category = unicodedata.category(char)
    return category[0] == "M" or category == "Cf"


def _json(content: str) -> Any:
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _of_platform(value: Any, platform: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if value.get("platform") == platform:
            yield {name: item for name, item in value.items() if name != "platform"}
        for name, item in value.items():
            if name == platform:
                yield item
            else:
                yield from _of_platform(item, platform)
    elif isinstance(value, list):
        for item in value:
            yield from _of_platform(item, platform)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))
