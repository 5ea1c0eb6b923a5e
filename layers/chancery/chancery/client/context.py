"""The trace that a host application's request belongs to, for every event written while it is handled."""

from collections.abc import Iterator
from contextlib import contextmanager

from chancery.core.formats.correlation import Correlation, correlation


@contextmanager
def correlated(ids: Correlation) -> Iterator[None]:
    """Events written inside of the block carry these ids."""
    token = correlation.set(ids)
    try:
        yield
    finally:
        correlation.reset(token)
