"""Filters of events by their data, in the language of EventBridge event patterns.

    {"actor": {"role": ["admin"]}, "amount": [{"numeric": [">", 100]}], "$or": [{"action": [{"prefix": "post."}]}, ...]}

All members of an object must match, and one item of a list. A matcher tests single values: of a list in the data one
of them must match, of a list of objects one object must match the whole pattern below it. A field that is missing or
has an object matches nothing but `{"exists": false}`. A value is tested once by each matcher of its path, and no
matcher tries twice: the time of a test grows with the product of the two sizes at most.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html. `cidr` is missing.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import orjson

MAX_BYTES = 4096  # of a filter as JSON, as EventBridge has it
MAX_DEPTH = 10  # of objects in objects

type Matches = Callable[[Mapping[str, Any]], bool]
type _Test = Callable[[Any], bool]

_COMPARISONS: Mapping[Any, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NO_MEMBERS: Mapping[str, Any] = {}


class FilterRefused(ValueError):
    """A filter that is not understood. `pointer`: the JSON pointer of the wrong part."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


def compiled(given: Mapping[str, Any]) -> Matches:
    """Whether data matches a filter. Raises FilterRefused."""
    if len(orjson.dumps(given)) > MAX_BYTES:
        raise FilterRefused("", f"must have at most {MAX_BYTES} bytes as JSON")
    return _pattern(given, "", 1)


def _pattern(given: Any, pointer: str, depth: int) -> Matches:
    if not isinstance(given, dict) or not given:
        raise FilterRefused(pointer, "must be an object with a member")
    if depth > MAX_DEPTH:
        raise FilterRefused(pointer, f"must have objects at most {MAX_DEPTH} deep")
    tests = [_member(name, inner, f"{pointer}/{_escaped(name)}", depth) for name, inner in given.items()]
    return lambda data: all(test(data) for test in tests)


def _member(name: str, given: Any, pointer: str, depth: int) -> Matches:
    if name == "$or":
        if not isinstance(given, list) or len(given) < 2:
            raise FilterRefused(pointer, "must be a list of at least two objects")
        choices = [_pattern(inner, f"{pointer}/{place}", depth + 1) for place, inner in enumerate(given)]
        return lambda data: any(matches(data) for matches in choices)
    if isinstance(given, dict):
        inside = _pattern(given, pointer, depth + 1)
        return lambda data: any(inside(inner) for inner in _objects(data.get(name)))
    if not isinstance(given, list) or not given:
        raise FilterRefused(pointer, "must be an object, or a list of values and matchers that is not empty")
    return _values(name, given, pointer)


def _values(name: str, given: list[Any], pointer: str) -> Matches:
    """The test of a field by values and matchers, of which one must match."""
    exact, tests, existence = set[Any](), list[_Test](), set[bool]()
    for place, item in enumerate(given):
        at = f"{pointer}/{place}"
        if not isinstance(item, dict):
            exact.add(_typed(item, at))
        elif "exists" in item:
            existence.add(_existence(item, at))
        else:
            tests.append(_matcher(item, at))

    def matches(data: Mapping[str, Any]) -> bool:
        found = list(_leaves(data[name])) if name in data else []
        if bool(found) in existence:
            return True
        return any(_key(value) in exact or any(test(value) for test in tests) for value in found)

    return matches


def _matcher(given: Mapping[str, Any], pointer: str) -> _Test:
    if len(given) != 1 or next(iter(given)) not in _MATCHERS:
        raise FilterRefused(pointer, f"must have one of: {', '.join(('exists', *_MATCHERS))}")
    ((name, operand),) = given.items()
    return _MATCHERS[name](operand, f"{pointer}/{name}")


# ---- matchers


def _existence(given: Mapping[str, Any], pointer: str) -> bool:
    if len(given) != 1 or not isinstance(given["exists"], bool):
        raise FilterRefused(pointer, "must have exists alone, true or false")
    return bool(given["exists"])


def _at_an_end(of_text: Callable[[str, str], bool], operand: Any, pointer: str) -> _Test:
    """prefix and suffix: a text, or `{"equals-ignore-case": text}`."""
    if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
        lower = _text(operand["equals-ignore-case"], pointer).lower()
        return lambda value: isinstance(value, str) and of_text(value.lower(), lower)
    end = _text(operand, pointer)
    return lambda value: isinstance(value, str) and of_text(value, end)


