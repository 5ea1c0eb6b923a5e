"""Where a value ends: quotations, groups, calls and bare words, also where a text was escaped once or more.

    b'hunter2'   ['a', 'b']   SecretStr('hunter2')   hunter2&x=1   \\"hunter2\\"

Nothing here knows of secrets. Where an end is missing, the value is the rest of the line, or of the text.
"""

import re
import sys
from functools import cache
from typing import NamedTuple

from .patterns import Pattern

_LITERAL = Pattern(rb"(?:[bBrRuUfFlL]{1,2}|@\$?|\$@?)?(\"\"\"|'''|[\"'`])")
_TOKEN = Pattern(rb"\\.|([\"'`])|[\[\](){}]", re.DOTALL)
_CONCATENATED = Pattern(  # `"a" "b"`, `"a" + "b"`, also on the next line
    rb"[ \t]*+(?:[+.&][ \t]*+(?:\r?\n[ \t]*+)?|\\[ \t]*+\r?\n[ \t]*+)(?=(?:[bBrRuUfFlL]{1,2})?[\"'`])"
    rb"|(?<=([\"'`]))[ \t]++(?=[bBrRuUfFlL]{0,2}\1)"
)
_CALL = Pattern(
    rb"(?:(?:new|await|return|yield|lazy|!|&|\*)[ \t]*+)*+[A-Za-z_$][\w.$:>!-]*+(?:<[^<>\n]{0,80}>)?[ \t]?([(\[{])"
)
_NO_TAG = rb"<(?!/[A-Za-z]|!--|[A-Za-z][A-Za-z0-9-]{0,20}(?:[\s>]|/>))"
_BARE = (
    rb"(?:[^\s,;&\"'`<\\]"
    rb"|[,;&](?!\s|\Z|\\*[\"'`]|[)\]}]|[\w.%%\[\]-]{1,60}+%s)"  # a pair, a blank or an end may follow: not part of it
    rb"|\\*[\"'`](?![\s,;)\]}>&\\]|\Z)"
    rb"|" + _NO_TAG + rb"|\\++(?![nrt\"'`\\]))++"
)
_BARE_BEFORE = {sign: Pattern(_BARE % sign) for sign in (b"=", b":")}  # of what pair may follow
_PARAMETER = Pattern(rb"(?:[^\s&#\"'`<>\\]|[\"'`>](?![\s,;)\]}>&\\]|\Z)|" + _NO_TAG + rb")++")
# A line ends at its break, escaped or not, and with the quotation that it stands in: `{"a": "Cookie: b=1", "c": 2}`.
_LINE = Pattern(
    rb"(?:[^\r\n\\\"]|\\++(?![rn\"])|\\*+\"(?!\s*(?:[,}\]]|:[ \t\"{\[0-9tfn-]|\Z))(?:[^\r\n\\\"]*+\\*+\")?)*+"
)
_MOST_LITERALS = 100
_MOST_INDENT = 200
_MANY_LINES = 4096  # bytes in which a quotation may end that its own line does not
_MOST_READ = 4  # times that a text's bytes are read in search of ends; then a value is all that remains
_LEAST_READ = 100_000
_CLOSING = {b"[": b"]", b"(": b")", b"{": b"}"}
_OPENING = {closed: opened for opened, closed in _CLOSING.items()}


_REST_OF_QUOTATION = {
    b'"': Pattern(rb"(?:[^\"\\\n]|\\.)*+", re.DOTALL),
    b"'": Pattern(rb"(?:[^'\\\n]|\\.)*+", re.DOTALL),
    b"`": Pattern(rb"(?:[^`\\]|\\.)*+", re.DOTALL),
    b'"""': Pattern(rb"(?:[^\"\\]|\\.|\"(?!\"\"))*+", re.DOTALL),
    b"'''": Pattern(rb"(?:[^'\\]|\\.|'(?!''))*+", re.DOTALL),
}


class Value(NamedTuple):
    """A value in a text: `form` is quoted, group, call or bare; `closed` is False where its end is missing.

    `after`: where the text goes on, behind a closing quote; 0 for at the end.
    """

    start: int
    end: int
    form: str
    closed: bool = True
    after: int = 0


