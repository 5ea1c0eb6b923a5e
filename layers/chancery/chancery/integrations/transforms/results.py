"""Results of expressions as JSON values."""

from typing import Any

from jsonata import Utils

from chancery.integrations.transforms.failures import Failure

MAX_OUTPUT = 4 * 1024 * 1024  # bytes of a result as JSON
_MAX_DEPTH = 100  # levels of a result
_EXACT = 2**53
_LARGEST = 2**63 - 1  # an integer as it is in JSON; a larger one is a float, as in JavaScript


def as_json_value(result: Any) -> Any:
    """The result as JSON has it. Raises Failure for what JSON has not, and for what is certainly too large."""
    return _Conversion().value(result)


def too_large() -> Failure:
    return Failure(f"the result is larger than {MAX_OUTPUT} bytes", "tooLarge")


class _Conversion:
    """Converts one result, and counts what it needs at least."""

    def __init__(self) -> None:
        self._size = 0

    def value(self, value: Any, depth: int = 0) -> Any:
        self._size += 1 + (len(value) if isinstance(value, str) else 0)
        if self._size > MAX_OUTPUT:
            raise too_large()
        if value is None or value is Utils.NULL_VALUE:
            return None
        if isinstance(value, str | bool):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if depth >= _MAX_DEPTH:
            raise Failure(f"the result is nested deeper than {_MAX_DEPTH} levels", "result")
        if isinstance(value, list):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, dict):
            self._size += sum(map(len, value))
            return {name: self.value(item, depth + 1) for name, item in value.items()}
        raise Failure("the result has a function in it, which JSON has not", "result")


def _number(value: float) -> float:
    """A whole number without a decimal point, as JavaScript writes it."""
    if isinstance(value, int):
        return value if -_LARGEST <= value <= _LARGEST else float(value)
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value
