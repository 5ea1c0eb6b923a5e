"""Redaction of large bodies in place: every byte that is not redacted stays as it came.

The rules are those of :mod:`chancery.core.redaction`. Nothing is parsed into objects, so memory is that of the body
and of what is redacted in it. Values of JSON that follow one another (one a line, say) are each redacted as JSON. From
the first place on where a body is not JSON it is searched as text.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from chancery.core import redaction
from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.redaction import MAX_DEPTH, REDACTED, is_sensitive, redact_text

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
MAX_EDITS = 1_000_000
MAX_LEVELS = 1000  # JSON deeper than that is refused: other readers cannot read it either
_LARGE = 1024 * 1024  # bytes of a string from where on it is redacted in place, too
_PIECE = 1024 * 1024
_MOST_NAMES = 8192
_SHORTEST = 14  # bytes of a string, with its quotes, that may hold a credential
_TEXTUAL, _OPENING, _NUMERIC = 1, 2, 3  # groups of a value

_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = rb"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+"
_VALUE = re.compile(_SPACE + rb"(?:(" + _STRING + rb")|([\[{])|(" + _NUMBER + rb")|(true|false|null))")
_KEY = re.compile(_SPACE + rb"(" + _STRING + rb")" + _SPACE + rb":")
_NEXT = re.compile(_SPACE + rb"([,\]}])")
_END = re.compile(_SPACE + rb"([\]}])")
_SPACE_ONLY = re.compile(_SPACE)
_BEGIN = re.compile(_SPACE + rb'(?=[\[{"])')
_CARD_NUMBER = re.compile(rb"[2-6][0-9]{12,18}")
_JSON_IN_STRING = re.compile(rb'"(?:\s|\\[nrtf])*+(?:[\[{]|\\u)')

# In bytes \s is ASCII's only.
_WHITE = "(?:\\s|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)"
_PATTERNS = re.compile(redaction.PATTERNS.pattern.replace(r"\s", _WHITE).encode("latin-1"), re.DOTALL)
_CARD = re.compile(redaction.CARD.pattern.encode())
_SUSPECT = re.compile(
    b"|".join([rb"\\", *(re.escape(sign.encode()) for sign in redaction.SIGNS), rb"[2-6](?:[ -]?[0-9]){12}"])
)

_TOO_MANY = f"has {MAX_EDITS} values to redact, or more; leave them out"
_IN_JSON, _IN_TEXT = f'"{REDACTED}"'.encode(), REDACTED.encode()
_Edit = tuple[int, int, bytes]  # from, to, and what stands there instead


@dataclass(frozen=True, slots=True)
class RedactedBody:
    """A body with its redactions, and its media type: JSON where it is one JSON value, else text."""

    source: bytes
    edits: list[_Edit]
    content_type: str

    def __len__(self) -> int:
        return len(self.source) + sum(len(new) - (end - start) for start, end, new in self.edits)

    def __iter__(self) -> Iterator[bytes]:
        """The redacted body in pieces of at most a megabyte."""
        at = 0
        for start, end, new in [*self.edits, (len(self.source), len(self.source), b"")]:
            for begin in range(at, start, _PIECE):
                yield self.source[begin : min(begin + _PIECE, start)]
            yield from (new[begin : begin + _PIECE] for begin in range(0, len(new), _PIECE))
            at = end

    def head(self, length: int) -> bytes:
        """The first bytes of the redacted body."""
        found = bytearray()
        for piece in self:
            found += piece
            if len(found) >= length:
                break
        return bytes(found[:length])


def redact_bytes(body: bytes) -> RedactedBody:
    """The redactions of a body that is JSON or text in UTF-8.

    Raises ValidationFailed where it is neither, is nested deeper than `MAX_LEVELS`, or has more than `MAX_EDITS`
    places to redact.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(body), _PIECE):
            decoder.decode(body[begin : begin + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _refused("is neither JSON nor text in UTF-8; nothing else can be redacted") from None
    edits, values, end = _Scan(body).run()
    if end < len(body):
        edits += _in_text(body, end)
        if len(edits) >= MAX_EDITS:
            raise _refused(_TOO_MANY)
    elif values == 1:
        return RedactedBody(body, _merged(edits), JSON)
    return RedactedBody(body, _merged(edits), TEXT)


def _refused(detail: str) -> ValidationFailed:
    return ValidationFailed("The body cannot be stored.", errors=[FieldError("", detail)])


def _in_text(body: bytes, start: int) -> list[_Edit]:
    cards = (match for match in _CARD.finditer(body, start) if redaction.is_card(match[0].decode()))
    matches = islice(chain(_PATTERNS.finditer(body, start), cards), MAX_EDITS)
    return [(*match.span(), _IN_TEXT) for match in matches]


def _merged(edits: list[_Edit]) -> list[_Edit]:
    """The edits in order; of those that lie in one another the outer, of those that overlap one."""
    edits.reverse()  # of two of the same place the later: it redacts whole what the other has searched
    edits.sort(key=lambda edit: (edit[0], -edit[1]))
    merged: list[_Edit] = []
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

    __slots__ = ("key", "member", "name", "value")

    def __init__(self) -> None:
        self.member = b""
        self.name = self.key = ""
        self.value: tuple[int, int] | None = None


class _Scan:
    """Goes once through a body, as far as it is JSON (RFC 8259)."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._edits: list[_Edit] = []
        self._open: list[tuple[int, _Object | None]] = []  # begin of each object and (None) array around this place
        self._hidden_at: int | None = None  # the level of what is redacted whole around this place
        self._known: dict[bytes, bool] = {}

    def run(self) -> tuple[list[_Edit], int, int]:
        """The edits, the number of whole JSON values, and where JSON ends: what follows is text."""
        values, at = 0, 0
        while begin := _BEGIN.match(self._body, at):
            at, whole = self._value(begin.end())
            if not whole:
                break
            values += 1
        rest = _SPACE_ONLY.match(self._body, at)
        return self._edits, values, rest.end() if rest else at

    def _value(self, at: int) -> tuple[int, bool]:
        """Goes through one value: where it ends, or where it stops to be JSON, and which of the two."""
        body, levels = self._body, self._open
        while True:
            if levels and (owner := levels[-1][1]) is not None:
                key = _KEY.match(body, at)
                if key is None:
                    return self._broken_off(at)
                owner.member, at = _unescaped(key[1]), key.end()
            value = _VALUE.match(body, at)
            if value is None:
                return self._broken_off(at, self._is_sensitive(self._member))
            at = value.end()
            if value.lastindex == _OPENING:
                self._opens(value.start(_OPENING))
                end = _END.match(body, at)
                if end is None:
                    continue
                if end[1] != self._closing:
                    return self._broken_off(at)
                at = end.end()
                self._closes(at)
            else:
                self._scalar(value)
            while levels:
                after = _NEXT.match(body, at)
                if after is None or after[1] not in (b",", self._closing):
                    return self._broken_off(at)
                at = after.end()
                if after[1] == b",":
                    break
                self._closes(at)
            else:
                return at, True

    def _broken_off(self, at: int, is_secret: bool = False) -> tuple[int, bool]:
        """JSON ends at a place in the middle of a value; inside of something sensitive the rest goes with it."""
        if self._hidden_at is not None:
            at, is_secret = self._open[self._hidden_at][0], True
        if is_secret:
            self._add(at, len(self._body), _IN_JSON)
            at = len(self._body)
        return at, False

    @property
    def _closing(self) -> bytes:
        return b"]" if self._open[-1][1] is None else b"}"

    def _opens(self, start: int) -> None:
        level = len(self._open)
        if level == MAX_LEVELS:
            raise _refused(f"is nested deeper than {MAX_LEVELS} levels")
        if self._hidden_at is None and (level >= MAX_DEPTH or self._is_sensitive(self._member)):
            self._hidden_at = level
        self._open.append((start, _Object() if self._body[start : start + 1] == b"{" else None))

    def _closes(self, end: int) -> None:
        start, ended = self._open.pop()
        if self._hidden_at == len(self._open):
            self._hidden_at = None
            self._add(start, end, _IN_JSON)
        elif self._hidden_at is None and ended is not None and ended.value and is_sensitive(ended.name or ended.key):
            self._add(*ended.value, _IN_JSON)
        if self._member == b'"value"':
            self._owner.value = start, end

    def _scalar(self, found: re.Match[bytes]) -> None:
        kind = found.lastindex or 0
        (start, end), token = found.span(kind), found[kind]
        if self._hidden_at is not None or token == b"null":
            return
        member = self._member
        if self._is_sensitive(member):
            self._add(start, end, _IN_JSON)
            return
        if member == b'"value"':
            self._owner.value = start, end
        elif kind == _TEXTUAL and member in (b'"name"', b'"key"'):
            setattr(self._owner, member[1:-1].decode(), json.loads(token))
        if kind == _TEXTUAL:
            self._string(start, end)
        elif kind == _NUMERIC and _CARD_NUMBER.fullmatch(token) and redaction.is_card(token.decode()):
            self._add(start, end, _IN_JSON)

    @property
    def _owner(self) -> _Object:
        owner = self._open[-1][1]
        assert owner is not None
        return owner

    @property
    def _member(self) -> bytes:
        """The key of the present value, raw; empty in arrays and at the top."""
        owner = self._open[-1][1] if self._open else None
        return b"" if owner is None else owner.member

    def _is_sensitive(self, member: bytes) -> bool:
        known = self._known.get(member)
        if known is None:
            if len(self._known) == _MOST_NAMES:
                self._known.clear()
            known = self._known[member] = bool(member) and is_sensitive(json.loads(member))
        return known

    def _string(self, start: int, end: int) -> None:
        body = self._body
        suspect = end - start >= _SHORTEST and _SUSPECT.search(body, start, end)
        if not suspect and not _JSON_IN_STRING.match(body, start, end):
            return
        text = json.loads(body[start:end])
        clean = redact_text(text, len(self._open)) if end - start <= _LARGE else _redact_large(text)
        if clean != text:
            self._add(start, end, json.dumps(clean).encode())

    def _add(self, start: int, end: int, new: bytes) -> None:
        if len(self._edits) == MAX_EDITS:
            raise _refused(_TOO_MANY)
        self._edits.append((start, end, new))


def _unescaped(member: bytes) -> bytes:
    """A key in the one spelling that it is compared in."""
    return json.dumps(json.loads(member)).encode() if b"\\" in member else member


def _redact_large(text: str) -> str:
    inner = redact_bytes(text.encode(errors="replace"))  # a lone surrogate is no text
    return b"".join(inner).decode() if inner.edits else text
