"""Checks of what a regular expression cannot decide: checksums, encodings, and whether a token is made of words."""

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterator

from .patterns import Pattern

Span = tuple[int, int]

_PARTS = Pattern(rb"[A-Za-z0-9]+")
_WORD = Pattern(
    rb"[A-Z]?[a-z]{1,20}(?:[A-Z][a-z]{2,20}){0,8}[0-9]{0,4}"  # word, Word, camelCase, word2
    rb"|[A-Z]{1,12}[0-9]{0,4}|[A-Z]{2,6}[a-z]{1,12}[0-9]{0,4}"  # RFC6750, IDs, OAuth2
    rb"|[0-9]{1,4}[a-z]{0,8}"  # 2024, 12months
)
_PLACEHOLDER = Pattern(
    rb"(?i)x{6}|0{12}|\*{3}|\.\.\.|your[_-]|placeholder|redacted|change[_-]?me|replace[_-]|example[_-]"
)
_ONE_CHARACTER = Pattern(rb"([xX0aA1#*.-])\1*")

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

# IBAN registry, release 99: country and length.
_IBAN_LENGTHS = dict(
    re.findall(
        rb"([A-Z]{2})(\d\d)",
        b"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
        b"GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
        b"MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28"
        b"TL23TN24TR26UA29VA22VG24XK20YE30",
    )
)
_IBAN = Pattern(rb"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])")


def is_words(text: bytes) -> bool:
    """Whether a text is words and short numbers alone, as names and prose are: `bonds-2024`, `some_setting`."""
    return all(_WORD.fullmatch(part) for part in _PARTS.findall(text))


def is_placeholder(text: bytes) -> bool:
    """Whether a text stands for a value: `xxxxxxxx`, `0000...`, `your-token-here`."""
    return bool(_PLACEHOLDER.search(text) or _ONE_CHARACTER.fullmatch(text))


def has_letters_and_digits(token: bytes) -> bool:
    return token.lower() != token.upper() and any(48 <= byte < 58 for byte in token)


def is_varied(token: bytes) -> bool:
    """Whether a text has many different characters, as a random one has, and base64 of zeros has not."""
    return len(set(token)) >= 12 and b"AAAA" not in token[4:]


def has_crc32(token: bytes) -> bool:
    """Whether the last six characters are the base62 CRC32 of those behind the prefix (GitHub, npm)."""
    body = token[token.rfind(b"_") + 1 :]
    checksum, number = zlib.crc32(body[:-6]), 0
    for character in body[-6:]:
        digit = _BASE62.find(character)
        if digit < 0:
            return False
        number = number * 62 + digit
    return number == checksum


def has_crc32_or_is_mixed(token: bytes) -> bool:
    """For tokens with a CRC32: a body of letters of one case alone could be a name, so the checksum decides."""
    body = token[token.rfind(b"_") + 1 :]
    return not (body.isalpha() and (body.islower() or body.isupper())) or has_crc32(token)


def is_base58check(text: bytes) -> bool:
    """Base58Check of Bitcoin: the last four bytes are the double SHA-256 of the others."""
    number = 0
    for character in text:
        digit = _BASE58.find(character)
        if digit < 0:
            return False
        number = number * 58 + digit
    decoded = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return hashlib.sha256(hashlib.sha256(decoded[:-4]).digest()).digest()[:4] == decoded[-4:]


def is_bech32(text: bytes) -> bool:
    """Bech32 (BIP 173) with a valid checksum."""
    prefix, one, data = text.lower().rpartition(b"1")
    values = [_BECH32.find(character) for character in data]
    if not one or -1 in values:
        return False
    return _polymod([byte >> 5 for byte in prefix] + [0] + [byte & 31 for byte in prefix] + values) == 1


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def base64_decoded(text: bytes) -> bytes:
    """Base64 or base64url, with or without padding; empty for what is neither."""
    text = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def is_user_and_password(text: bytes) -> bool:
    """Whether base64 decodes to `user:password` (RFC 7617)."""
    try:
        decoded = base64_decoded(text).decode()
    except UnicodeDecodeError:
        return False
    return len(decoded) > 2 and ":" in decoded and decoded.isprintable()


def is_jose_header(text: bytes) -> bool:
    """Whether base64url decodes to a JSON object (RFC 7515, section 4)."""
    try:
        return type(json.loads(base64_decoded(text))) is dict
    except ValueError:
        return False


def is_pem_in_base64(text: bytes) -> bool:
    """Whether base64 decodes to the beginning of a private key in PEM."""
    return b"PRIVATE KEY" in base64_decoded(text[:100])


def ibans(text: bytes) -> Iterator[Span]:
    """Where IBANs stand, whole or in groups of four (ISO 13616: length by country, ISO 7064 MOD 97-10)."""
    for match in _IBAN.finditer(text):
        end = match.end()
        while end > match.start() and not _is_iban(text[match.start() : end].replace(b" ", b"")):
            end = text.rfind(b" ", match.start(), end)  # a word behind it, or -1
        if end > match.start():
            yield match.start(), end


def _is_iban(iban: bytes) -> bool:
    if len(iban) != int(_IBAN_LENGTHS.get(iban[:2], b"0")):
        return False
    digits = "".join(str(int(chr(character), 36)) for character in iban[4:] + iban[:4])
    return int(digits) % 97 == 1
