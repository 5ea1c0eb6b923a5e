"""Values that are credentials or card numbers whatever their name, in UTF-8.

Each kind has a sign: without it in a text its pattern, which costs more, finds nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .literals import Signs, Traces

Span = tuple[int, int]
Take = Callable[[re.Match[bytes]], tuple[Span | None, int]]  # what to redact, and where to go on

# In bytes \s is ASCII's only.
_WHITE = rb"(?:\s|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)++"
_PART = rb"[A-Za-z0-9_-]"

_PRIVATE_KEY = re.compile(
    rb"(?is)-{4,5} ?BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    rb".*?(?:-{4,5} ?END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)? ?-{4,5}|\Z)"
)
# RFC 7515 and 7516: two parts or more, the second empty where a payload is detached or a key agreed upon.
_JOSE = re.compile(
    rb"(?<!" + _PART + rb")(?=" + _PART + rb"*?eyJ" + _PART + rb"{5})" + _PART + rb"++"
    rb"(?:(?:\." + _PART + rb"*+){1,3}\." + _PART + rb"++|\." + _PART + rb"{2,}+\.?)"
)
_KEYS = re.compile(
    rb"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Z0-9])"
    rb"|(?<![A-Za-z0-9])(?:gh[posu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    rb"|[sr]k_live_[A-Za-z0-9]{10,}|sk-(?:ant|proj)-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{35,}"
    rb"|glpat-[A-Za-z0-9_-]{16,})"
)
# A word of prose after "bearer" has neither digits nor punctuation in it.
_BEARER = re.compile(
    rb"(?i:\bbearer)" + _WHITE + rb"(?=[A-Za-z]*+(?:[0-9]|[._~+/=-]++[A-Za-z0-9]|=)|[A-Za-z]{12})"
    rb"[A-Za-z0-9._~+/=-]{8,}"
)
_BASIC = re.compile(rb"(?i:\bbasic)" + _WHITE + rb"(?=[A-Za-z+/]*+[0-9=])[A-Za-z0-9+/]{8,}+={0,2}")
_IN_URL = re.compile(rb"://[^/\s:@\"'<>\\]*+:([^/\s\"'<>\\]+)@")

_MARK = rb"(?:[ .-]|\xc2\xa0|\xe2\x80[\x91\x93\xaf])"  # space, dot, dash; NBSP; no-break hyphen, en dash, narrow NBSP
_ISSUED = re.compile(  # lengths by issuer (ISO/IEC 7812-1): a time is no card, nor is an IMEI or a GTIN
    rb"4[0-9]{15,18}|5[0-9]{15}|2[2-7][0-9]{14}|6[0-9]{15,18}|3[47][0-9]{13}|3[0689][0-9]{12}|35[0-9]{14}"
)
_CARD = re.compile(
    rb"(?<![0-9A-Za-z])(?<![0-9]\.)(?:([2-6][0-9]{13,18})"
    rb"|([2-6][0-9]{3}(" + _MARK + rb"{1,3})[0-9]{4}\3[0-9]{4}\3[0-9]{4})(?:\3[0-9]{1,3})?"
    rb"|(3[0-9]{3}(" + _MARK + rb")[0-9]{6}\5[0-9]{4,5}))(?!(?!eyJ)[0-9A-Za-z])"
)
_SEPARATORS = b" -.\xc2\xa0\xe2\x80\xaf\x91\x93"  # the bytes of all marks
_DIGITS, _ZEROS = bytes.maketrans(b"123456789", b"0" * 9), b"0" * 14
_FOURTEEN = re.compile(rb"[2-6](?:" + _MARK + rb"{0,3}[0-9]){13}")
_SCHEME = re.compile(rb"(?i:bearer|basic)[\s\\\xc2\xe1-\xe3]")
_URL = re.compile(rb":(?:\\*/){2}[^\s@/]*+@")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of credential: its pattern, and what of a match is redacted."""

    pattern: re.Pattern[bytes]
    take: Take


def kinds_in(traces: Traces) -> list[Kind]:
    """The kinds of credentials whose signs a text, or raw JSON, holds."""
    text = traces.text
    found = [kind for signs, kind in _KINDS if signs.are_in(traces)] if SIGNS.show_in(traces) else []
    if _SCHEMES.are_in(traces) and _SCHEME.search(text):
        found += [Kind(_BEARER, _whole), Kind(_BASIC, _whole)]
    if "@" in traces.exact and _URL.search(text):
        found.append(Kind(_IN_URL, _password))
    if may_hold_card(text):
        found.append(Kind(_CARD, _card))
    return found


def may_hold_card(text: bytes) -> bool:
    """Whether a text, or raw JSON, holds as many digits in a row as a card number has."""
    return _ZEROS in text.translate(_DIGITS, _SEPARATORS) and bool(_FOURTEEN.search(text))


def _whole(match: re.Match[bytes]) -> tuple[Span, int]:
    return match.span(), match.end()


def _password(match: re.Match[bytes]) -> tuple[Span, int]:
    return match.span(1), match.end()


def _jose(match: re.Match[bytes]) -> tuple[Span, int]:
    return (match.start() + match[0].index(b"eyJ"), match.end()), match.end()


def _card(match: re.Match[bytes]) -> tuple[Span | None, int]:
    """Digits in groups may be followed by a code or a date, and a card may begin with the second group of others."""
    if is_card(match[0]):
        return match.span(), match.end()
    if match[2] and is_card(match[2]):
        return match.span(2), match.end(2)
    return None, match.start() + 1


def is_card(text: bytes) -> bool:
    """Luhn's check over as many digits as the issuer's cards have (ISO/IEC 7812-1)."""
    number = re.sub(rb"[^0-9]", b"", text)
    if not _ISSUED.fullmatch(number):
        return False
    digits = [byte - 48 for byte in number]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def is_card_number(value: float) -> bool:
    """Whether a JSON number is a card number; of a float, by the digits that no spelling of it can leave out."""
    if type(value) is int:
        return 10**13 <= abs(value) < 10**19 and is_card(b"%d" % abs(value))
    if not 1e13 <= abs(value) < 1e19 or not value.is_integer():
        return False
    digits = re.sub(r"[^0-9]", "", repr(value).partition("e")[0].removesuffix(".0")).rstrip("0")
    return len(digits) >= len(_ZEROS) and is_card(b"%d" % int(abs(value)))


_KINDS = (
    (Signs([b"eyJ"]), Kind(_JOSE, _jose)),
    (
        Signs(
            b"AKIA ASIA AROA AIDA AIza ghp_ gho_ ghs_ ghu_ github_pat_ xox k_live_ sk-ant- sk-proj- glpat-".split(),
        ),
        Kind(_KEYS, _whole),
    ),
    (Signs(any_case=[b"private key"]), Kind(_PRIVATE_KEY, _whole)),
)
_SCHEMES = Signs(any_case=[b"bearer", b"basic"])
SIGNS = sum((signs for signs, _ in _KINDS), _SCHEMES + Signs([b"@"]))
