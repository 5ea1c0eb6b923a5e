"""The rule that finds sensitive names in any spelling; `sensitive_names` is the table.

`user_password`, `newPasswordHash`, `X-Api-Key`, `dbpassword` and `dateOfBirth` are found; `emailVerified` and
`tokenCount` are not. A name is split into words (camel, snake, kebab, header case), and its last words are looked up in
the table; words that only qualify (`old`, `hash`, `2`) may follow them.
"""

import unicodedata
from collections.abc import Container, Iterable
from typing import NamedTuple

from .literals import least
from .patterns import Pattern
from .sensitive_names import KINDS, Kind

REDACTED = "[REDACTED]"
MAX_DEPTH = 64  # MongoDB stores 100 levels; the rest is for the documents around a value


# Words that may follow a name: `passwordHash`, `email_old`. Digits are left out of names: `clientSecretV2`.
_QUALIFIERS = frozenset(
    """hash hashed digest encrypted enc old new previous prev current confirm confirmation confirmed repeat again
    primary secondary work home value val plain plaintext text string raw v input""".split()  # noqa: SIM905
)
_PASS_OF = frozenset("db user my smtp ftp admin root login mysql pg redis mail imap ldap proxy ssh wifi auth".split())  # noqa: SIM905
# Names that end like a sensitive one and are none.
_HARMLESS = """next token, page token, sync token, continuation token, next page token, cancellation token, mac address,
wallet address, contract address, memory address, bind address, listen address, server address, base address, passes"""

# Names that say what another member of their object means: `{"name": "password", "value": "hunter2"}`.
NAMING, VALUE, WEAK_VALUE = 1, 2, 4
_NAMING = """name, key, field, field name, header, header name, path, parameter, param, label, id, property,
property name,
    attribute, attr, column, column name, prop, variable, var, option, setting, title, question, type, pointer"""
_VALUES = """value, val, values, old value, new value, old val, new val, old, new, before, after, lhs, rhs,
previous, prev,
    current, original, updated, previous value, current value, original value, string value, value string, raw
    value, default value, modified"""
_WEAK_VALUES = "content, contents, text, data, answer, input, from, to, default, was, now, left, right, response"

