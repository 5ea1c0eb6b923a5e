"""Ends a process at a chosen step, so that a test can kill it at each one."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

Kinds = tuple[tuple[Any, tuple[str, ...]], ...]  # classes or objects, and those of their methods that are steps


class Crash(BaseException):
    """The end of the process; no code may catch this."""


def crash(*_: Any, **__: Any) -> None:
    """Takes the place of any call, at which the process then ends."""
    raise Crash


@contextmanager
def crashing(place: int, kinds: Kinds, *, before: bool = False) -> Iterator[Counter[str]]:
    """Ends the block after step number `place`, from 1, or `before` it. Counts the steps `taken`, and `crashed`."""
    steps: Counter[str] = Counter()

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            result = None if before else real(*args, **kwargs)
            steps["taken"] += 1
            if steps["taken"] == place:
                steps["crashed"] = 1
                raise Crash
            return real(*args, **kwargs) if before else result

        return step

    with pytest.MonkeyPatch.context() as patch, suppress(Crash):
        for owner, names in kinds:
            for name in names:
                patch.setattr(owner, name, wrap(getattr(owner, name)))
        yield steps
