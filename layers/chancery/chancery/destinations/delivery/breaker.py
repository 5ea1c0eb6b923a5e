"""The circuit breaker of a destination: while it is down only a probe is sent, after growing pauses. Pure.

It opens after some failures in a row. The other deliveries wait meanwhile and use up no retries: an outage of days
costs the receiver a request each half hour, and no delivery fails for it.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

TRIPS_AT = 5  # failures in a row
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 1_800.0  # seconds
_GROWTH, _MOST_STEPS, _JITTER = 3, 10, 0.2


class BreakerState(NamedTuple):
    """`failures` in a row; `probe_on`: when the next probe is sent, None while it is closed."""

    failures: int = 0
    probe_on: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.probe_on is not None


CLOSED = BreakerState()


def after_failure(state: BreakerState, now: datetime, chance: float, *, is_probe: bool) -> BreakerState:
    """The state after a failure. While it is open only the probe counts: others began before."""
    if state.is_open and not is_probe:
        return state
    failures = state.failures + 1
    if failures < TRIPS_AT:
        return state._replace(failures=failures)
    pause = min(_FIRST_PAUSE * _GROWTH ** min(failures - TRIPS_AT, _MOST_STEPS), _LONGEST_PAUSE)
    return BreakerState(failures, now + timedelta(seconds=pause * (1 + _JITTER * (chance - 0.5))))
