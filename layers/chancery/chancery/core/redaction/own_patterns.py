"""A tenant's own patterns, by RE2: no pattern is slow on any text.

Syntax: https://github.com/google/re2/wiki/Syntax. `re2` is imported where a tenant has patterns, and nowhere else.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .layout_patterns import MARKER
from .name_rules import REDACTED
from .pairs import Edit
from .text_engine import OWN_PATTERN

_MAX_MEMORY = 4 * 1024 * 1024  # bytes of one compiled pattern; RE2 searches without its cache where it needs more
_MAX_PROGRAM = 5_000  # instructions
_SAMPLES = (b"", b"a", b"0", b"a a", b"a-0\n", REDACTED.encode())
_LOOK_AROUND = ("(?=", "(?!", "(?<")
_BACK_REFERENCE = re.compile(r"invalid escape sequence: \\[1-9]|\(\?P[=>]|\\[gk]")


class UnfitPattern(ValueError):
    """A pattern that cannot be used; the text says why, and holds nothing of the pattern."""


def compiled(source: str) -> Any:
    """The pattern, for bytes in UTF-8. Raises UnfitPattern."""
    pattern = _compiled(source.encode(errors="surrogatepass"))
    if pattern.programsize > _MAX_PROGRAM:
        raise UnfitPattern("is too large when it is compiled; use smaller repetitions and fewer alternatives")
    if any(match.start() == match.end() for sample in _SAMPLES for match in pattern.finditer(sample)):
        raise UnfitPattern("matches the empty string; say what it must hold")
    return pattern


def _compiled(source: bytes) -> Any:
    import re2

    options = re2.Options()
    options.max_mem, options.log_errors, options.never_capture = _MAX_MEMORY, False, True
    try:
        return re2.compile(source, options)
    except re2.error as exc:
        text = exc.args[0].decode(errors="replace") if isinstance(exc.args[0], bytes) else str(exc)
    raise UnfitPattern(_reason(text))


def _reason(error: str) -> str:
    """Why RE2 refuses a pattern. Its own text ends with a piece of the pattern, which is left out."""
    if any(operator in error for operator in _LOOK_AROUND):
        return "has a look-around, which RE2 does not support"
    if _BACK_REFERENCE.search(error):
        return "has a back-reference, which RE2 does not support"
    if "too large" in error or "repetition size" in error:
        return "is too large when it is compiled; use smaller repetitions and fewer alternatives"
    return f"is no regular expression in RE2's syntax: {error.partition(':')[0]}"


def _any_of(sources: Collection[str]) -> Any:
    """One pattern that matches where one of several does, as a prefilter; None where there is no need, or no way."""
    if len(sources) < 2 or any("\\Q" in source for source in sources):  # a quotation would go on into the next one
        return None
    try:
        return _compiled("|".join(f"(?:{source})" for source in sources).encode(errors="surrogatepass"))
    except UnfitPattern:
        return None


class OwnPatterns:
    """Finds what a tenant's patterns match: kind `own pattern: <name>`."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = [(f"{OWN_PATTERN}: {name}", compiled(source)) for name, source in patterns.items()]
        self._any = _any_of(patterns.values())

    def __call__(self, text: bytes) -> Iterator[Edit]:
        """What the patterns match. Matches inside of `[REDACTED]` do not count: redacting twice changes nothing."""
        if self._any and not self._any.search(text):
            return
        markers: list[int] | None = None
        for kind, pattern in self._patterns:
            for match in pattern.finditer(text):
                if markers is None:
                    markers = [found.start() for found in re.finditer(re.escape(MARKER), text)]
                start, end = match.span()
                if span := _around(text, start, end, markers):
                    yield Edit(*span, MARKER, kind)


def _around(text: bytes, start: int, end: int, markers: list[int]) -> tuple[int, int] | None:
    """The match with the whole of each character and marker that it touches; None for a piece of a marker."""
    while start and text[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    for marker in markers:
        behind = marker + len(MARKER)
        if marker <= start and end <= behind:
            return None
        if marker < end and start < behind:
            start, end = min(start, marker), max(end, behind)
    return (start, end) if start < end else None
