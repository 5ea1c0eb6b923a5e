"""Asking again for as long as the service is away."""

import math
import time
from collections.abc import Callable

from chancery.cli.api import ProblemError, Unreachable

_PAUSES = (1.0, 30.0)  # seconds: the first, and the longest unless the service names a longer one


class Retry:
    """Repeats a question until it is answered, at longer and longer intervals; says so on stderr once an outage.

    `until` is a moment of the monotonic clock: later it is not asked again, and the error is raised.
    """

    def __init__(self, until: float = math.inf) -> None:
        self._until = until

    def ask[A](self, question: Callable[[], A]) -> A:
        """The answer. Raises what another try would not mend."""
        pause, longest = _PAUSES
        told = False
        while True:
            try:
                return question()
            except (ProblemError, Unreachable) as exc:
                wait = max(pause, _asked_for(exc))
                if not _passes(exc) or time.monotonic() + wait > self._until:
                    raise
                if not told:
                    _say(exc)
                told = True
                time.sleep(wait)
                pause = min(pause * 2, longest)


def _passes(exc: ProblemError | Unreachable) -> bool:
    return isinstance(exc, Unreachable) or exc.status == 429 or exc.status >= 500


def _asked_for(exc: ProblemError | Unreachable) -> float:
    return (exc.retry_after or 0.0) if isinstance(exc, ProblemError) else 0.0


def _say(exc: Exception) -> None:
    from chancery.cli.render import err

    err.print(f"{str(exc).rstrip('.')}; trying again until the service is back.", soft_wrap=True)
