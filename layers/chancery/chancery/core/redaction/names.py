"""Which names never keep their value: of personal data and of credentials, in any spelling.

A name is split into words (camel, snake, kebab, header case) and its last words, joined, are looked up. So `PassWord`,
`user_password` and `newPasswordHash` are all passwords, and `emailVerified` is no address.
"""

import re
import unicodedata
from collections.abc import Container

REDACTED = "[REDACTED]"
MAX_DEPTH = 64  # MongoDB stores 100 levels; the rest is for the documents around a value

# What a member's name says of its value; `rule >= PLURAL` is sensitive.
PLAIN, NAMING, VALUE, PLURAL, PERSONAL, CREDENTIAL = range(6)

_PERSONAL_NAMES = """
email, email address, phone, phone number, mobile, mobile number, telephone, home phone, work phone, mobile phone,
first name, last name, given name, family name, surname,
user email, contact email, customer email, ip, ip addr, ip address, remote addr, forwarded for, real ip,
card number, credit card, credit card number, cvv, cvc, iban, ssn, social security number
"""
_CREDENTIAL_NAMES = """
password, password hash, password confirmation, passwd, passphrase, pwd, passcode, otp, new password, old password,
current password, user password,
authorization, proxy authorization, cookie, cookies, set cookie, jwt, bearer, bearer token,
api key, access key, access key id, secret access key, private key, signing key, encryption key, connection string,
secret, secrets, secret key, client secret, credential, credentials, x amz signature, code verifier,
token, access token, refresh token, id token, session token, auth token, csrf token, security token
"""
_PERSONAL = frozenset(name.replace(" ", "").strip() for name in _PERSONAL_NAMES.split(","))
_CREDENTIALS = frozenset(name.replace(" ", "").strip() for name in _CREDENTIAL_NAMES.split(","))
# Words that may stand behind a name; and counts of tokens are numbers, while a list of tokens is none.
_QUALIFIERS = frozenset(
    "hash old new previous prev current confirm confirmation repeat primary secondary work home value plain v".split()  # noqa: SIM905
)
_PLURALS = frozenset(name + ("es" if name.endswith("s") else "s") for name in _PERSONAL | _CREDENTIALS) - _CREDENTIALS
_PAGINATION = frozenset(["nexttoken", "pagetoken", "synctoken", "continuationtoken", "nextpagetoken"])
_NAMING = frozenset(["name", "key", "field", "header", "path", "parameter"])
_VALUES = frozenset(["value", "values", "oldvalue", "newvalue", "old", "new"])

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_MOST_WORDS = 4
_LONGEST = 100  # characters of a name, its last ones, that are looked at
_MOST_NAMES = 8192


class _Rules(dict[str, int]):
    """The rule of each name, remembered; a dictionary's look-up costs less than a call."""

    def __missing__(self, name: str) -> int:
        rule = _rule(name[-_LONGEST:])
        if len(name) <= _LONGEST:
            if len(self) >= _MOST_NAMES:
                self.clear()
            self[name] = rule
        return rule


RULES = _Rules()


def is_sensitive(name: str) -> bool:
    """Whether a value of this name is never kept, e.g. `customer_email`, `X-Api-Key`, `clientSecret`, `tokens`."""
    return RULES[name] >= PLURAL


def is_kept(rule: int, value: object) -> bool:
    """Whether a sensitive name's value says nothing: null, a flag, or under a plural a number."""
    return value is None or type(value) is bool or (rule == PLURAL and type(value) in (int, float))


def unique(name: str, taken: Container[str], numbers: dict[str, int]) -> str:
    """The name, or with a number behind it one that is not taken; `numbers` remembers where each name has come to."""
    own, number = name, numbers.get(name, 1)
    while own in taken:
        number += 1
        own = f"{name} {number}"
    if own is not name:
        numbers[name] = number
    return own


def _rule(name: str) -> int:
    words = [word.lower() for word in _WORD.findall(name if name.isascii() else _plain(name))]
    whole = "".join(words)
    if whole in _NAMING:
        return NAMING
    if whole in _VALUES:
        return VALUE
    rule = _last_words(words)
    while rule == PLAIN and words and words[-1] in _QUALIFIERS:
        words.pop()
        rule = _last_words(words)
    return rule


def _last_words(words: list[str]) -> int:
    tails = {"".join(words[-count:]) for count in range(1, _MOST_WORDS + 1)}
    if not tails.isdisjoint(_PAGINATION):
        return PLAIN
    if not tails.isdisjoint(_CREDENTIALS):
        return CREDENTIAL
    if not tails.isdisjoint(_PERSONAL):
        return PERSONAL
    return PLAIN if tails.isdisjoint(_PLURALS) else PLURAL


def _plain(name: str) -> str:
    """Without what only looks different: full-width letters and the like, and characters that cannot be seen."""
    return "".join(char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
