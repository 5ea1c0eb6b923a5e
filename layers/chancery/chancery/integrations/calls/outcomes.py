"""What an attempt's answer, or the lack of one, means: for the call, for the exchange log, for the breaker."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from chancery.core.outbound import errors
from chancery.core.outbound.retry_after import retry_after_of
from chancery.integrations.registry.models import Target
from chancery.integrations.registry.policies import RetryPolicy

type Headers = Sequence[tuple[str, str]]

_TIMEOUTS = (errors.ConnectTimedOut, errors.ReadTimedOut, errors.DeadlineExceeded)
_LARGEST_EXPONENT = 100  # of a call that was tried again on request, many times: a float has its power


type LoggedStatus = Literal["PENDING", "SUCCESS", "FAILED", "TIMEOUT", "CANCELLED"]


class Logged(NamedTuple):
    """An exchange as the log has it."""

    status: LoggedStatus
    response_status: int | None
    reason: str | None


class Outcome(NamedTuple):
    """How an attempt ended.

    `reason`: a word for programs: `http_503`, `read_timed_out`. `detail`: a sentence for people, without secrets.
    `is_down`: whether it says that the system is down; None where it says nothing about the system.
    """

    status: Literal["SUCCESS", "FAILED", "TIMEOUT"]
    reason: str
    detail: str = ""
    is_retryable: bool = False
    is_down: bool | None = None
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.status == "SUCCESS"


def of_answer(target: Target, status: int, headers: Headers, now: datetime) -> Outcome:
    """The outcome of an answer with a status."""
    if target.is_success(status):
        return Outcome("SUCCESS", f"http_{status}", is_down=False)
    if 300 <= status < 400:
        return Outcome("FAILED", f"http_{status}", "A redirect, which is not followed.", is_down=False)
    return Outcome(
        "FAILED",
        f"http_{status}",
        f"The system answered with the status {status}.",
        is_retryable=status in target.retry_policy.statuses,
        is_down=None if status == 429 else status >= 500,
        retry_after=retry_after_of(headers, now),
    )


def of_error(error: errors.OutboundError, policy: RetryPolicy) -> Outcome:
    """The outcome of an attempt without a usable answer."""
    if isinstance(error, _TIMEOUTS):
        return Outcome("TIMEOUT", error.reason, str(error), is_retryable=policy.on_timeout, is_down=True)
    if isinstance(error, errors.Refused):
        return Outcome("FAILED", error.reason, str(error))
    if isinstance(error, errors.NotConnected | errors.AnswerMissing):
        return Outcome("FAILED", error.reason, str(error), is_retryable=policy.on_connection_error, is_down=True)
    return Outcome("FAILED", error.reason, str(error), is_down=False)


def recovered(logged: Logged | None, target: Target | None, now: datetime) -> Outcome:
    """The outcome of an attempt whose process was killed, by what the exchange log has of it.

    `target`: None where the endpoint has been deleted since. Of an attempt that the log has as open, the system may
    have received the request.
    """
    if logged is not None and logged.status == "SUCCESS":
        return Outcome("SUCCESS", f"http_{logged.response_status}")
    if target is None:
        return Outcome(
            "FAILED",
            "endpoint_deleted",
            "The process ended before the answer was logged; the endpoint has been deleted since.",
        )
    if logged is None:
        return Outcome(
            "FAILED", "attempt_not_sent", "The process ended before the request was sent.", is_retryable=True
        )
    policy = target.retry_policy
    if logged.status == "PENDING":
        detail = "The process that sent the request ended before the answer was logged."
        return Outcome("TIMEOUT", "attempt_lost", detail, is_retryable=policy.on_timeout)
    reason = logged.reason or ""
    if logged.response_status is not None and reason.startswith("http_"):
        return of_answer(target, logged.response_status, (), now)
    may = policy.on_timeout if logged.status == "TIMEOUT" else policy.on_connection_error
    return Outcome("TIMEOUT" if logged.status == "TIMEOUT" else "FAILED", reason or "attempt_failed", is_retryable=may)


def delay_before(
    policy: RetryPolicy, attempt: int, retry_after: timedelta | None, chance: Callable[[], float]
) -> timedelta:
    """The delay after attempt number `attempt`: exponential backoff with full jitter, not less than Retry-After.

    `chance`: a number from 0 to 1. Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    exponent = min(attempt - 1, _LARGEST_EXPONENT)
    most = min(policy.initial_delay_ms * policy.multiplier**exponent, policy.max_delay_ms)
    share = chance() if policy.jitter == "full" else 1.0
    delay = timedelta(milliseconds=round(most * share))
    if retry_after is None or retry_after <= delay:
        return delay
    return retry_after + timedelta(milliseconds=round(policy.initial_delay_ms * share))
