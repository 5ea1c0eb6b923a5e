"""JSON values redacted by name, and where there may be something by value: a copy without what is never kept."""

from typing import Any

from .credentials import is_card_number
from .names import MAX_DEPTH, NAMING, PLURAL, REDACTED, RULES, VALUE, is_kept, unique
from .prefilter import may_hold_secrets
from .text_engine import redact_text

_PLAIN_TYPES = frozenset((str, int, bool, float, type(None)))
_SHORTEST_KEY = 12  # characters that may hold a credential


def may_hold_credentials(json_text: str) -> bool:
    """Whether the value rule could find anything in this raw JSON text; False only where it provably cannot."""
    return may_hold_secrets(json_text.encode(errors="replace"))


def redact(value: Any, *, search_values: bool = True, depth: int = 0) -> Any:
    """A redacted copy of a JSON value (dict, list, str, number, bool, None).

    `search_values=False` applies the name rule alone, for input that `may_hold_credentials` has cleared. What lies
    deeper than `MAX_DEPTH` is replaced whole: nothing unseen passes.
    """
    kind = type(value)
    if kind is dict:
        return _redact_object(value, search_values, depth)
    if kind is list or kind is tuple:
        return _redact_list(value, search_values, depth)
    if not search_values:
        return value
    if kind is str:
        return redact_text(value, depth)
    if (kind is int or kind is float) and is_card_number(value):
        return REDACTED
    return value


def _redact_list(source: list[Any] | tuple[Any, ...], search_values: bool, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return REDACTED
    if not search_values and _PLAIN_TYPES.issuperset(map(type, source)):
        return list(source)
    clean = [redact(item, search_values=search_values, depth=depth + 1) for item in source]
    for at, item in enumerate(source):
        if type(item) in (list, tuple) and len(item) == 2 and type(item[0]) is str and type(clean[at]) is list:
            rule = RULES[item[0]]
            if rule >= PLURAL and not is_kept(rule, item[1]):
                clean[at][1] = REDACTED  # headers often travel as `[["Authorization", ...]]`
    return clean


def _redact_object(source: dict[str, Any], search_values: bool, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return REDACTED
    clean: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    roles = 0
    for key, value in source.items():
        rule = RULES[key]
        if not rule and not search_values and type(value) in _PLAIN_TYPES:
            clean[key] = value
            continue
        if rule:
            if rule >= PLURAL:
                if not is_kept(rule, value):
                    value = REDACTED
            else:
                roles |= rule
        if search_values:
            key = unique(redact_text(key, depth + 1) if len(key) >= _SHORTEST_KEY else key, clean, numbers)
        clean[key] = redact(value, search_values=search_values, depth=depth + 1)
    if roles == NAMING | VALUE:
        _redact_pair(source, clean)
    return clean


def _redact_pair(source: dict[str, Any], clean: dict[str, Any]) -> None:
    """Headers and form fields often travel as `{"name": "Authorization", "value": ...}`."""
    named = [RULES[value] for key, value in source.items() if RULES[key] == NAMING and type(value) is str]
    rule = max(named, default=0)
    if rule >= PLURAL:
        for key, value in source.items():
            if RULES[key] == VALUE and not is_kept(rule, value):
                clean[key] = REDACTED
