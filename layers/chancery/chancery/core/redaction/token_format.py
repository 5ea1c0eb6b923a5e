"""What a credential format is, and how it is searched for at the places where its literal stands."""

import re
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

from .checks import is_placeholder, is_words

Span = tuple[int, int]
Check = Callable[[bytes], bool]
Finder = Callable[[bytes, int], Span | None]

_CLASS = re.compile(r"\[([^\]]+)\]|([^\[])")
_RANGE = re.compile(r"(.)-(.)")
# A token begins where no longer word does: behind what is no letter or digit, or behind an escape that ends with one.
_BEGIN = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbfv])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})"
    r"|(?<=\x1b\[[0-9]m)|(?<=\x1b\[[0-9]{2}m))"
)
_END = r"(?![A-Za-z0-9])"
_LONGEST_ESCAPE = 6


class Format(NamedTuple):
    """One format of a credential. Patterns are regular expressions of bytes.

    The token is `before`, then `literal` in the case given here, then `body`. Literals may be several, separated by
    commas, and have classes of characters (`ghp_,gho_`, `bk[acp]`). A group in `body` marks what is redacted where that
    is not the whole. `check` is called with what is redacted. A `body` that is a function gets the text and the place
    of the literal, and returns what is redacted. A literal may be `.`, `|` or `%` where 24 letters, digits, `_` or `-`
    follow it.
    """

    vendor: str
    type: str
    literal: str
    body: str | Finder
    before: str = ""
    check: Check | None = None
    flags: str = ""  # "i": in any case; "g": glued to a letter or digit before it, too; "w": of words, too

    @property
    def name(self) -> str:
        """E.g. `GitHub token`."""
        return f"{self.vendor} {self.type}"

    @property
    def literals(self) -> list[bytes]:
        """Every literal of the format in lower case, for `Literals`."""
        choices = [
            [_members(chars) if chars else single for chars, single in _CLASS.findall(one)]
            for one in self.literal.split(",")
            if one
        ]
        return sorted({"".join(text).lower().encode() for choice in choices for text in product(*choice)})

    @property
    def literal_pattern(self) -> str:
        """A regular expression of the literals, the longer ones first."""
        ones = [
            "".join(f"[{chars}]" if chars else re.escape(single) for chars, single in _CLASS.findall(one))
            for one in sorted(self.literal.split(","), key=len, reverse=True)
        ]
        return ones[0] if len(ones) == 1 else f"(?:{'|'.join(ones)})"


def _members(characters: str) -> str:
    return _RANGE.sub(lambda ends: "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1))), characters)


class CompiledFormat:
    """A format as it is searched for; its patterns are compiled when they are first needed."""

    __slots__ = ("_after", "_before", "_literal", "_look_back", "_width", "format")

    def __init__(self, form: Format) -> None:
        self.format = form
        self._literal: re.Pattern[bytes] | None = None
        self._after: re.Pattern[bytes] | None = None
        self._before: re.Pattern[bytes] | None = None
        self._width = self._look_back = 0

    def span(self, text: bytes, start: int) -> Span | None:
        """What is redacted of the token whose literal stands at a place of a text."""
        return self.found(text, start)[0]

    def found(self, text: bytes, start: int) -> tuple[Span | None, int]:
        """The same, and the place before which the format need not be tried again."""
        after = self._after or self._compiled()
        if callable(self.format.body):
            token = self.format.body(text, start)
            return token, token[1] if token else start
        begin = start
        if self._before:
            begin = self._begin(text, start)
            if begin < 0:
                return None, start
        match = after.match(text, start)
        return (self._token(match, begin), match.end()) if match else (None, start)

    def _compiled(self) -> re.Pattern[bytes]:
        form = self.format
        flags, begin = ("(?i)" if "i" in form.flags else ""), ("" if "g" in form.flags else _BEGIN)
        if form.literal:
            self._literal = re.compile(f"{flags or '(?i)' * callable(form.body)}{form.literal_pattern}".encode())
        after = form.literal_pattern + ("" if callable(form.body) else f"(?:{form.body}){_END}")
        if form.before:
            least, most = re._parser.parse(form.before).getwidth()  # type: ignore[attr-defined]
            self._width, self._look_back = least if least == most else 0, most + _LONGEST_ESCAPE
            self._before = re.compile(f"{flags}{begin}(?:{form.before})\\Z".encode())
        elif form.literal and not callable(form.body):
            after = begin + after
        self._after = re.compile(f"{flags}{after}".encode())
        return self._after

    def _begin(self, text: bytes, start: int) -> int:
        """Where the token begins whose literal stands at a place; -1 for none."""
        assert self._before
        if self._width:
            return start - self._width if self._before.match(text, start - self._width, start) else -1
        before = self._before.search(text[max(0, start - self._look_back) : start])
        return start - len(before[0]) if before else -1

    def _token(self, match: re.Match[bytes], begin: int) -> Span | None:
        text, start, end = match.string, match.start(), match.end()
        if match.lastindex:
            begin, end = match.span(1)
            value = match[1]
        else:
            literal = self._literal.match(text, start) if self._literal else None
            value = text[begin:start] + b"-" + text[literal.end() if literal else start : end]
        if is_placeholder(value) or ("w" not in self.format.flags and is_words(value)):
            return None
        return (begin, end) if self.format.check is None or self.format.check(text[begin:end]) else None


class TokenSearch:
    """Tries formats at places of one text, which come in order: in time that grows with the text alone.

    A run of characters that was taken for a token and rejected, as words or by a check, is not tried again from a
    literal inside of it.
    """

    __slots__ = ("_text", "_until")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._until: dict[CompiledFormat, int] = {}

    def span(self, form: CompiledFormat, start: int) -> Span | None:
        """What is redacted of the token of a format whose literal stands at a place."""
        if start < self._until.get(form, 0):
            return None
        token, until = form.found(self._text, start)
        if until > start:
            self._until[form] = until
        return token