class Syntax:
    """The values of one text. However often an end is looked for in vain, the work grows with the text alone."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._budget = _MOST_READ * len(text) + _LEAST_READ
        self._bare = Value(0, 0, "bare")  # the last word without quotes: others may begin in it

    def value_at(self, at: int, *, in_url: bool = False, to_end: bool = False, sign: bytes = b"=") -> Value:
        """The value at a place, behind a sign.

        `to_end`: one that is not closed is the rest of the text, and not of the line.
        """
        text = self.text
        if quoted := self.quoted_at(at, to_end=to_end):
            return quoted
        if text[at : at + 1] in _CLOSING:
            return self._group(at, at, "group", to_end=to_end)
        if not in_url and (call := _CALL.match(text, at)):
            group = self._group(call.end() - 1, at, "call", to_end=False)
            if group.closed:
                return group
        return self.bare_at(at, in_url=in_url, sign=sign)

    def quoted_at(self, at: int, *, to_end: bool = False) -> Value | None:
        """The inside of a quotation, with the quotations that are joined to it: `"hun" + "ter2"`."""
        text = self.text
        opening = _LITERAL.match(text, at)
        if opening is None:
            return None
        start = end = after = opening.end()
        for _ in range(_MOST_LITERALS):
            found = self.end_of_quotation(end, opening[1])
            if found is None:
                return Value(start, self._without_end(end, opening[1], to_end=to_end), "quoted", closed=False)
            end, after = found
            more = _CONCATENATED.match(text, after)
            following = _LITERAL.match(text, more.end()) if more else None
            if following is None:
                break
            opening, end = following, following.end()
        return Value(start, end, "quoted", after=after)

    def bare_at(self, at: int, *, in_url: bool = False, sign: bytes = b"=") -> Value:
        """A word without quotes, without the brackets that it stands in."""
        if in_url:
            match = _PARAMETER.match(self.text, at)
            return Value(at, match.end() if match else at, "bare")
        if self._bare.start <= at < self._bare.end:
            return self._bare._replace(start=at)
        match = _BARE_BEFORE[b":" if sign == b":" else b"="].match(self.text, at)
        if match is None:
            return Value(at, at, "bare")
        value = match[0].rstrip(b"`*")
        while (last := value[-1:]) in _OPENING and value.count(_OPENING[last]) < value.count(last):
            value = value[:-1]
        self._bare = Value(at, at + len(value), "bare")
        return self._bare

    def indented(self, name: int, at: int) -> tuple[int, int] | None:
        """The text of the lines from a place on that are indented deeper than the line of a name."""
        line = self.text[self.text.rfind(b"\n", 0, name) + 1 : name]
        indent = min(_MOST_INDENT, len(line) - len(line.lstrip(b" \t")))
        block = _deeper(indent).match(self.text, at)
        if block is None or not block[0].strip():
            return None
        return at + len(block[0]) - len(block[0].lstrip()), at + len(block[0].rstrip())

    def spend(self, length: int) -> bool:
        """Whether so many bytes may be read in search of what a name stands for; it counts them."""
        self._budget -= length
        return self._budget >= 0

    def closing(self, opening: int) -> int | None:
        """Where a bracket's group ends, behind its closing bracket; brackets in quotations do not count."""
        depth, at, text = 0, opening, self.text
        while match := _TOKEN.search(text, at):
            if match.end() - opening > self._budget:
                break
            at = match.end()
            if match[1]:
                found = self.end_of_quotation(at, match[1])
                at = found[1] if found else at
            elif match[0] in _CLOSING:
                depth += 1
            elif match[0] in _OPENING:
                depth -= 1
                if depth <= 0:
                    self._budget -= at - opening
                    return at if depth == 0 else None
        self._budget -= len(text) - opening
        return None

    def line_end(self, at: int, most: int = sys.maxsize) -> int:
        """Where the line ends, also where its break is escaped; `most` bytes on at the latest."""
        match = _LINE.match(self.text, at, min(len(self.text), at + most))
        return match.end() if match else at

    def _group(self, opening: int, start: int, form: str, *, to_end: bool) -> Value:
        end = self.closing(opening)
        if end is not None:
            return Value(start, end, form)
        rest = to_end or self._budget < 0
        return Value(start, len(self.text) if rest else self.line_end(start), form, closed=False)

    def end_of_quotation(self, at: int, quote: bytes) -> tuple[int, int] | None:
        """Where a quotation ends, before and behind its quote; in single quotes and double ones, on its line."""
        match = _REST_OF_QUOTATION[quote].match(self.text, at)
        if match is None:
            return None
        if self.text[match.end() : match.end() + 1] != quote[:1]:
            self._budget -= match.end() - at
            return None
        return match.end(), match.end() + len(quote)

    def _without_end(self, at: int, quote: bytes, *, to_end: bool) -> int:
        text = self.text
        if self._budget < 0:
            return len(text)
        end = text.find(quote, at, len(text) if to_end else at + _MANY_LINES)
        if end >= 0:
            return end
        return len(text) if to_end else self.line_end(at)


@cache
def _deeper(indent: int) -> Pattern[bytes]:
    """Lines that are indented deeper, and lines without text between them."""
    return Pattern(
        rb"(?:[ \t]*\r?\n)*+(?:[ \t]{%d,}\S[^\n]*+(?:\n|\Z)(?:[ \t]*\r?\n(?=[ \t]*\S|[ \t]*\r?\n))*+)++" % (indent + 1)
    )
