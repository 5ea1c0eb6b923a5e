"""Redaction, before anything else sees a value.

Two rules. A *name* rule: a key whose last words name personal data or a credential loses its value, at any depth and
in any spelling (camel, snake, kebab, header case). A *value* rule: text that holds a JWT, an AWS access key, a bearer
string, a private key or a payment card number loses that part. The name rule costs a dictionary look-up a key; the
value rule is left out where :func:`may_hold_credentials` has proved that there is nothing to find.
"""

import re
from functools import lru_cache
from typing import Any

import orjson

REDACTED = "[REDACTED]"
MAX_DEPTH = 64  # MongoDB stores 100 levels; the rest is for the documents around a value

_SENSITIVE = """
email, email address, e mail, emailaddress, phone, phone number, phonenumber, mobile, mobile number, telephone,
first name, firstname, last name, lastname, ip address, ipaddress,
password, password hash, password confirmation, passwd, passphrase, pwd, passcode,
authorization, proxy authorization, cookie, cookies, set cookie, jwt, bearer, bearer token,
api key, apikey, access key, secret access key, private key, signing key, encryption key,
secret, secrets, secret key, client secret, clientsecret, credential, credentials,
token, access token, refresh token, id token, session token, auth token, csrf token, card number, cvv, cvc
"""
_NAMES = frozenset(name.strip() for name in _SENSITIVE.split(","))
_LONGEST_NAME = max(name.count(" ") + 1 for name in _NAMES)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")

PATTERNS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?"
    r"|(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Z0-9])"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?i:\bbasic\s+)(?=[A-Za-z+/]*[0-9=])[A-Za-z0-9+/]{12,}={0,2}",
    re.DOTALL,
)
SIGNS = ("eyJ", "AKIA", "ASIA", "AROA", "AIDA", "PRIVATE KEY", "earer", "EARER", "asic ", "ASIC ")
CARD = re.compile(r"(?<![0-9A-Za-z])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_THIRTEEN_DIGITS = re.compile(r"[2-6](?:[ -]?[0-9]){12}")
_DIGITS, _ZEROS = bytes.maketrans(b"123456789", b"0" * 9), b"0" * 13
_JSON_IN_TEXT = re.compile(r'\{(?:\s|\\[nrt])*\\"')


@lru_cache(maxsize=8192)
def is_sensitive(name: str) -> bool:
    """Whether a key of this name never keeps its value, e.g. `customer_email`, `X-Api-Key`, `clientSecret`."""
    words = [word.lower() for word in _WORD.findall(name)]
    return any(" ".join(words[-count:]) in _NAMES for count in range(1, _LONGEST_NAME + 1))


def may_hold_credentials(json_text: str) -> bool:
    """Whether the value rule could find anything in this raw JSON text; False only where it provably cannot.

    Escaped characters (`\\u0065yJ...`) and JSON objects inside of strings count as a maybe.
    """
    digits = json_text.encode(errors="replace").translate(_DIGITS, b" -")  # a quarter of the pattern's time
    if _ZEROS in digits and _THIRTEEN_DIGITS.search(json_text):
        return True
    if "\\u" in json_text or _JSON_IN_TEXT.search(json_text):
        return True
    return any(sign in json_text for sign in SIGNS)


def redact(value: Any, *, search_values: bool = True, depth: int = 0) -> Any:
    """A redacted copy of a JSON value (dict, list, str, number, bool, None).

    `search_values=False` applies the name rule alone, for input that `may_hold_credentials` has cleared. What lies
    deeper than `MAX_DEPTH` is replaced whole: nothing unseen passes.
    """
    kind = type(value)
    if kind is dict:
        return _redact_object(value, search_values, depth)
    if kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            return REDACTED
        return [redact(item, search_values=search_values, depth=depth + 1) for item in value]
    if not search_values:
        return value
    if kind is str:
        return redact_text(value, depth)
    if kind is int and value >= 10**12 and is_card(str(value)):
        return REDACTED
    return value


def _redact_object(source: dict[str, Any], search_values: bool, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return REDACTED
    clean: dict[str, Any] = {}
    for key, value in source.items():
        if value is None:
            clean[key] = None
        elif is_sensitive(key):
            clean[key] = REDACTED
        elif not search_values and type(value) in (str, int, bool):
            clean[key] = value
        else:
            clean[key] = redact(value, search_values=search_values, depth=depth + 1)
    if "value" in clean and clean["value"] is not None and _names_something_sensitive(source):
        clean["value"] = REDACTED
    return clean


def _names_something_sensitive(pair: dict[str, Any]) -> bool:
    """Headers and form fields often travel as `{"name": "Authorization", "value": ...}`."""
    name = pair.get("name") or pair.get("key")
    return isinstance(name, str) and is_sensitive(name)


def redact_text(text: str, depth: int = 0) -> str:
    """The text with credentials replaced; JSON inside of it is redacted as JSON. `depth`: levels around the text."""
    if text.lstrip()[:1] in ("{", "["):
        inner = _redact_json(text, depth)
        if inner is not None:
            return inner
    if len(text) < 12:
        return text
    if any(sign in text for sign in SIGNS):
        text = PATTERNS.sub(REDACTED, text)
    return CARD.sub(lambda match: REDACTED if is_card(match[0]) else match[0], text)


def _redact_json(text: str, depth: int) -> str | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict | list):
        return None
    clean = redact(value, depth=depth)
    return text if clean == value else orjson.dumps(clean).decode()


def is_card(text: str) -> bool:
    """Luhn's check over 13 to 19 digits with an issuer's first digit (ISO/IEC 7812-1)."""
    digits = [int(char) for char in text if char.isdigit()]
    if not 13 <= len(digits) <= 19 or not 2 <= digits[0] <= 6:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
