"""When a destination that fails is given up: after five days of nothing but failures, with warnings before. Pure.

The clock starts with the first failure of a series without a success and without a pause of more than 36 hours: single
failures of a destination with few events add up to nothing.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

GIVEN_UP_AFTER = timedelta(days=5)
WARNINGS = (50, 70, 90)  # percent of that time
_PAUSE = timedelta(hours=36)


class Failing(NamedTuple):
    """`since`: the first failure of a series. `last_on`: the last one. `warned`: the percentage of the last warning."""

    since: datetime | None = None
    last_on: datetime | None = None
    warned: int = 0

    def failed(self, now: datetime) -> "Failing":
        """The series after one more failure."""
        if self.since is None or self.last_on is None or now - self.last_on > _PAUSE:
            return Failing(now, now)
        return self._replace(last_on=now)

    @property
    def percent(self) -> int:
        """How much of the time to disabling has passed."""
        if self.since is None or self.last_on is None:
            return 0
        return int((self.last_on - self.since) / GIVEN_UP_AFTER * 100)

    @property
    def warning(self) -> int | None:
        """The percentage of which the tenant has to be warned now."""
        due = [percent for percent in WARNINGS if self.warned < percent <= self.percent]
        return due[-1] if due else None
