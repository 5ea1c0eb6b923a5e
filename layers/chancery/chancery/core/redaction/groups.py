"""Whether a group or a call under a sensitive name holds a value: `['hunter2']` and `SecretStr('hunter2')` do."""

import json
import re
from collections.abc import Iterator

from .name_rules import Rule, is_name
from .patterns import Pattern
from .values import is_harmless, is_sensitive, is_word_of_description, reads_as_prose

_STRING = Pattern(r"\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)'|`([^`]*+)`", re.DOTALL)
_KEY_BEHIND = Pattern(r"\s*(?::|=>|\])")
_SUBSCRIPT = Pattern(r"[\w$.\])]\s*\[\s*\Z")
_WORDS = Pattern(r"[\w./+@#%!~^*-]{4,}")
_READS = Pattern(
    r"(?i)(?:[\w.:>-]*[._:>])?(?:get|load|read|fetch|env|environ|getenv|config|settings|input|prompt|lookup|find|param|parameter|var|variable|"
    r"resolve|generate|create|random|choice|uuid|hash|ask|request|require|import|file|open|path|exists|has|is|len|field|column|relationship)\w*\s*[(\[]"
)
_ENVIRONMENT_NAME = Pattern(r"[A-Z][A-Z0-9_]*|[a-z]+(?:[_./:-][a-z]+)*")


def group_is_sensitive(rule: Rule, text: str) -> bool:
    """Whether a bracketed value is: judged as JSON where it is that, else by its quotations and words."""
    try:
        return is_sensitive(rule, json.loads(text))
    except (ValueError, RecursionError):
        pass
    strings = list(_strings(text))
    if strings:
        return any(not is_harmless(one) and not is_word_of_description(one) for one in strings)
    kind = rule.kind
    if kind is None or text[0] == "(":
        return False
    words = _WORDS.findall(text)
    return any(any(char.isdigit() for char in word) and not word.isdigit() for word in words) and bool(
        kind.shape.search(text)
    )


def call_is_sensitive(rule: Rule, text: str) -> bool:
    """Whether a call's argument, `SecretStr('hunter2')`, is a value, and no name of one, `getenv('API_KEY')`."""
    reads = bool(_READS.match(text))
    for string in _arguments(text):
        named = is_name(string) or (reads and _ENVIRONMENT_NAME.fullmatch(string))
        if is_harmless(string) or named or is_word_of_description(string) or reads_as_prose(string):
            continue
        if not reads or (any(char.isdigit() for char in string) and not string.isdigit()):
            return rule.kind is not None and (not rule.kind.strict or bool(rule.kind.shape.search(string)))
    return False


def _arguments(text: str) -> Iterator[str]:
    """The quotations that a call is given as they are: not those in an object, or of a parameter's name."""
    for match in _STRING.finditer(text[: text.find("{")] if "{" in text else text):
        if text[: match.start()].rstrip(" \n\tbBrRuUfF")[-1:] in ("(", ",", "["):
            yield match[match.lastindex or 0]


def _strings(text: str) -> Iterator[str]:
    """The quotations in a group or call that are no keys."""
    for match in _STRING.finditer(text):
        if not _KEY_BEHIND.match(text, match.end()) and not _SUBSCRIPT.search(
            text[max(0, match.start() - 8) : match.start()]
        ):
            yield match[match.lastindex or 0]
