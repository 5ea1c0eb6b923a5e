"""Code in Markdown: fenced blocks and spans between backticks (CommonMark 4.5 and 6.1), not indented blocks."""

import re
from collections.abc import Callable, Iterator

_FENCED = r"^ {0,3}(?P<fence>```+(?=[^`\n]*$)|~~~+)[^\n]*\n(?s:.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
_MARKS = re.compile(rf"{_FENCED}|(?P<ticks>(?<!\\)`+)|\n[ \t]*\n", re.MULTILINE)


def with_code(text: str, change: Callable[[str], str]) -> str:
    """The text with its code changed by a function."""
    if "`" not in text and "~~~" not in text:
        return text
    parts, at = list[str](), 0
    for start, end in _places(text):
        parts += (text[at:start], change(text[start:end]))
        at = end
    return "".join((*parts, text[at:]))


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Slices of code: a run of backticks up to the next run of its length in the paragraph, and fenced blocks."""
    marks = list(_MARKS.finditer(text))
    closing, later = dict[int, re.Match[str]](), dict[int, re.Match[str]]()
    for mark in reversed(marks):
        ticks = mark["ticks"]
        if ticks is None:
            later.clear()
        else:
            if len(ticks) in later:
                closing[mark.start()] = later[len(ticks)]
            later[len(ticks)] = mark
    at = 0
    for mark in marks:
        if mark.start() < at:
            continue
        if mark["fence"]:
            at = mark.end()
            yield mark.span()
        elif mark["ticks"] and (close := closing.get(mark.start())):
            at = close.end()
            yield mark.start(), at
