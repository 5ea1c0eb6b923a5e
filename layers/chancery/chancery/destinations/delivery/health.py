"""How a destination is, as a run knows and stores it: breaker, rate, series of failures, last results. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from chancery.core.mongo.client import Document
from chancery.destinations.delivery import breaker
from chancery.destinations.delivery.breaker import BreakerState
from chancery.destinations.delivery.failing import Failing
from chancery.destinations.delivery.machine import OWN_FAULT, DeliveryState
from chancery.destinations.delivery.rate import Rate
from chancery.destinations.ports import Result

_NEUTRAL = ("own_fault", "unsendable")  # say nothing about the receiver
_ANSWERS = ("accepted", "abort")  # of a receiver that works


@dataclass(slots=True)
class Health:
    """The part of a state that results of attempts change."""

    breaker: BreakerState
    rate: Rate
    failing: Failing
    delivered: int
    failed: int
    last: Document

    @classmethod
    def of(cls, state: Mapping[str, Any], per_second: int, now: datetime) -> Self:
        """The health in a stored state."""
        stored = state.get("breaker") or {}
        since, last_on = state.get("failingSince"), state.get("lastFailureOn")
        return cls(
            BreakerState(stored.get("failures", 0), stored.get("probeOn")),
            Rate(per_second, state.get("rateOn") or now, state.get("rateShare") or 1.0),
            Failing(since, last_on, state.get("warned") or 0),
            state.get("delivered") or 0,
            state.get("failed") or 0,
            {},
        )

    def add(self, result: Result, after: DeliveryState, now: datetime, chance: float, *, is_probe: bool) -> None:
        """Counts the result of an attempt, and what became of its delivery."""
        self.delivered += after.status == "delivered"
        self.failed += after.status == "failed"
        if result.verdict in _ANSWERS:
            self.breaker, self.failing, self.rate = breaker.CLOSED, Failing(), self.rate.faster()
            self.last["lastSuccessOn"] = now
        elif result.verdict not in _NEUTRAL:
            self.breaker = breaker.after_failure(self.breaker, now, chance, is_probe=is_probe)
            self.failing = self.failing.failed(now)
            error = {"reason": result.reason, "detail": result.detail, "status": result.status, "on": now}
            self.last |= {"lastFailureOn": now, "lastError": error}
            if result.verdict == "slow_down":
                self.rate = self.rate.slower(now, result.retry_after)
        elif is_probe and self.breaker.probe_on:  # it says nothing: another delivery is tried
            wait = OWN_FAULT if result.verdict == "own_fault" else timedelta()
            self.breaker = self.breaker._replace(probe_on=now + wait)

    def forget(self) -> None:
        """Forgets the failures, so that a destination that is enabled again begins anew."""
        self.breaker, self.failing = breaker.CLOSED, Failing()

    def fields(self) -> Document:
        """The fields of the state; None for those without a value."""
        opened = self.breaker.probe_on
        return {
            "breaker": {"failures": self.breaker.failures, **({"probeOn": opened} if opened else {})},
            "rateOn": self.rate.spent_until,
            "rateShare": self.rate.share,
            "failingSince": self.failing.since,
            "warned": self.failing.warned or None,
            "delivered": self.delivered,
            "failed": self.failed,
            **self.last,
        }
