"""Retries with exponential backoff for as long as the service is unavailable."""

import math
import time
from collections.abc import Callable

from chancery.cli.errors import CommandError, ProblemError, Unreachable

_FIRST_PAUSE, _MAX_PAUSE = 1.0, 30.0  # seconds; `Retry-After` may be longer


class Retry:
    """Calls a function until it succeeds; prints one message per outage on stderr.

    `deadline`: a time of the monotonic clock after which there is no further attempt, and the error is raised.
    """

    def __init__(self, deadline: float = math.inf) -> None:
        self._deadline = deadline

    def call[A](self, function: Callable[[], A]) -> A:
        """The function's result. Raises its errors that are not transient."""
        pause = _FIRST_PAUSE
        reported = False
        while True:
            try:
                return function()
            except (ProblemError, Unreachable) as exc:
                wait = max(pause, _retry_after(exc))
                if not _is_transient(exc) or time.monotonic() + wait > self._deadline:
                    raise
                if not reported:
                    _report(exc)
                reported = True
                time.sleep(wait)
                pause = min(pause * 2, _MAX_PAUSE)


def _is_transient(exc: CommandError) -> bool:
    return not isinstance(exc, ProblemError) or exc.status == 429 or exc.status >= 500


def _retry_after(exc: CommandError) -> float:
    return (exc.retry_after or 0.0) if isinstance(exc, ProblemError) else 0.0


def _report(exc: Exception) -> None:
    from chancery.cli.render import err

    err.print(f"{str(exc).rstrip('.')}; trying again until the service is back.", soft_wrap=True)
