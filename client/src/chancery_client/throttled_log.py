"""Warnings of the client, each code at most once a minute: a fault of the host repeats with every event."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from chancery_client.metrics import Counter

log = logging.getLogger("chancery_client")

_INTERVAL = 60.0  # seconds


class ThrottledLog:
    """Logs `<name>_<code> <events> <detail of the last one>`: the events since the last line of that code.

    Never raises.
    """

    def __init__(self, name: str = "AUDIT", clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._events: dict[str, Counter] = {}
        self._logged: dict[str, int] = {}
        self._details: dict[str, str] = {}
        self._next: dict[str, float] = {}

    def warn(self, code: str, detail: str, events: int = 1) -> None:
        """Counts the events and logs them, unless that code was logged in the last minute."""
        self._events.setdefault(code, Counter()).add(events)
        self._details[code] = detail
        now = self._clock()
        if now >= self._next.get(code, now):
            self._next[code] = now + _INTERVAL
            self._write(code)

    def flush(self) -> None:
        """Logs what has been counted and not logged."""
        for code in list(self._events):
            self._write(code)

    def _write(self, code: str) -> None:
        total = self._events[code].value
        events = total - self._logged.get(code, 0)
        self._logged[code] = total
        if events:
            with suppress(Exception):
                log.warning("%s_%s %d %s", self._name, code, events, self._details[code])
