"""The states of a call and what each event makes of it. Pure: no clock, no I/O, no chance.

    waiting ──► attempting ──► succeeded | failed | timed_out | cancelled
       ▲             │
       └── retry ────┘

`step(state, event)` returns the next state and the one effect that has to follow it. The worker stores the state first,
then performs the effect, so that a crash anywhere leaves a call that the next delivery, or the sweep, goes on with.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

Status = Literal["waiting", "attempting", "succeeded", "failed", "timed_out", "cancelled"]
ACTIVE: tuple[Status, ...] = ("waiting", "attempting")


class CallState(NamedTuple):
    """Where a call is.

    `attempt`: attempts that have begun. `allowed`: attempts in all. `due_on`: while waiting, when the next attempt may
    begin; while attempting, when the attempt is over at the latest, even if its process was killed. `reason`: why it
    waits, or how it ended. `is_cancelling`: it ends with the attempt that is under way.
    """

    status: Status
    attempt: int
    allowed: int
    due_on: datetime | None
    deadline: datetime
    reason: str = "queued"
    is_cancelling: bool = False

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class Woken(NamedTuple):
    """A message, or the sweep, asks for the call to be worked on."""

    now: datetime


class Held(NamedTuple):
    """The next attempt may not begin before `until`: the rate limit, or the breaker of the system."""

    until: datetime
    reason: str


class Admitted(NamedTuple):
    """The next attempt may begin. `lease`: when its process has ended in any case."""

    lease: datetime


class Refused(NamedTuple):
    """The call can never be sent: its endpoint is deleted or disabled."""

    reason: str


class Finished(NamedTuple):
    """The attempt under way has ended. `retry_on`: when it may be repeated; None where it may not."""

    is_success: bool
    reason: str
    retry_on: datetime | None = None


class CancelRequested(NamedTuple):
    """A caller wants no further attempt."""


class RetryRequested(NamedTuple):
    """A caller wants an ended call to be tried again, or a waiting one now."""

    now: datetime
    attempts: int
    deadline: datetime


class Nothing(NamedTuple):
    """Nothing has to follow."""


class Wake(NamedTuple):
    """The call has to be woken at a time."""

    at: datetime


class Admit(NamedTuple):
    """The rate limit and the breaker have to be asked: Held or Admitted follows."""


class Send(NamedTuple):
    """The attempt of this number has to be logged, sent, and logged again: Finished follows."""

    attempt: int


class Recover(NamedTuple):
    """The attempt of this number ended with its process; the exchange log has what is known: Finished follows."""

    attempt: int


type Event = Woken | Held | Admitted | Refused | Finished | CancelRequested | RetryRequested
type Effect = Nothing | Wake | Admit | Send | Recover
type Step = tuple[CallState, Effect]

_NOTHING = Nothing()
_CLOCK_SKEW = timedelta(seconds=5)


class NotPossible(Exception):
    """The call is in a state in which this cannot be done."""


def step(state: CallState, event: Event) -> Step:
    """The next state and the effect that follows. Raises NotPossible for a request that comes too late or early."""
    match event:
        case Woken(now):
            return _woken(state, now)
        case Held(until, reason):
            return _wait(state, until, reason)
        case Admitted(lease):
            attempt = state.attempt + 1
            begun = state._replace(status="attempting", attempt=attempt, due_on=lease, reason="sending")
            return begun, Send(attempt)
        case Refused(reason):
            return _ended(state, "failed", reason), _NOTHING
        case Finished():
            return _finished(state, event)
        case CancelRequested():
            return _cancelled(state)
        case RetryRequested():
            return _retried(state, event)


def _woken(state: CallState, now: datetime) -> Step:
    if not state.is_active:
        return state, _NOTHING
    assert state.due_on is not None
    if state.due_on > now:  # another message, or the sweep, comes then; this one is early where clocks differ
        is_early = state.status == "waiting" and state.due_on - now <= _CLOCK_SKEW
        return state, Wake(state.due_on) if is_early else _NOTHING
    if state.status == "attempting":
        return state, Recover(state.attempt)
    if now >= state.deadline:
        return _ended(state, "timed_out", state.reason), _NOTHING
    return state, Admit()


def _wait(state: CallState, until: datetime, reason: str) -> Step:
    """Waits, or ends at once where the deadline comes first."""
    if until >= state.deadline:
        return _ended(state, "timed_out", reason), _NOTHING
    return state._replace(status="waiting", due_on=until, reason=reason), Wake(until)


def _finished(state: CallState, event: Finished) -> Step:
    if event.is_success:
        return _ended(state, "succeeded", event.reason), _NOTHING
    if state.is_cancelling:
        return _ended(state, "cancelled", event.reason), _NOTHING
    if event.retry_on is None or state.attempt >= state.allowed:
        return _ended(state, "failed", event.reason), _NOTHING
    return _wait(state, event.retry_on, event.reason)


def _cancelled(state: CallState) -> Step:
    if state.status == "waiting":
        return _ended(state, "cancelled", "cancelled"), _NOTHING
    if state.status == "attempting":
        return state._replace(is_cancelling=True), _NOTHING
    raise NotPossible(f"The call has {state.status.replace('_', ' ')}; it cannot be cancelled.")


def _retried(state: CallState, event: RetryRequested) -> Step:
    if state.status == "waiting":
        return state._replace(due_on=event.now, reason="retry_requested"), Wake(event.now)
    if state.status in ("attempting", "succeeded"):
        raise NotPossible("The call is being sent." if state.is_active else "The call has succeeded.")
    waiting = state._replace(
        status="waiting",
        allowed=state.attempt + event.attempts,
        due_on=event.now,
        deadline=event.deadline,
        reason="retry_requested",
        is_cancelling=False,
    )
    return waiting, Wake(event.now)


def _ended(state: CallState, status: Status, reason: str) -> CallState:
    return state._replace(status=status, due_on=None, reason=reason, is_cancelling=False)
