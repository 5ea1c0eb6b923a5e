"""JSON in a text, wherever it begins and breaks off: what of it is redacted, in place, and where the rest is.

A scan says what stands under sensitive names; what strings hold is the affair of whoever scans.
"""

import json
import re
from collections.abc import Callable

from .credentials import is_card_number
from .names import MAX_DEPTH, NAMING, PLAIN, PLURAL, REDACTED, RULES, VALUE, unique
from .prefilter import may_hold_secrets

MAX_LEVELS = 1000  # JSON deeper than that is redacted whole, or refused: other readers cannot read it either
_MOST_NAMES = 8192
_SHORTEST = 14  # bytes of a string, with its quotes, that may hold a credential without its name
_TEXTUAL, _OPENING, _NUMERIC = 1, 2, 3  # groups of a value

_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = rb"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+"
_VALUE_TOKEN = re.compile(_SPACE + rb"(?:(" + _STRING + rb")|([\[{])|(" + _NUMBER + rb")|(true|false|null))")
_KEY = re.compile(_SPACE + rb"(" + _STRING + rb")" + _SPACE + rb":")
_NEXT = re.compile(_SPACE + rb"([,\]}])")
_END = re.compile(_SPACE + rb"([\]}])")
_OPEN = re.compile(rb'\{(?=[ \t\n\r]*+["}])|\[(?=[ \t\n\r]*+(?:[\]"\[{0-9-]|true|false|null))')
_LINE_OF_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[\s]*+(?:(?=[\[{])|(?=" + _STRING + rb"[ \t]*+(?:[\r\n]|\Z)))")
_CUT_OFF = re.compile(_SPACE + rb'"')
_SOME_TEXT = re.compile(rb"\S")
_SUSPECT = re.compile(rb'[=:\\\[{"]')

# Strings that the gate need not see, for most are of this kind: words, times, UUIDs.
_HARMLESS = re.compile(
    rb'"(?:(?:[A-Za-z]{0,15}+(?:[,;!?.]? |[,;!?.]?(?=")))++'
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9.]{2,12}Z?"
    rb'|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"'
)
_REDACTED_WORD = REDACTED[1:-1].encode()
_IN_JSON, IN_TEXT = f'"{REDACTED}"'.encode(), REDACTED.encode()
Edit = tuple[int, int, bytes]  # from, to, and what stands there instead
Gap = tuple[int, int]


class TooDeep(Exception):
    """JSON is nested deeper than `MAX_LEVELS`."""


class TooMany(Exception):
    """There are more places to redact than may be."""


class _Object:
    """An object that is open: its present member, and what `{"name": "Authorization", "value": ...}` says so far."""

    __slots__ = ("member", "named", "numbers", "taken", "values")

    def __init__(self) -> None:
        self.member = b""
        self.named = PLAIN
        self.taken: set[str] = set()  # names that were redacted
        self.numbers: dict[str, int] = {}  # behind them
        self.values: list[tuple[int, int, bool]] = []


class _Array:
    """An array that is open; one of two elements in an array may be a pair: `[["Authorization", ...]]`."""

    __slots__ = ("count", "in_array", "named", "values")

    def __init__(self, in_array: bool) -> None:
        self.in_array = in_array
        self.count = 0
        self.named = PLAIN
        self.values: list[tuple[int, int, bool]] = []


class JsonScan:
    """Goes once through a text, and through JSON (RFC 8259) wherever it begins, as far as it is JSON."""

    def __init__(self, body: bytes, depth: int, most: int, redacted: Callable[[bytes, int], bytes]) -> None:
        self._body, self._depth, self._most, self._redacted = body, depth, most, redacted
        self.edits: list[Edit] = []
        self._open: list[tuple[int, _Object | _Array]] = []  # where each around this place begins
        self._hidden_at: int | None = None  # the level of what is redacted whole around this place
        self._known: dict[bytes, int] = {}

    def run(self) -> tuple[list[Gap], int]:
        """Where there is text that is no JSON, and the number of whole JSON values."""
        gaps, values, at, whole = [], 0, 0, True
        while (begin := self._begin(at, whole)) is not None:
            if _SOME_TEXT.search(self._body, at, begin):
                gaps.append((at, begin))
            end, whole = self._json(begin)
            values += whole
            at = max(end, begin + 1)
        if _SOME_TEXT.search(self._body, at):
            gaps.append((at, len(self._body)))
        return gaps, values

    def _begin(self, at: int, whole: bool) -> int | None:
        """Where JSON begins next; a string only counts where it is all of a line, at first or after other JSON."""
        if whole and (line := _LINE_OF_JSON.match(self._body, at)):
            return line.end()
        begin = _OPEN.search(self._body, at)
        return begin.start() if begin else None

    def _json(self, at: int) -> tuple[int, bool]:
        """Goes through one value: where it ends, or where text begins again, and which of the two."""
        body, levels = self._body, self._open
        while True:
            token = at  # where text begins again if JSON breaks off here
            if levels and type(owner := levels[-1][1]) is _Object:
                key = _KEY.match(body, at)
                if key is None:
                    return self._broken_off(token)
                self._member(owner, key)
                at = key.end()
            value = _VALUE_TOKEN.match(body, at)
            if value is None or self._body.startswith(IN_TEXT, value.end() - 1):
                return self._broken_off(token, at)
            at = value.end()
            if value.lastindex == _OPENING:
                self._opens(value.start(_OPENING))
                end = _END.match(body, at)
                if end is None:
                    continue
                if end[1] != self._closing:
                    return self._broken_off(at)
                token = at = end.end()
                self._closes(at)
            else:
                self._scalar(value)
            while levels:
                after = _NEXT.match(body, at)
                if after is None or after[1] not in (b",", self._closing):
                    return self._broken_off(token)
                at = after.end()
                if after[1] == b",":
                    break
                token = at
                self._closes(at)
            else:
                return at, True

    def _broken_off(self, at: int, value: int | None = None) -> tuple[int, bool]:
        """JSON ends at a place in the middle of a value; inside of something sensitive the rest goes with it."""
        secret = value if value is not None and self._rule >= PLURAL and _CUT_OFF.match(self._body, value) else None
        if self._hidden_at is not None:
            secret = self._open[self._hidden_at][0]
        for _, owner in self._open[: self._hidden_at]:
            self._pair(owner)
        self._open.clear()
        self._hidden_at = None
        if secret is None:
            return at, False
        self._add(secret, len(self._body), _IN_JSON)
        return len(self._body), False

    @property
    def _closing(self) -> bytes:
        return b"}" if type(self._open[-1][1]) is _Object else b"]"

    @property
    def _rule(self) -> int:
        """That of the present value's name; plain in arrays and at the top."""
        owner = self._open[-1][1] if self._open else None
        return self._rule_of(owner.member) if type(owner) is _Object else PLAIN

    def _opens(self, start: int) -> None:
        level = len(self._open)
        if level == MAX_LEVELS:
            raise TooDeep
        if self._hidden_at is None and (level + self._depth >= MAX_DEPTH or self._rule >= PLURAL):
            self._hidden_at = level
        in_array = level > 0 and type(self._open[-1][1]) is _Array
        self._open.append((start, _Object() if self._body[start : start + 1] == b"{" else _Array(in_array)))

    def _closes(self, end: int) -> None:
        start, ended = self._open.pop()
        if self._hidden_at == len(self._open):
            self._hidden_at = None
            self._add(start, end, _IN_JSON)
        elif self._hidden_at is None:
            self._pair(ended)
        if self._hidden_at is None and self._open:
            self._tell(start, end, _OPENING)

    def _scalar(self, found: re.Match[bytes]) -> None:
        kind = found.lastindex or 0
        (start, end), token = found.span(kind), found[kind]
        if self._hidden_at is not None:
            return
        number = kind == _NUMERIC
        rule = self._rule
        if kind <= _NUMERIC and rule >= PLURAL and not (number and rule == PLURAL):
            self._add(start, end, _IN_JSON)
            return
        if self._open:
            self._tell(start, end, kind)
        if kind == _TEXTUAL:
            self._string(start, end)
        elif number and end - start >= _SHORTEST and is_card_number(json.loads(token)):
            self._add(start, end, _IN_JSON)

    def _tell(self, start: int, end: int, kind: int) -> None:
        """What holds a value is told of it: it may be one half of a pair."""
        owner, number, flag = self._open[-1][1], kind == _NUMERIC, kind > _NUMERIC
        if type(owner) is _Array:
            owner.count += 1
            if not owner.in_array or owner.count > 2:
                owner.values.clear()
            elif owner.count == 2 and not flag:
                owner.values.append((start, end, number))
            elif kind == _TEXTUAL:
                owner.named = self._rule_of(self._body[start:end])
        elif type(owner) is _Object:
            rule = self._rule_of(owner.member)
            if rule == VALUE and not flag:
                owner.values.append((start, end, number))
            elif rule == NAMING and kind == _TEXTUAL:
                owner.named = max(owner.named, self._rule_of(self._body[start:end]))

    def _pair(self, owner: _Object | _Array) -> None:
        if owner.named >= PLURAL:
            for start, end, number in owner.values:
                if not (number and owner.named == PLURAL):
                    self._add(start, end, _IN_JSON)

    def _member(self, owner: _Object, key: re.Match[bytes]) -> None:
        start, end = key.span(1)
        owner.member = token = key[1]
        if self._hidden_at is not None:
            return
        suspect = end - start >= _SHORTEST and self._is_suspect(start, end)
        if not suspect and _REDACTED_WORD not in token:
            return
        name: str = json.loads(token)
        clean = name.encode(errors="surrogatepass")
        if suspect:
            clean = self._redacted(clean, self._depth + len(self._open))
        own = unique(clean.decode(errors="surrogatepass"), owner.taken, owner.numbers)
        owner.taken.add(own)
        if own != name:
            self._add(start, end, self._dumped(own, start, end))

    def _rule_of(self, token: bytes) -> int:
        known = self._known.get(token)
        if known is None:
            if len(self._known) == _MOST_NAMES:
                self._known.clear()
            known = RULES[json.loads(token)] if token else PLAIN
            if len(token) <= 128:
                self._known[token] = known
        return known

    def _string(self, start: int, end: int) -> None:
        if self._is_suspect(start, end):
            text = json.loads(self._body[start:end]).encode(errors="surrogatepass")
            clean = self._redacted(text, self._depth + len(self._open))
            if clean is not text:
                del text  # it can be large
                self._add(start, end, self._dumped(clean.decode(errors="surrogatepass"), start, end))

    def _is_suspect(self, start: int, end: int) -> bool:
        if end - start < _SHORTEST and not _SUSPECT.search(self._body, start + 1, end - 1):
            return False
        return not _HARMLESS.fullmatch(self._body, start, end) and may_hold_secrets(self._body[start:end])

    def _dumped(self, text: str, start: int, end: int) -> bytes:
        """A JSON string, with characters beyond ASCII as the one in its place has them."""
        return json.dumps(text, ensure_ascii=self._body.find(b"\\u", start, end) >= 0).encode()

    def _add(self, start: int, end: int, new: bytes) -> None:
        if end - start == len(new) and self._body.startswith(new, start):
            return
        if len(self.edits) == self._most:
            raise TooMany
        self.edits.append((start, end, new))
