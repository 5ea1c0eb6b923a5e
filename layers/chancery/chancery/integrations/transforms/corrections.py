"""Corrections to the parser of jsonata-python, where it reads an expression otherwise than the reference does."""

import copy
import re
from collections.abc import Iterator
from functools import wraps
from typing import Any

from jsonata import Parser

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def correct_parser() -> None:
    """Corrects `?:` and `??`, for every expression of this process."""
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
