"""Members of one object of which one names what another holds, in text: change logs, forms, environments, XML tags.

    {"field": "password", "from": "hunter2", "to": "hunter3"}      - name: PASSWORD
field=password old=hunter2 new=hunter3                           value: hunter2
    <add key="password" value="hunter2"/>
"""

import re
from collections.abc import Iterator

from .name_rules import NAMING, VALUE, WEAK_VALUE, Rules
from .patterns import Pattern
from .syntax import Syntax, Value

_BEFORE = 120  # bytes before a name that hold what names it: `"path": ["users", 0, "`
_NAMED = Pattern(
    rb"(?:\A|[\s{,<(\[;&|\"'`])([A-Za-z_-]{2,20})(?:[\"'`])?\s{0,8}(=>|[:=])\s{0,8}"
    rb"(?:\[\s{0,8}(?:(?:[\w.-]+|[\"'][^\"'\[\]]{0,60}[\"']),\s{0,8}){0,6})?(?:[\"'`])?(?:[/\w.#-]*[/.])?\Z"
)
_MEMBER = Pattern(rb"(?<![\w-])(?:[\"'`])?([A-Za-z_-]{2,20})(?:[\"'`])?\s{0,8}(=>|[:=])\s{0,8}")
_SKIPPED = Pattern(rb"[^{\[(\"'`\w]++|\w++")
_TAG_CONTENT = Pattern(rb"\s*+([^<>]*+)</")
_NEXT_ELEMENT = Pattern(rb"\s*</[\w:.-]+>\s*<([\w:.-]+)(?:\s[^<>]*)?>([^<]*)</")
_CELLS = (b"td", b"dd", b"string", b"str", b"data")
_MOST_OBJECTS = 64  # that are looked at around a name
_FAR = 64 * 1024
_TAG = 2_000
_LINES = 4_000


class Members:
    """Finds the values that a name in one text is the name of."""

    def __init__(self, syntax: Syntax, rules: Rules) -> None:
        self._syntax, self._rules, self._text = syntax, rules, syntax.text
        self._ends: dict[int, int | None] = {}
        self._read_to: dict[str, int] = {}
        self._read: set[tuple[int, str]] = set()

    def named_by(self, start: int, end: int, kind: str) -> Iterator[tuple[Value, bytes]]:
        """The values that a name is the name of, and the quote that a value without quotes needs."""
        text = self._text
        if text[start - 1 : start] == b">" and (element := _NEXT_ELEMENT.match(text, end)):
            if self._role(element[1]) & (VALUE | WEAK_VALUE) or element[1].lower() in _CELLS:
                yield Value(element.start(2), element.end(2), "quoted"), b""
            return
        before = text[max(0, start - _BEFORE) : start]
        if before.rstrip(b" \t")[-1:] not in b"\"'`/.[=:#,":
            return
        named = _NAMED.search(before)
        if named is None or not self._role(named[1]) & NAMING:
            return
        if (tag := self._tag(start)) is not None:
            yield from self._in_tag(*tag)
            return
        found = False
        if (opening := self._object(start)) is not None:
            for found_value in self._in_object(opening, kind):
                found = True
                yield found_value
        if not found:
            yield from self._in_lines(start, kind, max(0, start - _BEFORE) + named.start(1))

    def _role(self, name: bytes) -> int:
        rule = self._rules[name.decode(errors="ignore")]
        return rule.role if rule else 0

    def _tag(self, at: int) -> tuple[int, int] | None:
        """The XML tag around a place."""
        text = self._text
        start = text.rfind(b"<", max(0, at - _TAG), at)
        if start < 0 or text.find(b">", start, at) >= 0 or not text[start + 1 : start + 2].isalpha():
            return None
        end = text.find(b">", at, at + _TAG)
        return (start, end) if end >= 0 else None

    def _in_tag(self, start: int, end: int) -> Iterator[tuple[Value, bytes]]:
        text = self._text
        for member in _MEMBER.finditer(text, start, end):
            if self._role(member[1]) & (VALUE | WEAK_VALUE):
                yield self._syntax.value_at(member.end()), b""
        if text[end - 1 : end] != b"/" and (content := _TAG_CONTENT.match(text, end + 1)) and content[1]:
            yield Value(content.start(1), content.start(1) + len(content[1].rstrip()), "quoted"), b""

    def _object(self, at: int) -> int | None:
        """Where the object around a place opens."""
        text, opening = self._text, at
        lowest = max(0, at - _FAR)
        for _ in range(_MOST_OBJECTS):
            opening = text.rfind(b"{", lowest, opening)
            if opening < 0:
                return None
            if opening not in self._ends:
                self._ends[opening] = self._syntax.closing(opening)
            end = self._ends[opening]
            if end is None or end > at:
                return opening
        return None

    def _in_object(self, opening: int, kind: str) -> Iterator[tuple[Value, bytes]]:
        """The values among an object's own members."""
        text, at = self._text, opening + 1
        end = self._ends[opening] or min(len(text), opening + _FAR)
        if not self._may_read(opening, end, kind):
            return
        while at < end and text[at : at + 1] != b"}":
            member = _MEMBER.match(text, at)
            if member is None:
                skipped = _SKIPPED.match(text, at)
                if skipped is None:
                    value = self._syntax.value_at(at)
                at = skipped.end() if skipped else max(at + 1, value.after or value.end)
                continue
            value = self._syntax.value_at(member.end(), to_end=True)
            if self._role(member[1]) & (VALUE | WEAK_VALUE):
                yield value, _quote_of(member[0])
            at = max(member.end(), value.after or value.end)

    def _in_lines(self, start: int, kind: str, key: int) -> Iterator[tuple[Value, bytes]]:
        """The values on the same line, and on the lines around it that are indented as it is."""
        text = self._text
        if start < self._read_to.get(kind, 0):
            return
        first = text.rfind(b"\n", max(0, start - _LINES), start) + 1 or max(0, start - _LINES)
        first = max(first, text.rfind(b'"', first, key) + 1)  # the lines may stand in a string of JSON
        last = self._syntax.line_end(start, most=_LINES)
        column = _column(text[first:start])
        low, high = max(0, first - _LINES), min(len(text), last + _LINES)
        while first > low and text[first : first + 200].lstrip(b" \t")[:2] != b"- ":
            before = text.rfind(b"\n", low, first - 1) + 1
            if not self._same(text[before : first - 1], column):
                break
            first = before
        while last < high:
            line = text[last + 1 : self._syntax.line_end(last + 1, most=_LINES)]
            if not self._same(line, column) or line.lstrip()[:2] == b"- ":
                break
            last += 1 + len(line)
        self._read_to[kind] = last
        for member in _MEMBER.finditer(text, first, last):
            if self._role(member[1]) & (VALUE | WEAK_VALUE):
                yield self._syntax.value_at(member.end()), b""

    def _may_read(self, start: int, end: int, kind: str) -> bool:
        """Whether members are to be read for names of a kind: once, and within what may be read of a text."""
        if (start, kind) in self._read or not self._syntax.spend(end - start):
            return False
        self._read.add((start, kind))
        return True

    def _same(self, line: bytes, column: int) -> bool:
        return bool(line.strip()) and _column(line) == column


def _column(line: bytes) -> int:
    """Where a line's text begins, behind the dash of a list."""
    return len(line) - len(line.lstrip(b" \t-"))


def _quote_of(member: bytes) -> bytes:
    quote = re.match(rb"[\"'`]", member)
    return quote[0] if quote else b""
