"""Samples of credentials, made up at run time from patterns: no scanner finds any in the repository."""

import base64
import hashlib
import json
import random
import re
import string
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from chancery.core.redaction.checks import is_words
from chancery.core.redaction.credential_formats import Format

_PARSER: Any = re._parser  # type: ignore[attr-defined]
_OPS: Any = re._constants  # type: ignore[attr-defined]
_MORE = 4  # characters that an open repetition has beyond its least
_CATEGORIES = {
    _OPS.CATEGORY_DIGIT: string.digits,
    _OPS.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    _OPS.CATEGORY_SPACE: " ",
    _OPS.CATEGORY_NOT_SPACE: string.ascii_letters + string.digits,
}
_PRINTABLE = string.ascii_letters + string.digits + "!#%*+-=^_~"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def from_pattern(pattern: str, numbers: random.Random) -> str:
    """A text that a regular expression matches."""
    return "".join(_walk(_PARSER.parse(pattern), numbers))


def _walk(items: Iterable[tuple[Any, Any]], numbers: random.Random) -> Iterable[str]:
    for kind, value in items:
        if kind is _OPS.LITERAL:
            yield chr(value)
        elif kind is _OPS.IN:
            yield numbers.choice(_members(value))
        elif kind in (_OPS.NOT_LITERAL, _OPS.ANY):
            yield numbers.choice(_PRINTABLE)
        elif kind in (_OPS.MAX_REPEAT, _OPS.MIN_REPEAT, _OPS.POSSESSIVE_REPEAT):
            least, most, inner = value
            for _ in range(numbers.randint(least, min(most, least + _MORE))):
                yield from _walk(inner, numbers)
        elif kind is _OPS.BRANCH:
            yield from _walk(numbers.choice(value[1]), numbers)
        elif kind is _OPS.SUBPATTERN:
            yield from _walk(value[3], numbers)


def _members(items: Iterable[tuple[Any, Any]]) -> str:
    members = ""
    for kind, value in items:
        if kind is _OPS.NEGATE:
            return _PRINTABLE
        if kind is _OPS.LITERAL:
            members += chr(value)
        elif kind is _OPS.RANGE:
            members += "".join(map(chr, range(value[0], value[1] + 1)))
        else:
            members += _CATEGORIES[value]
    return members


def sample(form: Format, numbers: random.Random) -> str:
    """A token of a format, with the context that the format needs around it."""
    make = _MADE.get((form.vendor, form.type))
    if make:
        return make(numbers)
    assert isinstance(form.body, str)
    pattern = form.before + form.literal_pattern + f"(?:{form.body})"
    while True:
        token = from_pattern(pattern, numbers)
        if "w" in form.flags or (
            not is_words(token.encode()) and any(map(str.isdigit, token)) and any(map(str.isalpha, token))
        ):
            return token


def secret_in(form: Format, token: str) -> str:
    """What of a sample is redacted."""
    group = _GROUPS.get((form.vendor, form.type))
    if group is None and isinstance(form.body, str) and re.compile(form.body).groups:
        group = form.before + form.literal_pattern + f"(?:{form.body})"
    match = re.fullmatch(group, token, re.IGNORECASE if "i" in form.flags else 0) if group else None
    return match[1] if match else token


