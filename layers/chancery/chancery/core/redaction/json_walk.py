"""JSON values redacted by name at any depth, and their strings and numbers by what they hold: a redacted copy."""

from typing import Any

from . import counts
from .cards import is_card_number
from .name_rules import MAX_DEPTH, NAMING, REDACTED, VALUE, WEAK_VALUE, Rule, unique
from .text_engine import Detector, detector, redact_text
from .values import is_sensitive
from .views import may_be_encoded

_PLAIN_TYPES = frozenset((str, int, bool, float, type(None)))
_SHORTEST_KEY = 12  # characters that may hold a credential
_MOST_FLAT = 2_000  # elements of a list that may be names and values in turn


def may_hold_credentials(json_text: str, using: Detector | None = None) -> bool:
    """Whether `search_values` could find anything in this raw JSON text; False only where it provably cannot."""
    return (using or detector()).holds_any(json_text.encode(errors="replace"), is_encoded=may_be_encoded(json_text))


def redact(value: Any, *, search_values: bool = True, depth: int = 0, using: Detector | None = None) -> Any:
    """A redacted copy of a JSON value (dict, list, str, number, bool, None).

    `search_values=False` applies the rules of names alone, for input that `may_hold_credentials` has cleared. What lies
    deeper than `MAX_DEPTH` is replaced whole. `using`: a tenant's own rules.
    """
    return _redacted(value, search_values, depth, using or detector())


def _redacted(value: Any, search: bool, depth: int, using: Detector) -> Any:
    kind = type(value)
    if kind is dict:
        return _object(value, search, depth, using)
    if kind is list or kind is tuple:
        return _list(value, search, depth, using)
    if not search:
        return value
    if kind is str:
        return redact_text(value, using)
    if kind is int or kind is float:
        return _number(value, using)
    return value


def _number(value: float, using: Detector) -> Any:
    if is_card_number(value):
        return counts.marker("payment card")
    edits = using.edits(str(value).encode()) if using.searches_short else []
    return counts.marker(edits[0].kind) if edits else value


def _object(source: dict[str, Any], search: bool, depth: int, using: Detector) -> Any:
    if depth >= MAX_DEPTH:
        return REDACTED
    clean: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    rules, roles = using.rules, 0
    shortest = 0 if using.searches_short else _SHORTEST_KEY
    for key, value in source.items():
        rule = rules[key]
        if search:
            key = unique(redact_text(key, using) if len(key) >= shortest else key, clean, numbers)
        if rule is not None:
            if rule.kind is None:
                roles |= rule.role
            elif is_sensitive(rule, value):
                clean[key] = counts.marker(rule.kind.name)
                continue
        if not search and type(value) in _PLAIN_TYPES:
            clean[key] = value
        else:
            clean[key] = _redacted(value, search, depth + 1, using)
    if roles & NAMING and roles > NAMING:
        _redact_named(source, clean, using)
    return clean


def _redact_named(source: dict[str, Any], clean: dict[str, Any], using: Detector) -> None:
    """What a member names: `{"name": "Authorization", "value": ...}`, `{"path": ["email"], "lhs": ..., "rhs": ...}`."""
    named = next((rule for key, value in source.items() if (rule := rule_named(key, value, using))), None)
    if named is None or named.kind is None:
        return
    for key, value in source.items():
        rule = using.rules[key]
        role = rule.role if rule else 0
        said = role == VALUE or (role == WEAK_VALUE and (not named.kind.personal or _is_shaped(named, value)))
        if said and key in clean and is_sensitive(named, value):
            clean[key] = counts.marker(named.kind.name)


def rule_named(key: str, value: Any, using: Detector) -> Rule | None:
    """The rule of the name that a member like `field` or `path` holds."""
    rule = using.rules[key]
    if rule is None or rule.role != NAMING:
        return None
    if type(value) is list:
        value = next((item for item in reversed(value) if type(item) is str), None)
    named = using.rules[value] if type(value) is str else None
    return named if named and named.kind else None


def _is_shaped(rule: Rule, value: Any) -> bool:
    return type(value) is not str or (rule.kind is not None and bool(rule.kind.shape.search(value)))


def _list(source: list[Any] | tuple[Any, ...], search: bool, depth: int, using: Detector) -> Any:
    if depth >= MAX_DEPTH:
        return REDACTED
    if not search and _PLAIN_TYPES.issuperset(map(type, source)):
        clean = list(source)
    else:
        clean = [_redacted(item, search, depth + 1, using) for item in source]
        for at, item in enumerate(source):
            if type(item) in (list, tuple) and len(item) == 2 and type(item[0]) is str and type(clean[at]) is list:
                rule = using.rules[item[0]]  # headers often travel as `[["Authorization", ...]]`
                if rule and rule.kind and is_sensitive(rule, item[1]):
                    clean[at][1] = counts.marker(rule.kind.name)
    if 2 <= len(source) <= _MOST_FLAT and not len(source) % 2 and type(source[0]) is str:
        _redact_flat(source, clean, using)
    return clean


def _redact_flat(source: list[Any] | tuple[Any, ...], clean: list[Any], using: Detector) -> None:
    """Names and values in turn, as Node's `rawHeaders`: `["Cookie", "sid=abc", "X-Api-Key", "k-123"]`."""
    if any(type(item) is not str for item in source):
        return
    for at in range(0, len(source), 2):
        rule, value = using.rules[source[at]], source[at + 1]
        if rule and rule.kind and not using.rules[value] and is_sensitive(rule, value) and _stands_out(rule, value):
            clean[at + 1] = counts.marker(rule.kind.name)


def _stands_out(rule: Rule, value: str) -> bool:
    """Whether an element of a list is a value and not one more name or word."""
    if rule.kind is not None and rule.kind.personal:
        return bool(rule.kind.shape.search(value)) and not value.isalpha()
    return any(char.isdigit() or char in "=:/+" for char in value)
