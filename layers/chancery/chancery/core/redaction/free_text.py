"""E-mail addresses, phone numbers and IBANs in any string, for tenants that want them redacted there.

Phone numbers are international ones (`+49 30 901820`, ITU-T E.164) and national ones in the layouts in which numbers
are written down: `(030) 901820`, `020 7946 0958`, `555-123-4567`, `01 42 68 53 00`. Digits alone are no phone number,
nor are dates, times, versions, amounts and addresses of the internet.
"""

import re
from collections.abc import Callable, Iterator

from . import checks
from .layout_patterns import MARKER
from .pairs import Edit
from .text_engine import FREE_TEXT

Span = tuple[int, int]

_LOCAL = re.compile(rb"(?:\"[^\"\n\\\\]{1,64}\"|(?:[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]|%(?!40)|[\x80-\xff])+)\Z")
_DOMAIN = re.compile(
    rb"(?:(?:[A-Za-z0-9]|[\x80-\xff])(?:[A-Za-z0-9-]|[\x80-\xff])*\.)+(?:[A-Za-z]|[\x80-\xff]){2,}(?:[A-Za-z0-9-]|[\x80-\xff])*"
    rb"|\[[0-9A-Fa-f:.]{3,45}\]"
)
_LEADING = b".'=`{"
_NOT_LOCAL = re.compile(rb".*[/?&|]", re.DOTALL)  # `https://x.io/?to=ada@x.io`
_PARAMETER = re.compile(rb"\A[A-Za-z0-9_.-]{1,40}=(?=[^=])")
_FILE = re.compile(rb"(?i)\.(?:png|jpe?g|gif|svg|webp|avif|css|js|mjs|ts|json|map|py|md)\Z")  # `icon@2x.png`
_LONGEST_LOCAL, _LONGEST_DOMAIN = 256, 255

# Country codes of ITU-T E.164, and how many digits follow them: what is shorter is an amount, `+1500000`.
_COUNTRY = (
    rb"(?:[17](?=(?:[^0-9]{0,3}[0-9]){10}(?![0-9]))"
    rb"|(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])(?=(?:[^0-9]{0,3}[0-9]){6,12})"
    rb"|(?:2[1-689][0-9]|3[578][0-9]|42[0-9]|5[09][0-9]|6[789][0-9]|8[0578][0-9]|9[679][0-9])(?=(?:[^0-9]{0,3}[0-9]){4,11}))"
)
_GAP = rb"(?:[ ./()-]|\xc2\xa0|\xe2\x80[\x90-\x93\xaf])"
_BEFORE = rb"(?<![\w.,:/+#=$%@-])(?<![0-9] )"
_BEHIND = rb"(?![\w%@$]|[.,:/-][0-9]|-[A-Za-z])"
_PHONES = tuple(
    re.compile(pattern)
    for pattern in (
        rb"(?<![\w+.])(?<![0-9] )(?:\+ ?|00(?=[1-9][0-9]{0,2}"
        + _GAP
        + rb"))"
        + _COUNTRY
        + rb"(?:"
        + _GAP
        + rb"{0,3}[0-9]){4,14}(?![0-9])"
        + _BEHIND,
        _BEFORE
        + rb"(?:1[ .-])?(?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}(?P<gap>[ .-]))[0-9]{3}(?(gap)(?P=gap)|[ .-])[0-9]{4}"
        + _BEHIND,
        _BEFORE + rb"0[1-9](?P<pair>[ .-])[0-9]{2}(?:(?P=pair)[0-9]{2}){3}" + _BEHIND,
        _BEFORE + rb"\(0[1-9][0-9]{0,4}\)[ /-]{0,2}[0-9]{2,}(?:[ -][0-9]{2,}){0,3}" + _BEHIND,
        _BEFORE + rb"0[1-9][0-9]{1,4}(?: ?/ ?[0-9]{2,}|[ -][0-9]{3,})(?:[ -][0-9]{2,}){0,3}" + _BEHIND,
    )
)
_RUN = re.compile(rb"(?:[+(] ?)?[0-9](?:[0-9 ./()-]|\xc2\xa0|\xe2\x80[\x90-\xaf]){6,}")
_BEHIND_RUN = 3  # bytes that a pattern looks ahead
_DIGITS = range(7, 16)


def _edits(find: Callable[[bytes], Iterator[Span]], kind: str) -> Callable[[bytes], Iterator[Edit]]:
    def finder(text: bytes) -> Iterator[Edit]:
        return (Edit(start, end, MARKER, f"{FREE_TEXT}: {kind}") for start, end in find(text))

    return finder


def email_addresses(text: bytes) -> Iterator[Span]:
    """Where e-mail addresses stand (RFC 5321; with letters of any alphabet, RFC 6531)."""
    at = text.find(b"@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1, at + 1 + _LONGEST_DOMAIN)
        local = _LOCAL.search(text[max(0, at - _LONGEST_LOCAL) : at]) if domain else None
        if domain and local and not _FILE.search(domain[0]) and (name := _name(local[0])):
            yield at - len(name), domain.end()
        at = text.find(b"@", at + 1)


def _name(local: bytes) -> bytes:
    """The part of an address before the `@`, without a path or a parameter's name that stands there."""
    return _PARAMETER.sub(b"", _NOT_LOCAL.sub(b"", local).lstrip(_LEADING), count=1).lstrip(_LEADING)


def phone_numbers(text: bytes) -> Iterator[Span]:
    """Where phone numbers stand."""
    for run in _RUN.finditer(text):
        for pattern in _PHONES:
            for match in pattern.finditer(text, run.start(), run.end() + _BEHIND_RUN):
                if sum(48 <= byte < 58 for byte in match[0]) in _DIGITS:
                    yield match.span()


FINDERS = {
    "emailAddresses": _edits(email_addresses, "e-mail address"),
    "phoneNumbers": _edits(phone_numbers, "phone number"),
    "ibans": _edits(checks.ibans, "IBAN"),
}
