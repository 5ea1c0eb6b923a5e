"""Batches of records in which an item fails alone."""

from collections.abc import Callable, Iterable, Iterator

from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.observability import logger


def attempt[T, R](step: Callable[[T], R], items: Iterable[T]) -> Iterator[R | ChanceryError]:
    """What a step returns for each item, lazily, or the error that it raised: an item fails alone.

    Raises Unavailable, which stops the others too.
    """
    for item in items:
        try:
            yield step(item)
        except Unavailable:
            raise
        except ChanceryError as exc:
            yield exc
        except Exception as exc:
            yield crash_error(exc)


def crash_error(exc: Exception) -> ChanceryError:
    """The error of an item whose processing failed unexpectedly; logs it."""
    logger.error("EVENT_CRASHED", error=type(exc).__name__)
    return ChanceryError("This event could not be processed; it has been logged.")
