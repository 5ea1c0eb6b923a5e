"""The functions by which expressions use code maps: `$toExternal("uom", unit)` and `$toInternal("uom", unit)`."""

from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Jsonata

_SHOWN = 100  # characters of an unknown code


class UnknownCode(Exception):
    """A code that its map does not have, where the map refuses those."""


def code_functions(maps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The functions for some maps (`CodeMap.tables`), by their names."""
    return {
        "toExternal": Jsonata.JLambda(_function(maps, "toExternal", "defaultExternal")),
        "toInternal": Jsonata.JLambda(_function(maps, "toInternal", "defaultInternal")),
    }


def _function(maps: Mapping[str, Mapping[str, Any]], table: str, default: str) -> Callable[..., Any]:
    def convert(name: Any = None, code: Any = None, *_: Any) -> Any:
        if not isinstance(name, str) or name not in maps:
            known = ", ".join(sorted(maps)) or "none"
            raise UnknownCode(f"${table} names a code map that the system has not; it has: {known}")
        if isinstance(code, list):
            return [convert(name, item) for item in code]
        if code is None:
            return None
        found = maps[name][table].get(_text(code))
        return found if found is not None else _unknown(maps[name], name, code, maps[name][default])

    return convert


def _unknown(code_map: Mapping[str, Any], name: str, code: Any, default: Any) -> Any:
    if code_map["unknown"] == "pass":
        return code
    if code_map["unknown"] == "default" and default is not None:
        return default
    raise UnknownCode(f"the code map {name} has no code for {_text(code)[:_SHOWN]!r}")


def _text(code: Any) -> str:
    """A code as maps have it; numbers are written as JSON has them."""
    if isinstance(code, float) and code.is_integer():
        return str(int(code))
    return code if isinstance(code, str) else str(code)
