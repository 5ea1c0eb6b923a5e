"""Limits log lines that a caller can provoke at will."""

from collections.abc import Hashable
from datetime import datetime, timedelta

from chancery.core.formats.times import Clock, now

_INTERVAL = timedelta(minutes=1)
_MOST_KEYS = 1000  # that an execution environment remembers


class LogLimit:
    """Lets one line of a key through in a minute, and counts the others."""

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self._seen: dict[Hashable, tuple[datetime, int]] = {}

    def unlogged(self, key: Hashable) -> int | None:
        """How many lines of a key were held back since its last one; None where this one is held back, too."""
        moment = self._clock()
        last, held_back = self._seen.get(key, (None, 0))
        if last is not None and moment - last < _INTERVAL:
            self._seen[key] = (last, held_back + 1)
            return None
        if len(self._seen) >= _MOST_KEYS:
            self._seen.clear()
        self._seen[key] = (moment, 0)
        return held_back
