"""Corrections to parser and operators of jsonata-python, where these differ from the reference implementation."""

import copy
import math
import re
from collections.abc import Iterator
from functools import wraps
from typing import Any

from jsonata import JException, Jsonata, Parser, Utils

from chancery.integrations.transforms.failures import Failure

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def correct_operators() -> None:
    """Corrects `?:`, `??`, `%` and `in`, for every expression of this process."""
    Jsonata.evaluate_includes_expression = _includes
    if not hasattr(Jsonata.evaluate_range_expression, "__wrapped__"):
        Jsonata.evaluate_range_expression = _of_exact_numbers(Jsonata.evaluate_range_expression)
    if not hasattr(Jsonata.evaluate_numeric_expression, "__wrapped__"):
        Jsonata.evaluate_numeric_expression = _with_modulo(Jsonata.evaluate_numeric_expression)
    for operator in (Parser.InfixDefault, Parser.InfixCoalesce):
        if not hasattr(operator.led, "__wrapped__"):
            operator.led = _with_an_operand_of_its_own(operator.led)


def _with_an_operand_of_its_own(led: Any) -> Any:
    """The left operand is condition and result: shared, a minus in it would be applied twice."""

    @wraps(led)
    def parse(self: Any, left: Any) -> Any:
        parsed, parser = led(self, left), self._outer_instance
        parsed.then = copy.deepcopy(left, {id(parser): parser})
        return parsed

    return parse


def _with_modulo(evaluate: Any) -> Any:
    @wraps(evaluate)
    def evaluated(self: Any, left: Any, right: Any, operator: Any) -> Any:
        if operator != "%" or left is None or right is None or not (Utils.is_numeric(left) and Utils.is_numeric(right)):
            return evaluate(self, left, right, operator)
        if not right:
            raise JException("D1001", -1, "NaN")
        return Utils.convert_number(math.fmod(left, right))

    return evaluated


def _of_exact_numbers(evaluate: Any) -> Any:
    @wraps(evaluate)
    def evaluated(self: Any, left: Any, right: Any) -> Any:
        if any(isinstance(end, int) and abs(end) > 2**53 for end in (left, right)):
            raise Failure("a range of numbers beyond 2^53 is not supported", "notAvailable")
        return evaluate(self, left, right)

    return evaluated


def _includes(_: Any, left: Any, right: Any) -> bool:
    """`in`, by the equality of JavaScript's ===."""
    if left is None or right is None:
        return False
    return any(_is_same(left, item) for item in (right if isinstance(right, list) else [right]))


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return one is other
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def nodes(tree: Any) -> Iterator[Any]:
    """The nodes of a syntax tree."""
    seen: set[int] = set()
    stack = [tree]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, Parser.Symbol):
            yield item
            stack.extend(part for name, part in vars(item).items() if name != "_outer_instance")


def join_surrogates(tree: Any) -> None:
    """Makes one character of two escapes (`\\ud834\\udd1e`), which are one in JavaScript too."""
    for node in nodes(tree):
        if isinstance(node.value, str) and _PAIR.search(node.value):
            node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
