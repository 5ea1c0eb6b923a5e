"""JSONata expressions, compiled and evaluated without limits: only for the process of its own (`process.py`)."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from jsonata import JException, Jsonata

from chancery.integrations.transforms.codes import UnknownCode, code_functions
from chancery.integrations.transforms.corrections import correct_operators, join_surrogates, nodes
from chancery.integrations.transforms.failures import Failure
from chancery.integrations.transforms.functions import install
from chancery.integrations.transforms.patterns import Pattern, UnfitPattern
from chancery.integrations.transforms.results import as_json_value

_CACHED = 200  # expressions
_REMOVED = ("eval",)


class Undefined(NamedTuple):
    """The result of an expression that selects nothing."""


UNDEFINED = Undefined()


class Expressions:
    """Compiles expressions, and remembers those that were used last."""

    def __init__(self) -> None:
        install()
        correct_operators()
        self._compiled: OrderedDict[str, Jsonata] = OrderedDict()

    def compile(self, source: str) -> Jsonata:
        """The compiled expression. Raises Failure with the position of what is wrong."""
        if source in self._compiled:
            self._compiled.move_to_end(source)
            return self._compiled[source]
        try:
            compiled = Jsonata(f"{source} ", _pattern)  # it reads past a comment at the end
        except JException as exc:
            raise _failure(exc, len(source)) from None
        except UnfitPattern as exc:
            raise Failure(f"a regular expression {exc}", "S0303") from None
        except RecursionError:
            raise Failure("it is nested too deeply", "depth") from None
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
            # The library's parser ends with these for some expressions, which the reference refuses too.
            raise Failure("it cannot be parsed", "S0500") from None
        for node in nodes(compiled.ast):
            if node.type == "variable" and node.value in _REMOVED:
                raise Failure(f"${node.value} is not available", "notAvailable", node.position or None)
        join_surrogates(compiled.ast)
        compiled.set_output_convert_nulls(False)
        self._compiled[source] = compiled
        if len(self._compiled) > _CACHED:
            self._compiled.popitem(last=False)
        return compiled

    def evaluate(
        self, source: str, value: Any, bindings: Mapping[str, Any], code_maps: Mapping[str, Mapping[str, Any]]
    ) -> Any:
        """The result for a JSON value, or UNDEFINED. Raises Failure."""
        compiled = self.compile(source)
        Jsonata.CURRENT.jsonata = compiled  # whose time `$now` has
        try:
            result = compiled.evaluate(value, {**code_functions(code_maps), **bindings})
        except JException as exc:
            raise _failure(exc, len(source)) from None
        except UnknownCode as exc:
            raise Failure(str(exc), "unknownCode") from None
        except RecursionError:
            raise Failure("a function of it calls itself too often", "depth") from None
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as exc:
            # What the library does not check; the reference has an error, too.
            raise Failure(
                f"a function or an operator does not take its arguments ({type(exc).__name__})", "type"
            ) from None
        return UNDEFINED if result is None and value is not None else as_json_value(result)


def _pattern(source: str, flags: Any) -> Pattern:
    return Pattern(source, ignore_case=flags.case_insensitive, multiline=flags.multiline)


def _failure(exc: JException, length: int) -> Failure:
    code, location = str(exc.error), exc.location
    return Failure(str(exc), code, min(location, length) if isinstance(location, int) and location > 0 else None)
