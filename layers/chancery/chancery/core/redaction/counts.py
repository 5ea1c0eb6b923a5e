"""Counts what is redacted in this process by kind, never by value, for a metric."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from .name_rules import REDACTED

_found: Counter[str] = Counter()


def marker(kind: str) -> str:
    """`[REDACTED]`, counted."""
    add(kind)
    return REDACTED


def add(kind: str) -> None:
    """Counts a redaction."""
    _found[kind] += 1


def take() -> dict[str, int]:
    """The counts since the last call, e.g. `{"password": 3}`."""
    taken = dict(_found)
    _found.clear()
    return taken


@contextmanager
def uncounted() -> Iterator[None]:
    """Nothing that is redacted meanwhile is counted."""
    before = _found.copy()
    try:
        yield
    finally:
        _found.clear()
        _found.update(before)
