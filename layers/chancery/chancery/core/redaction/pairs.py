"""Pairs of a name and a value in text: query strings, forms, environments, header dumps, other languages' dictionaries.

`token=abc`, `password: abc`, `'password': 'abc'`, and JSON inside of a quotation, `{\\"password\\": \\"abc\\"}`.
"""

import re

from .credentials import Span
from .literals import Signs, Traces
from .names import CREDENTIAL, PLAIN, PLURAL, REDACTED, RULES

_NAME = rb"A-Za-z0-9_.\x80-\xff-"
_GAP = rb"(?:[ \t]|\\+t){0,8}"
# A colon is one of a pair where a blank or a quotation follows: `secret:1` may be part of an id, and `a://` of a URL.
PAIR = re.compile(
    rb"(?<![" + _NAME + rb"])([" + _NAME + rb"]++)(\\*+[\"'])?+(?:\]|%5[Dd])?+(?:\\*+[\"'])?+"
    rb"(?:" + _GAP + rb"(=>|={1,3}|:=|:)" + _GAP + rb")"
)
_PHRASE = re.compile(rb"(?:[A-Za-z0-9]+ ){1,3}\Z")
_BEFORE = 40  # bytes before a name that may hold the words it begins with: `api key: abc`
_LONGEST = 100
_HEADERS = re.compile(rb"(?i)(?:authorization|cookie|cookies)\Z")
_TIGHT = re.compile(rb"(?i)pass|pwd|authorization\Z|cookie\Z")  # names that need no blank behind their colon

_QUOTED = re.compile(rb"(\\*+[\"'])((?:(?!(?<!\\)\1)[^\r\n])*+)")
_GROUP = re.compile(rb"[\[{(][^\[\]{}()\r\n]*+[\])}]")
_LINE = re.compile(rb"(?:(?!\\[rn])[^\r\n])*+")
_LINE_TO = {quote: re.compile(rb"(?:(?!\\[rn])[^\r\n" + quote + rb"])*+") for quote in (b'"', b"'")}
_BARE = re.compile(rb"(?:[^\s&;,'\"\\]|\\++(?![\"']))*+")
_NEXT_NAME = re.compile(rb"[" + _NAME + rb"]++:\Z")
_KEPT = re.compile(rb"(?i:true|false|null|none|nil|undefined)\Z")
_NUMBER = re.compile(rb"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_REDACTED = REDACTED.encode()
SIGNS = Signs(
    [b"=", b"':", b":'", b"']", b'\\":', b":\\", b'\\"]'], any_case=[b"authorization:", b"cookie:", b"pass", b"pwd"]
)


def may_be_in(traces: Traces) -> bool:
    """Whether a pair could be in the strings of raw JSON. Its own members are none, for their quotes stand alone."""
    raw = traces.text
    if not (has_spaced_colon(raw) or SIGNS.are_in(traces)):
        return False
    return any(match[2] != b'"' and _rule(raw, match) >= PLURAL for match in PAIR.finditer(raw))


def has_spaced_colon(raw: bytes) -> bool:
    """Whether a colon has a blank beside it, other than one behind a quote, which is how JSON may be written."""
    blanks = raw.count(b": ")
    return bool(raw.count(b" :") or (blanks and blanks != raw.count(b'": ')))


def take(match: re.Match[bytes]) -> tuple[Span | None, int]:
    """What of a `PAIR` is redacted, and where to go on."""
    text, at = match.string, match.end()
    rule = _rule(text, match)
    if rule < PLURAL:
        return None, at
    start, end = _value(match)
    value = text[start:end]
    if not value or value == _REDACTED or _KEPT.match(value) or (rule == PLURAL and _NUMBER.match(value)):
        return None, max(at, end)
    if _NEXT_NAME.match(value):  # `email: token: abc`
        return (start, end), at
    return (start, end), end


def _rule(text: bytes, match: re.Match[bytes]) -> int:
    if match[3] == b":" and match[2] is None and not _is_apart(text, match):
        return PLAIN
    start, name = match.span(1)[0], match[1]
    before = text[max(0, start - _BEFORE) : start]
    if before.endswith(b"%"):
        name = name[2:]  # `user%5Bpassword%5D=`
    elif before.endswith(b" ") and (words := _PHRASE.search(before)):
        name, before = words[0] + name, before[: words.start()]
    rule = _rule_of(name)
    if before.endswith(b"\\") and rule < PLURAL:
        rule = _rule_of(name[1:])  # an escape of the JSON, or of the log, that the text comes from: `\\npassword=`
    if match[3] == b":" and match[2] is None and rule != CREDENTIAL:
        return PLAIN  # prose: `Email: write a friendly subject`
    return rule


def _rule_of(name: bytes) -> int:
    return RULES[name[-_LONGEST:].decode(errors="ignore")]


def _is_apart(text: bytes, match: re.Match[bytes]) -> bool:
    """Whether a colon does not hold an id or an address together."""
    end = match.end()
    return text[end - 1 : end] != b":" or text[end : end + 1] in b"'\"\\" or bool(_TIGHT.search(match[1]))


def _value(match: re.Match[bytes]) -> Span:
    text, at = match.string, match.end()
    if quoted := _QUOTED.match(text, at):
        return quoted.span(2)
    if match[3] == b":" and match[2] is None and _HEADERS.search(match[1]):
        return _line(text, match.start(1), at)
    if text[at : at + 1] in (b"[", b"{", b"("):
        group = _GROUP.match(text, at)
        return group.span() if group else _line(text, at, at)
    bare = _BARE.match(text, at)
    end = bare.end() if bare else at
    return at, end if b"[" in text[at:end] else at + len(text[at:end].rstrip(b")]}"))  # what the pair stands in


def _line(text: bytes, name: int, at: int) -> Span:
    """The rest of the line, or of the quotation that the name begins: `-H "Authorization: Basic abc" https://...`."""
    quote = text[name - 1 : name]
    line = _LINE_TO.get(quote, _LINE).match(text, at)
    end = line.end() if line else at
    if quote in _LINE_TO and text[end : end + 1] == quote:
        end = at + len(text[at:end].rstrip(b"\\"))
    return at, end
