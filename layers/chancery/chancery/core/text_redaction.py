"""The one engine that redacts text, in place: every byte that is not redacted stays as it came.

JSON in a text, wherever it begins and breaks off, is redacted by name like any value; strings in it are texts again.
What is no JSON is searched for credentials, card numbers, and pairs of a sensitive name and a value. Nothing is parsed
into objects, and no byte is looked at more than a few times whatever the text.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator
from itertools import islice

from chancery.core import credentials, text_pairs
from chancery.core.credentials import Take, is_card_number, kinds_in, may_hold_card
from chancery.core.sensitive_names import (
    MAX_DEPTH,
    NAMING,
    PLAIN,
    PLURAL,
    REDACTED,
    RULES,
    VALUE,
)
from chancery.core.signs import Signs, Traces

MAX_EDITS = 1_000_000
_MOST_ROUNDS = 10
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
_JSON_IN_STRING = re.compile(rb'[\[{"](?:\s|\\+[nrtf])*+\\+"')

_SIGNS = credentials.SIGNS + text_pairs.SIGNS + Signs([b"\\"])
_REDACTED_WORD = REDACTED[1:-1].encode()
_IN_JSON, _IN_TEXT = f'"{REDACTED}"'.encode(), REDACTED.encode()
Edit = tuple[int, int, bytes]  # from, to, and what stands there instead
_Gap = tuple[int, int]


class TooDeep(Exception):
    """JSON is nested deeper than `MAX_LEVELS`."""


class TooMany(Exception):
    """There are more places to redact than may be."""


def redact_text(text: str, depth: int = 0) -> str:
    """The text with its credentials replaced, and what JSON in it has under sensitive names.

    `depth`: levels around the text. A text that cannot be redacted in place is replaced whole.
    """
    body = text.encode(errors="surrogatepass")
    if not _SUSPECT.search(body) and (len(body) < _SHORTEST - 2 or not kinds_in(Traces(body))):
        return text
    try:
        edits, _ = edits_in(body, depth)
    except (TooDeep, TooMany):
        return REDACTED
    return b"".join(_pieces(body, edits)).decode(errors="surrogatepass") if edits else text


def may_hold_secrets(raw: bytes) -> bool:
    """Whether a redaction of the strings and numbers in raw JSON could find anything; False only where it cannot.

    Escaped characters (`\\u0065yJ...`) count as a maybe, and so does JSON in strings.
    """
    traces = Traces(raw)
    if traces.exact.count(b"[") >= MAX_DEPTH:
        return True
    if not _SIGNS.show_in(traces):
        return may_hold_card(raw) or (text_pairs.has_spaced_colon(raw) and text_pairs.may_be_in(traces))
    if b"\\" in raw and (b"\\u" in raw or _JSON_IN_STRING.search(raw)):
        return True
    return bool(kinds_in(traces)) or text_pairs.may_be_in(traces)


def edits_in(body: bytes, depth: int = 0, most: int = MAX_EDITS) -> tuple[list[Edit], bool]:
    """The redactions of a text in UTF-8, in order, and whether it is one JSON value. Raises TooDeep, TooMany.

    What is redacted can bring to light what was glued to it. So text is searched until nothing more is found: then
    redacting once more changes nothing.
    """
    edits, gaps, values = _once(body, depth, most)
    is_json, found = values == 1 and not gaps, edits
    for _ in range(_MOST_ROUNDS):
        if not (gaps and found):
            break
        found, gaps, _ = _once(b"".join(_pieces(body, edits)), depth, most)
        edits = _merged([*edits, *_where_from(found, edits)]) if found else edits
    return edits, is_json


def _once(body: bytes, depth: int, most: int) -> tuple[list[Edit], list[_Gap], int]:
    scan = _Scan(body, depth, most)
    gaps, values = scan.run()
    edits = scan.edits
    edits += islice(_in_text(body, gaps), most + 1 - len(edits))
    if len(edits) > most:
        raise TooMany
    return _merged(edits), gaps, values


def _where_from(found: list[Edit], edits: list[Edit]) -> Iterator[Edit]:
    """Where what was found in a text with its edits lies in the text itself; an edit that it touches it covers."""
    starts, ends, shifts, shift = [], [], [0], 0
    for start, end, new in edits:
        starts.append(start + shift)
        ends.append(start + shift + len(new))
        shift += len(new) - (end - start)
        shifts.append(shift)
    for begin, end, new in found:
        first, last = bisect_right(ends, begin), bisect_left(starts, end) - 1
        begin = edits[first][0] if first < len(edits) and starts[first] <= begin else begin - shifts[first]
        end = edits[last][1] if last >= 0 and ends[last] >= end else end - shifts[last + 1]
        yield begin, end, new


def _pieces(body: bytes, edits: list[Edit]) -> Iterator[bytes]:
    at = 0
    for start, end, new in edits:
        yield body[at:start]
        yield new
        at = end
    yield body[at:]


def _in_text(body: bytes, gaps: list[_Gap]) -> Iterator[Edit]:
    if gaps:
        for kind in kinds_in(Traces(body)):
            yield from _found(body, gaps, kind.pattern, kind.take)
        if b"=" in body or b":" in body:
            yield from _found(body, gaps, text_pairs.PAIR, text_pairs.take)


def _found(body: bytes, gaps: list[_Gap], pattern: re.Pattern[bytes], take: Take) -> Iterator[Edit]:
    """What begins in the gaps between JSON; it may go on beyond them. Each byte is searched once."""
    at, match = 0, None
    for begin, end in gaps:
        at = max(at, begin)
        while at < end:
            if match is None or match.start() < at:
                match = pattern.search(body, at)
            if match is None:
                return
            if match.start() >= end:
                break
            span, at = take(match)
            if span and body[span[0] : span[1]] != _IN_TEXT:
                yield (*span, _IN_TEXT)


def _merged(edits: list[Edit]) -> list[Edit]:
    """The edits in order; of those that lie in one another the outer, of those that overlap one."""
    edits.reverse()  # of two of the same place the later: it redacts whole what the other has searched
    edits.sort(key=lambda edit: (edit[0], -edit[1]))
    merged: list[Edit] = []
    for edit in edits:
        if merged and edit[0] < merged[-1][1]:
            start, end, new = merged[-1]
            if edit[1] > end:
                merged[-1] = (start, edit[1], new)
        else:
            merged.append(edit)
    return merged


class _Object:
    """An object that is open: its present member, and what `{"name": "Authorization", "value": ...}` says so far."""

    __slots__ = ("member", "named", "taken", "values")

    def __init__(self) -> None:
        self.member = b""
        self.named = PLAIN
        self.taken: set[str] = set()  # names that were redacted
        self.values: list[tuple[int, int, bool]] = []


class _Array:
    """An array that is open; one of two elements in an array may be a pair: `[["Authorization", ...]]`."""

    __slots__ = ("count", "in_array", "named", "values")

    def __init__(self, in_array: bool) -> None:
        self.in_array = in_array
        self.count = 0
        self.named = PLAIN
        self.values: list[tuple[int, int, bool]] = []


class _Scan:
    """Goes once through a text, and through JSON (RFC 8259) wherever it begins, as far as it is JSON."""

    def __init__(self, body: bytes, depth: int, most: int) -> None:
        self._body, self._depth, self._most = body, depth, most
        self.edits: list[Edit] = []
        self._open: list[tuple[int, _Object | _Array]] = []  # where each around this place begins
        self._hidden_at: int | None = None  # the level of what is redacted whole around this place
        self._known: dict[bytes, int] = {}

    def run(self) -> tuple[list[_Gap], int]:
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
            if value is None:
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
        name = json.loads(token)
        clean = unique(redact_text(name, self._depth + len(self._open)) if suspect else name, owner.taken)
        owner.taken.add(clean)
        if clean != name:
            self._add(start, end, _dumped(clean, token))

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
            token = self._body[start:end]
            text = json.loads(token)
            clean = redact_text(text, self._depth + len(self._open))
            if clean != text:
                self._add(start, end, _dumped(clean, token))

    def _is_suspect(self, start: int, end: int) -> bool:
        if end - start < _SHORTEST and not _SUSPECT.search(self._body, start + 1, end - 1):
            return False
        return may_hold_secrets(self._body[start:end])

    def _add(self, start: int, end: int, new: bytes) -> None:
        if end - start == len(new) and self._body.startswith(new, start):
            return
        if len(self.edits) == self._most:
            raise TooMany
        self.edits.append((start, end, new))


def unique(name: str, taken: Container[str]) -> str:
    """The name, or with a number behind it one that is not taken."""
    number, first = 1, name
    while name in taken:
        number += 1
        name = f"{first} {number}"
    return name


def _dumped(text: str, instead_of: bytes) -> bytes:
    """JSON, with characters beyond ASCII as the string had them."""
    return json.dumps(text, ensure_ascii=b"\\u" in instead_of).encode()