def _characters(numbers: random.Random, count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(numbers.choices(alphabet, k=count))


def base64_of(data: bytes, url: bool = False) -> str:
    return (base64.urlsafe_b64encode(data).rstrip(b"=") if url else base64.b64encode(data)).decode()


def jwt(numbers: random.Random) -> str:
    parts = [{"alg": "ES256", "kid": _characters(numbers, 8)}, {"sub": _characters(numbers, 12)}]
    return ".".join([*(base64_of(json.dumps(part).encode(), url=True) for part in parts), _signature(numbers)])


def jwe(numbers: random.Random) -> str:
    header = base64_of(json.dumps({"alg": "dir", "enc": "A128GCM"}).encode(), url=True)
    return f"{header}..{_signature(numbers)}.{_signature(numbers)}.{_signature(numbers)}"


def _signature(numbers: random.Random) -> str:
    return base64_of(numbers.randbytes(32), url=True)


def basic(numbers: random.Random) -> str:
    return "Basic " + base64_of(f"{_characters(numbers, 8)}:{_characters(numbers, 12)}".encode())


def pem(numbers: random.Random, label: str = "RSA PRIVATE KEY", dashes: str = "-----") -> str:
    data = base64_of(numbers.randbytes(200))
    lines = "\n".join(data[at : at + 64] for at in range(0, len(data), 64))
    return f"{dashes}BEGIN {label}{dashes}\n{lines}\n{dashes}END {label}{dashes}"


def with_crc32(prefix: str, numbers: random.Random) -> str:
    """A token of GitHub or npm with its checksum."""
    body = _characters(numbers, 30)
    checksum, digits = zlib.crc32(body.encode()), ""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    for _ in range(6):
        checksum, digit = divmod(checksum, 62)
        digits = alphabet[digit] + digits
    return prefix + body + digits


def extended_private_key(numbers: random.Random) -> str:
    data = bytes.fromhex("0488ade4") + numbers.randbytes(74)
    number = int.from_bytes(data + hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return text


def bech32(prefix: str, numbers: random.Random) -> str:
    """Bech32 of 32 bytes (BIP 173)."""
    values = [numbers.randrange(32) for _ in range(51)] + [16 * numbers.randrange(2)]
    expanded = [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]
    check = 1
    for value in [*expanded, *values, 0, 0, 0, 0, 0, 0]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1
    return f"{prefix}1" + "".join(
        _BECH32[value] for value in [*values, *(check >> 5 * (5 - at) & 31 for at in range(6))]
    )


def card(numbers: random.Random, prefix: str = "4", length: int = 16) -> str:
    """A card number with its check digit."""
    digits = prefix + _characters(numbers, length - 1 - len(prefix), string.digits)
    total = sum(int(digit) * 2 - 9 * (digit > "4") for digit in digits[::-2]) + sum(map(int, digits[-2::-2]))
    return digits + str(-total % 10)


def iban(numbers: random.Random, country: str = "DE", length: int = 22) -> str:
    """An IBAN with its check digits."""
    account = _characters(numbers, length - 4, string.digits)
    digits = int("".join(str(int(character, 36)) for character in account + country + "00"))
    return f"{country}{98 - digits % 97:02}{account}"


def _putty(numbers: random.Random) -> str:
    mac = _characters(numbers, 64, "0123456789abcdef")
    return f"Private-Lines: 1\n{base64_of(numbers.randbytes(36))}\nPrivate-MAC: {mac}"


def _facebook(numbers: random.Random) -> str:
    return f"{_characters(numbers, 15, string.digits)}|{_characters(numbers, 27)}"


_MADE: dict[tuple[str, str], Callable[[random.Random], str]] = {
    ("JOSE", "token"): jwe,
    ("JOSE", "token with a JSON payload"): jwt,
    ("HTTP", "Basic credentials"): basic,
    ("HTTP", "Bearer token"): lambda numbers: f"Bearer {_characters(numbers, 30)}",
    ("PEM", "private key"): pem,
    ("PEM", "SSH2 private key"): lambda numbers: pem(numbers, " SSH2 ENCRYPTED PRIVATE KEY ", "----").replace(
        "BEGIN  ", " BEGIN "
    ),
    ("PEM", "private key in base64"): lambda numbers: base64_of(pem(numbers).encode()),
    ("PuTTY", "private key"): _putty,
    ("URL", "password"): lambda numbers: f"://{_characters(numbers, 6)}:{_characters(numbers, 12)}@",
    ("curl", "user and password"): lambda numbers: f"curl -u {_characters(numbers, 6)}:{_characters(numbers, 12)}",
    ("netrc", "password"): lambda numbers: f"machine a.example login me password {_characters(numbers, 9)}",
    ("Bitcoin", "extended private key"): extended_private_key,
    ("Nostr", "private key"): partial(bech32, "nsec"),
    ("Facebook", "app access token"): _facebook,
}
_GROUPS = {
    ("URL", "password"): r"://\w+:(\w+)@",
    ("curl", "user and password"): r"curl -u (.*)",
    ("netrc", "password"): r"machine .* password (.*)",
}
