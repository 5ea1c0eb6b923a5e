"""The circuit breaker of a system: stops calls while the system is down. Pure; the store is in `store.py`.

Closed, it counts outcomes; it opens at a share of failures in a window, or after so many failures one after the other,
for systems with few calls. Open, it lets nothing through for a while; then one probe, whose outcome closes it or opens
it again. After Resilience4j, https://resilience4j.readme.io/docs/circuitbreaker, with the absolute trip added.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from chancery.integrations.registry.policies import BreakerPolicy

_RETAINED = 1000  # outcomes, the largest window


class BreakerState(NamedTuple):
    """`outcomes`: of the last calls, `1` for a failure. `open_until`: None while closed.

    `probe`: the request id of the attempt that is the probe. `probe_until`: its lease.
    """

    outcomes: str = ""
    open_until: datetime | None = None
    probe: str | None = None
    probe_until: datetime | None = None

    @property
    def name(self) -> str:
        """`closed`, `open`, or `half_open` while a probe is under way."""
        if self.open_until is None:
            return "closed"
        return "half_open" if self.probe else "open"


CLOSED = BreakerState()


def held_until(state: BreakerState, now: datetime) -> datetime | None:
    """When calls may ask again; None where one may go now."""
    if state.open_until is None:
        return None
    if state.open_until > now:
        return state.open_until
    return state.probe_until if state.probe_until and state.probe_until > now else None


def admit(state: BreakerState, attempt: str, now: datetime, lease: datetime) -> BreakerState | None:
    """The state with this attempt let through, as the probe where the breaker is open; None where it may not go."""
    if state.open_until is None:
        return state
    if held_until(state, now) is not None:
        return None
    return state._replace(probe=attempt, probe_until=lease)


def record(
    state: BreakerState, attempt: str, failed: bool | None, now: datetime, policy: BreakerPolicy
) -> BreakerState:
    """The state after an attempt; `failed` is None for an outcome that says nothing about the system.

    While the breaker is open only the probe counts: others began before.
    """
    if state.open_until is not None:
        if state.probe != attempt:
            return state
        if failed is None:
            return state._replace(probe=None, probe_until=None)
        return _opened(now, policy) if failed else CLOSED
    if failed is None:
        return state
    outcomes = (state.outcomes + str(int(failed)))[-min(policy.window_calls, _RETAINED) :]
    return _opened(now, policy) if failed and _trips(outcomes, policy) else state._replace(outcomes=outcomes)


def _trips(outcomes: str, policy: BreakerPolicy) -> bool:
    if len(outcomes) - len(outcomes.rstrip("1")) >= policy.consecutive_failures:
        return True
    failures = outcomes.count("1")
    return len(outcomes) >= policy.minimum_calls and failures * 100 >= policy.failure_percent * len(outcomes)


def _opened(now: datetime, policy: BreakerPolicy) -> BreakerState:
    return BreakerState(open_until=now + timedelta(seconds=policy.open_seconds))