def _equals_ignore_case(operand: Any, pointer: str) -> _Test:
    lower = _text(operand, pointer).lower()
    return lambda value: isinstance(value, str) and value.lower() == lower


def _wildcard(operand: Any, pointer: str) -> _Test:
    """`*` is any text; the parts between are searched from left to right, so that none is tried twice."""
    first, *others = _parts(_text(operand, pointer), pointer)
    if not others:
        return lambda value: isinstance(value, str) and value == first
    *middle, last = others

    def test(value: Any) -> bool:
        if not isinstance(value, str) or not value.startswith(first) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        for part in middle:
            at = value.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return at <= end

    return test


def _parts(text: str, pointer: str) -> list[str]:
    """The texts between the stars of a wildcard; `\\*` is a star itself, `\\\\` a backslash."""
    parts, characters, starred = [""], iter(text), False
    for character in characters:
        if character == "*":
            if starred:
                raise FilterRefused(pointer, "must not have ** in it")
            parts.append("")
            starred = True
            continue
        starred = False
        if character == "\\":
            character = next(characters, "")
            if character not in ("*", "\\"):
                raise FilterRefused(pointer, r"may escape \* and \\ only")
        parts[-1] += character
    return parts


def _numeric(operand: Any, pointer: str) -> _Test:
    """`[">", 0, "<=", 5]`: one or two comparisons that must hold."""
    problem = 'must be a list as ["=", 5] or [">", 0, "<=", 5]'
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise FilterRefused(pointer, problem)
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    names = [name for name, _ in pairs]
    if not all(isinstance(name, str) and name in _COMPARISONS and _is_number(bound) for name, bound in pairs):
        raise FilterRefused(pointer, problem)
    if len(names) == 2 and not (names[0] in (">", ">=") and names[1] in ("<", "<=")):
        raise FilterRefused(pointer, "must have the lower bound before the upper one")
    comparisons = [(_COMPARISONS[name], bound) for name, bound in pairs]
    return lambda value: _is_number(value) and all(holds(value, bound) for holds, bound in comparisons)


def _anything_but(operand: Any, pointer: str) -> _Test:
    """Another value than these, or one that a matcher of texts does not match."""
    if isinstance(operand, dict):
        name = str(next(iter(operand), ""))
        if len(operand) != 1 or name not in _MATCHERS_OF_TEXT:
            raise FilterRefused(pointer, f"must have one of: {', '.join(_MATCHERS_OF_TEXT)}")
        found = operand[name]
        texts = found if isinstance(found, list) and found else [found]
        tests = [_MATCHERS_OF_TEXT[name](text, f"{pointer}/{name}") for text in texts]
        return lambda value: not any(test(value) for test in tests)
    given = operand if isinstance(operand, list) else [operand]
    if not given or any(item is None or isinstance(item, bool) for item in given):
        raise FilterRefused(pointer, "must be a text, a number, a list of them, or a matcher of texts")
    exact = {_typed(item, pointer) for item in given}
    return lambda value: _key(value) not in exact


_MATCHERS_OF_TEXT: Mapping[str, Callable[[Any, str], _Test]] = {
    "prefix": partial(_at_an_end, str.startswith),
    "suffix": partial(_at_an_end, str.endswith),
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
}
_MATCHERS: Mapping[str, Callable[[Any, str], _Test]] = {
    **_MATCHERS_OF_TEXT,
    "numeric": _numeric,
    "anything-but": _anything_but,
}


# ---- values


def _typed(value: Any, pointer: str) -> Any:
    if isinstance(value, list | dict):
        raise FilterRefused(pointer, "must be a text, a number, true, false, null or a matcher")
    return _key(value)


def _key(value: Any) -> tuple[bool, Any]:
    """A single value as it is compared: 1 is 1.0, and not true."""
    return isinstance(value, bool), value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        raise FilterRefused(pointer, "must be a text")
    return value


def _leaves(value: Any) -> Iterator[Any]:
    """The single values of a field: its own, or those of its list."""
    if not isinstance(value, list):
        if not isinstance(value, dict):
            yield value
        return
    for item in value:
        yield from _leaves(item)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a field: its own, or those of its list; one without members where there is none."""
    if isinstance(value, dict):
        return [value]
    found: list[Mapping[str, Any]] = []
    if isinstance(value, list):
        found = [item for item in value if isinstance(item, dict)]
    return found or [_NO_MEMBERS]


def _escaped(name: str) -> str:
    """A name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
