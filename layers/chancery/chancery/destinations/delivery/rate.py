"""The rate of a destination: so many messages a second, and bursts of a second. Pure.

GCRA (ITU-T I.371): `spent_until` is the time until which messages are spent. After 429, 502 and 504 the rate is halved,
and grows again with each success.
"""

import math
from datetime import datetime, timedelta
from typing import NamedTuple

_LEAST_SHARE, _GROWTH = 1 / 64, 0.02
_LONGEST_PAUSE = timedelta(minutes=5)  # of a whole destination; a single message may wait for longer


class Rate(NamedTuple):
    """`share`: of `per_second`, what is used."""

    per_second: float
    spent_until: datetime
    share: float = 1.0

    @property
    def _each(self) -> timedelta:
        return timedelta(seconds=1 / (self.per_second * self.share))

    @property
    def _burst(self) -> int:
        return max(1, math.floor(self.per_second * self.share))

    def available(self, now: datetime) -> int:
        """How many messages may be sent now."""
        ahead = max(self.spent_until - now, timedelta())
        return max(0, math.floor((self._burst * self._each - ahead) / self._each + 1e-6))

    def next_on(self, now: datetime) -> datetime:
        """When the next message may be sent, `now` at the earliest."""
        return max(now, self.spent_until - (self._burst - 1) * self._each)

    def spend(self, messages: int, now: datetime) -> "Rate":
        """The rate after messages that are sent now."""
        return self._replace(spent_until=max(self.spent_until, now) + messages * self._each)

    def slower(self, now: datetime, retry_after: timedelta | None) -> "Rate":
        """The rate after the receiver asked to slow down, with no message before the time that it names."""
        slow = self._replace(share=max(_LEAST_SHARE, self.share / 2))
        pause = min(retry_after or timedelta(), _LONGEST_PAUSE)
        return slow._replace(spent_until=max(self.spent_until, now + pause + (slow._burst - 1) * slow._each))

    def faster(self) -> "Rate":
        """The rate after a success."""
        return self if self.share >= 1 else self._replace(share=min(1.0, self.share + _GROWTH))
