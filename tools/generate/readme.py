"""The README's table of functions."""

import re
from collections.abc import Iterable, Sequence

from chancery.core.aws.declarations import Function
from chancery.core.web.routes import AnyRoute


def functions_table(functions: Sequence[Function], routes: Sequence[AnyRoute]) -> str:
    """What each function does, and when."""
    rows = (f"| `{item.name}` | {_trigger(item, routes)} | {item.summary} |" for item in functions)
    return "\n".join(("| function | trigger | what it does |", "|---|---|---|", *rows))


def _trigger(function: Function, routes: Iterable[AnyRoute]) -> str:
    methods: dict[str, list[str]] = {}
    for route in routes:
        if route.function == function.name:
            methods.setdefault(route.path, []).append(route.method)
    found = [f"`{', '.join(verbs)} {path}`" for path, verbs in methods.items()]
    if function.consumes:
        found.append(f"queue `{function.consumes}`")
    if function.schedule:
        found.append(re.sub(r"rate\((?:1 )?(.*)\)", r"every \1", function.schedule.expression))
    if function.trigger:
        found.append(function.trigger)
    return ", ".join(found)
