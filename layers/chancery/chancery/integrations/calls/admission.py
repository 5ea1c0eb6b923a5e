"""Whether the next attempt of a call may begin: the circuit breaker of its system, and the rate limits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from chancery.core.formats.identifiers import tenant_folder
from chancery.core.web.rate_limits import RateCounters, RateLimit
from chancery.integrations.calls import breaker
from chancery.integrations.calls.breaker import BreakerState
from chancery.integrations.calls.machine import Admitted, Held
from chancery.integrations.registry.models import Target
from chancery.integrations.registry.policies import CallRate


class Breakers(Protocol):
    """The circuit breakers of systems; `store.BreakerStore`."""

    def get(self, tenant_id: str, system_id: str) -> BreakerState: ...
    def change(
        self, tenant_id: str, system_id: str, work: Callable[[BreakerState], BreakerState | None]
    ) -> BreakerState | None: ...


class CallLimits:
    """The rate limits of systems and endpoints, over all instances of all functions."""

    def __init__(self, counters: RateCounters) -> None:
        self._counters = counters

    def take(self, target: Target) -> timedelta | None:
        """Counts an attempt; None where it passes, else the time to wait for its turn. Raises Unavailable.

        What is counted and then not used, since another limit holds the call, is given back.
        """
        taken: list[tuple[str, RateLimit]] = []
        for key, limit in limits_of(target):
            if self._counters.take(key, limit)["granted"]:
                taken.append((key, limit))
                continue
            for earlier in taken:
                self._counters.give_back(*earlier)
            return timedelta(seconds=self._counters.wait(f"{key}:queue", limit))
        return None

    def give_back(self, target: Target) -> None:
        """Undoes the count of an attempt that has passed and is not made. Raises Unavailable."""
        for key, limit in limits_of(target):
            self._counters.give_back(key, limit)


def limits_of(target: Target) -> list[tuple[str, RateLimit]]:
    """The rate limits of a target, each with the key of its counter."""
    system = target.system
    name = f"calls:{tenant_folder(system.tenant_id)}/{system.code}"  # no other tenant's, whatever characters it has
    limits: list[tuple[str, CallRate | None]] = [
        (name, system.rate_limit),
        (f"{name}/{target.endpoint.code}", target.endpoint.rate_limit),
    ]
    return [(key, RateLimit(rate.requests / rate.per_seconds, rate.burst)) for key, rate in limits if rate]


class Limits(Protocol):
    """Counts attempts; `CallLimits`."""

    def take(self, target: Target) -> timedelta | None: ...
    def give_back(self, target: Target) -> None: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """Lets attempts through, or says when to ask again. `chance`: a number from 0 to 1, which spreads them."""

    breakers: Breakers
    limits: Limits
    chance: Callable[[], float]

    def ask(self, target: Target, attempt: str, now: datetime, lease: datetime) -> Admitted | Held:
        """Admitted until `lease`, or Held. Raises Unavailable.

        The rate limit is asked only where the breaker may let the attempt through, and the breaker decides last, so
        that a probe is an attempt that is sent.
        """
        system = target.system
        until = breaker.held_until(self.breakers.get(system.tenant_id, system.ref_id), now)
        if until is not None:
            return self._held_by_breaker(target, until)
        wait = self.limits.take(target)
        if wait is not None:
            return Held(now + max(wait, timedelta(milliseconds=1)), "rate_limited")
        admitted = self.breakers.change(
            system.tenant_id, system.ref_id, lambda state: breaker.admit(state, attempt, now, lease)
        )
        return Admitted(lease) if admitted is not None else self._held_by_breaker(target, lease)

    def withdraw(self, target: Target, attempt: str, now: datetime) -> None:
        """Undoes an admission: no attempt is made, since the call has been cancelled. Raises Unavailable."""
        self.limits.give_back(target)
        self.report(target, attempt, None, now)

    def report(self, target: Target, attempt: str, is_down: bool | None, now: datetime) -> None:
        """Has the breaker count an outcome. Raises Unavailable."""
        system = target.system
        self.breakers.change(
            system.tenant_id,
            system.ref_id,
            lambda state: breaker.record(state, attempt, is_down, now, system.breaker),
        )

    def _held_by_breaker(self, target: Target, until: datetime) -> Held:
        spread = timedelta(seconds=target.system.breaker.open_seconds * self.chance())
        return Held(until + spread, "breaker_open")
