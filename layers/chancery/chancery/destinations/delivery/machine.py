"""The states of a delivery and what each event makes of it. Pure: no clock, no I/O, no chance.

    blocked ──► pending ──► delivered | failed
                 ▲    │          │
                 └────┴ retry    └── replay, a new round

The schedule of retries is that of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): ten attempts, three days.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from chancery.destinations.models import DeliveryStatus
from chancery.destinations.ports import Result

SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
LONGEST_WAIT = SCHEDULE[-1]  # that a receiver may ask for
ACTIVE: tuple[DeliveryStatus, ...] = ("pending", "blocked")
OWN_FAULT = timedelta(minutes=1)  # until a delivery is tried again that failed by our own fault
_JITTER = 0.2  # of a wait, so that what failed together is not repeated together


class DeliveryState(NamedTuple):
    """Where a delivery is; see `models.Delivery`."""

    status: DeliveryStatus
    reason: str
    round: int
    attempt: int
    retries: int
    due_on: datetime | None

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class Attempted(NamedTuple):
    """An attempt has ended. `is_probe`: of a destination that is down. `chance`: a number from 0 to 1, for jitter."""

    attempt: int
    result: Result
    now: datetime
    chance: float
    is_probe: bool = False


class Unblocked(NamedTuple):
    """The earlier deliveries of its key have ended."""

    now: datetime


class Replayed(NamedTuple):
    """A person wants it to be sent again, or now where it waits for a retry."""

    now: datetime


class Abandoned(NamedTuple):
    """It can never be sent: its destination is deleted."""

    reason: str


type Event = Attempted | Unblocked | Replayed | Abandoned


def step(state: DeliveryState, event: Event) -> DeliveryState:
    """The next state. An event that comes too late changes nothing."""
    match event:
        case Attempted():
            return _attempted(state, event) if state.status == "pending" else state
        case Unblocked(now):
            return state._replace(status="pending", due_on=now) if state.status == "blocked" else state
        case Replayed(now):
            return _replayed(state, now)
        case Abandoned(reason):
            return _ended(state, "failed", reason) if state.is_active else state


def _attempted(state: DeliveryState, event: Attempted) -> DeliveryState:
    state, result = state._replace(attempt=event.attempt), event.result
    if result.verdict == "accepted" or (result.verdict == "disable" and 200 <= (result.status or 0) < 300):
        return _ended(state, "delivered", result.reason)
    if result.verdict in ("abort", "unsendable"):
        return _ended(state, "failed", result.reason)
    if result.verdict in ("gone", "disable"):  # waits until the destination is enabled again
        return state._replace(reason=result.reason, due_on=event.now)
    if result.verdict == "own_fault":
        return _retry(state, event, OWN_FAULT)
    if event.is_probe:  # the breaker says when the next one is sent
        return state._replace(reason=result.reason, due_on=event.now)
    state = state._replace(retries=state.retries + 1)
    if state.retries >= len(SCHEDULE):
        return _ended(state, "failed", "attempts_exhausted")
    return _retry(state, event, SCHEDULE[state.retries])


def _retry(state: DeliveryState, event: Attempted, wait: timedelta) -> DeliveryState:
    wait *= 1 + _JITTER * (event.chance - 0.5)
    if event.result.retry_after is not None:
        wait = max(wait, min(event.result.retry_after, LONGEST_WAIT))
    return state._replace(reason=event.result.reason, due_on=event.now + wait)


def _replayed(state: DeliveryState, now: datetime) -> DeliveryState:
    if state.is_active:
        return state._replace(due_on=now) if state.status == "pending" else state
    return DeliveryState("pending", "replay_requested", state.round + 1, 0, 0, now)


def _ended(state: DeliveryState, status: DeliveryStatus, reason: str) -> DeliveryState:
    return state._replace(status=status, reason=reason, due_on=None)