_WORD = Pattern(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_MOST_WORDS = 4
_JOINTS = ("", " ", "_", "-", ".")
_SHORT, _AFTER_SHORT = 3, "=:\"'`*>]\\ _-s%"  # letters of a name that many words contain
_LONGEST = 100  # characters of a name, its last ones, that are looked at
_MOST_NAMES = 8192
_RUN_TOGETHER = 8  # letters of a name that is found at the end of a word: `dbpassword`
_SHORT_RUN_TOGETHER = frozenset(["email", "secret", "token", "cookie", "passwd", "pwd", "apikey", "surname", "iban"])


class Rule(NamedTuple):
    """What a name says: of its own value (`kind`), and of other members of its object (`role`, 0 for nothing)."""

    kind: Kind | None
    plural: bool = False
    role: int = 0


def _joined(names: str) -> list[str]:
    return ["".join(name.split()) for name in names.split(",")]


_KIND_OF = {name: kind for kind in reversed(KINDS) for name in _joined(kind.names)}
_DISTINCT = frozenset(name for name in _KIND_OF if len(name) >= _RUN_TOGETHER) | _SHORT_RUN_TOGETHER
_NEVER = frozenset(_joined(_HARMLESS))
_ROLES = (
    dict.fromkeys(_joined(_WEAK_VALUES), WEAK_VALUE)
    | dict.fromkeys(_joined(_VALUES), VALUE)
    | dict.fromkeys(_joined(_NAMING), NAMING)
)


_VOCABULARY = (
    frozenset(word for kind in KINDS for word in kind.names.replace(",", " ").split())
    | frozenset(_DISTINCT | _QUALIFIERS | _PASS_OF)
    | frozenset(
        [
            "my",
            "your",
            "the",
            "app",
            "client",
            "access",
            "x",
            "user",
            "admin",
            "web",
            "service",
            "api",
            "id",
            "name",
            "new",
            "http",
            "https",
            "request",
            "response",
            "default",
        ]
    )
)


class Rules(dict[str, Rule | None]):
    """The rule of each name, None for a plain one; remembered, since a dictionary's look-up costs less than a call.

    `own`: a tenant's own names, in any spelling.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        super().__init__()
        self._own = {"".join(words_of(name)): OWN for name in own}

    def __missing__(self, name: str) -> Rule | None:
        rule = self._rule(words_of(name[-_LONGEST:]))
        if len(name) <= _LONGEST:
            if len(self) >= _MOST_NAMES:
                self.clear()
            self[name] = rule
        return rule

    def _rule(self, words: list[str]) -> Rule | None:
        if role := _ROLES.get("".join(words)):
            return Rule(None, role=role)
        rule = self._of_last(words)
        while rule is None and words and words[-1] in _QUALIFIERS:
            words.pop()
            rule = self._of_last(words)
        return rule

    def _of_last(self, words: list[str]) -> Rule | None:
        tails = ["".join(words[-count:]) for count in range(min(_MOST_WORDS, len(words)), 0, -1)]
        if not _NEVER.isdisjoint(tails):
            return None
        for tail in tails:
            for name, plural in ((tail, False), (tail.removesuffix("s"), True), (tail.removesuffix("es"), True)):
                if kind := self._own.get(name) or _KIND_OF.get(name):
                    return Rule(kind, plural and name != tail)
        return self._run_together(words[-1]) if words else None

    def _run_together(self, word: str) -> Rule | None:
        for ending in ("pass", "pw"):
            if word.endswith(ending) and word.removesuffix(ending) in _PASS_OF:
                return Rule(_KIND_OF["password"])
        for name in (word, word.removesuffix("s"), word.removesuffix("hash")):
            for start in range(len(name) - 2):
                if name[start:] in _DISTINCT:
                    return Rule(_KIND_OF[name[start:]], name + "s" == word)
        return None


OWN = Kind("own name", "", digits=1, objects=True)
RULES = Rules()


def is_sensitive(name: str) -> bool:
    """Whether a name stands for a credential or personal data, e.g. `customer_email`, `X-Api-Key`, `clientSecret`."""
    rule = RULES[name]
    return rule is not None and rule.kind is not None


def is_name(text: str) -> bool:
    """Whether a text is a sensitive name and nothing else, e.g. `apiKey`, `user_password`: its words are all known."""
    return (
        RULES[text] is not None
        and text.replace("_", "").replace("-", "").isalpha()
        and _VOCABULARY.issuperset(words_of(text))
    )


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: `X-Api-Key2` has `x`, `api` and `key`."""
    return [word.lower() for word in _WORD.findall(name if name.isascii() else _plain(name))]


def literals(kinds: Iterable[Kind] = KINDS) -> list[bytes]:
    """What a text must hold, in any case, to hold one of the names in any spelling. Of `ip`, what may follow it too."""
    names = {joint.join(name.split()) for kind in kinds for name in kind.names.split(",") for joint in _JOINTS} - {""}
    every = [
        (name + after).encode() for name in names for after in ("" if len(name) > _SHORT else _AFTER_SHORT) or ("",)
    ]
    return least(every)


def unique(name: str, taken: Container[str], numbers: dict[str, int]) -> str:
    """The name, or with a number behind it one that is not taken; `numbers` remembers the last number of each name."""
    own, number = name, numbers.get(name, 1)
    while own in taken:
        number += 1
        own = f"{name} {number}"
    if own is not name:
        numbers[name] = number
    return own


def _plain(name: str) -> str:
    """Without what only looks different: full-width letters, accents, and characters that cannot be seen."""
    text = unicodedata.normalize("NFKD", name)
    return "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Mn"))
