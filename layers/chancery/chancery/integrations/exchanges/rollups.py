"""Rollups: finished exchanges by system, endpoint and the time they began, with a histogram of their durations.

A bucket n > 0 has the durations in (1.1^(n-1), 1.1^n] ms, the bucket 0 those of at most 1 ms. So a percentile is
within 5 % of the true one, and histograms can be added. Source: DDSketch (Masson et al., VLDB 2019, section 2).
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

GAMMA = 1.1
_LN_GAMMA = math.log(GAMMA)
_STORED_FOR = {"minute": timedelta(days=2), "hour": timedelta(days=90)}
OUTCOMES = {"SUCCESS": "success", "FAILED": "failed", "TIMEOUT": "timeout", "CANCELLED": "cancelled"}


class RollupKey(NamedTuple):
    """What a rollup counts. `endpoint_code` None: all endpoints of the system."""

    tenant_id: str
    system_code: str
    endpoint_code: str | None
    period: str
    begins_on: datetime

    def query(self) -> dict[str, Any]:
        """The MongoDB query of the rollup."""
        return {
            "tenantId": self.tenant_id,
            "systemCode": self.system_code,
            "endpointCode": self.endpoint_code,
            "period": self.period,
            "beginsOn": self.begins_on,
        }

    @property
    def expires_on(self) -> datetime:
        return self.begins_on + _STORED_FOR[self.period]


def bucket_of(duration_ms: int) -> int:
    """The bucket of a duration in milliseconds."""
    return 0 if duration_ms <= 1 else math.ceil(math.log(duration_ms) / _LN_GAMMA)


def duration_of(bucket: int) -> int:
    """The duration in milliseconds that stands for a bucket: within 5 % of all that are in it."""
    return round(GAMMA**bucket * 2 / (GAMMA + 1))


def increments(exchanges: Iterable[Mapping[str, Any]]) -> dict[RollupKey, Counter[str]]:
    """What finished exchanges add to which rollups, by the path of the field.

    An exchange that is in the rollups with another outcome (`countedAs`) is moved.
    """
    found: dict[RollupKey, Counter[str]] = {}
    for exchange in exchanges:
        changes = Counter[str]()
        _add(changes, exchange["status"], exchange["durationMs"], 1)
        if before := exchange.get("countedAs"):
            _add(changes, before["status"], before["durationMs"], -1)
        for key in _keys(exchange):
            counted = found.setdefault(key, Counter())
            for path, number in changes.items():
                counted[path] += number
    return found


def _add(counter: Counter[str], status: str, duration_ms: int, number: int) -> None:
    counter["total"] += number
    counter[OUTCOMES[status]] += number
    counter["durationMs"] += number * duration_ms
    counter[f"durations.{bucket_of(duration_ms)}"] += number


def _keys(exchange: Mapping[str, Any]) -> Iterator[RollupKey]:
    started: datetime = exchange["startedAt"]
    minute = started.replace(second=0, microsecond=0)
    codes = {None, exchange.get("endpointCode")}
    for period, begins_on in (("minute", minute), ("hour", minute.replace(minute=0))):
        for endpoint_code in codes:
            yield RollupKey(exchange["tenantId"], exchange["systemCode"], endpoint_code, period, begins_on)


@dataclass(slots=True)
class Figures:
    """Sums over rollups, and what follows from them."""

    counts: Counter[str] = field(default_factory=Counter)
    durations: dict[str, int] = field(default_factory=dict)  # by the number of the bucket, as rollups have it

    def add_rollup(self, rollup: Mapping[str, Any]) -> None:
        """Adds a stored rollup."""
        for name in ("total", "durationMs", *OUTCOMES.values()):
            self.counts[name] += rollup.get(name, 0)
        durations = self.durations
        for bucket, number in rollup["durations"].items():
            durations[bucket] = durations.get(bucket, 0) + number

    def add_exchange(self, exchange: Mapping[str, Any]) -> None:
        """Adds a finished exchange that is in no rollup yet."""
        self.counts["total"] += 1
        self.counts[OUTCOMES[exchange["status"]]] += 1
        self.counts["durationMs"] += exchange["durationMs"]
        bucket = str(bucket_of(exchange["durationMs"]))
        self.durations[bucket] = self.durations.get(bucket, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """Counts, `successRate` in percent, and durations in ms; rate and durations are null without an exchange."""
        total, success = self.counts["total"], self.counts["success"]
        return {
            "totalRequests": total,
            "successful": success,
            **{name: self.counts[name] for name in ("failed", "timeout", "cancelled")},
            "successRate": round(100 * success / total, 2) if total else None,
            "avgDurationMs": round(self.counts["durationMs"] / total, 2) if total else None,
            **{f"p{share}DurationMs": self._percentile(share) for share in (50, 95, 99)},
        }

    def _percentile(self, share: int) -> int | None:
        """The duration that so many percent of the exchanges do not exceed, within 5 %."""
        left = math.ceil(sum(self.durations.values()) * share / 100)
        for bucket in sorted(self.durations, key=int):
            left -= self.durations[bucket]
            if self.durations[bucket] and left <= 0:
                return duration_of(int(bucket))
        return None
