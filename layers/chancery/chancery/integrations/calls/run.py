"""One run at a call: the machine says what to do, the run does it, and stores the state before each effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Protocol

from chancery.core.aws.queue import ItemRef
from chancery.core.aws.sealed_values import Seals
from chancery.core.documents import validated
from chancery.core.errors import Conflict, NotFound, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.integrations.calls import outcomes
from chancery.integrations.calls.admission import Admission
from chancery.integrations.calls.attempts import Attempts, request_id_of
from chancery.integrations.calls.credentials import as_logged
from chancery.integrations.calls.machine import (
    Admit,
    Admitted,
    CallState,
    Effect,
    Event,
    Finished,
    Recover,
    Refused,
    Send,
    Wake,
    step,
)
from chancery.integrations.calls.outcomes import Outcome
from chancery.integrations.calls.ports import Messages, Targets
from chancery.integrations.calls.requests import Transform, Unsendable, prepare, traced
from chancery.integrations.calls.sender import Sender, Sent
from chancery.integrations.calls.store import LONGEST_DELAY, StaleCall, state_of
from chancery.integrations.registry.models import CallParameters, Target
from chancery.integrations.registry.requests import PreparedRequest

_LEASE_MARGIN = timedelta(seconds=5)


class Calls(Protocol):
    """Reads and changes calls; `store.CallStore`."""

    def get(self, item: ItemRef) -> Document: ...
    def advance(self, call: Document, state: CallState, **fields: Any) -> Document: ...
    def overdue(self, most: int) -> Sequence[Document]: ...
    def postpone(self, call: Mapping[str, Any]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs work with. `chance`: a number from 0 to 1, for jitter."""

    calls: Calls
    targets: Targets
    admission: Admission
    attempts: Attempts
    sender: Sender
    seals: Seals
    transform: Transform
    queue: Messages
    clock: Callable[[], datetime]
    chance: Callable[[], float]

    def wake(self, item: ItemRef, at: datetime) -> None:
        """Sends the message for a time that SQS can wait for; for a later one the sweep does. Raises Unavailable."""
        delay = at - self.clock()
        if delay <= LONGEST_DELAY:
            self.queue.send(item.to_message(), max(0, ceil(delay.total_seconds())))


class CallRun:
    """Works on a call until there is nothing to do now. `remaining_ms`: how long the function may still run."""

    def __init__(self, parts: Parts, call: Document, remaining_ms: Callable[[], int]) -> None:
        self._parts = parts
        self._call = call
        self._remaining_ms = remaining_ms
        self._target: Target | None = None
        self._prepared: PreparedRequest | Unsendable | None = None

    def go(self, event: Event) -> None:
        """Goes on from an event. Raises StaleCall where another process has changed the call, and Unavailable."""
        following: Event | None = event
        fields: dict[str, Any] = {}
        while following is not None:
            before = state_of(self._call)
            state, effect = step(before, following)
            if state != before:
                try:
                    self._call = self._parts.calls.advance(self._call, state, **fields)
                except StaleCall:
                    self._withdraw(following)
                    self._reload(before, following)
                    continue
                self._report(state)
            following, fields = self._perform(effect)

    def _withdraw(self, event: Event) -> None:
        """Gives back what an attempt was admitted with that is not made."""
        if isinstance(event, Admitted) and self._target:
            attempt = self._request_id(self._call["attempt"] + 1)
            self._parts.admission.withdraw(self._target, attempt, self._parts.clock())

    def _reload(self, before: CallState, event: Event) -> None:
        """Reads the call again where its cancellation was requested while an attempt was under way.

        Raises StaleCall for any other change, NotFound, Unavailable.
        """
        self._call = self._parts.calls.get(ItemRef.of(self._call))
        after = state_of(self._call)
        if not isinstance(event, Finished) or after != before._replace(is_cancelling=True):
            raise StaleCall

    def _perform(self, effect: Effect) -> tuple[Event | None, dict[str, Any]]:
        """The event that an effect has led to, and fields that are stored with the state after it."""
        match effect:
            case Wake(at):
                self._parts.wake(ItemRef.of(self._call), at)
            case Admit():
                return self._admit(), {}
            case Send(attempt):
                return self._send(attempt)
            case Recover(attempt):
                return self._recover(attempt)
        return None, {}

    def _admit(self) -> Event:
        """Prepares the request, so that an outage before the attempt costs none, then asks the limits."""
        refused = self._find_target()
        if refused or self._target is None:
            return refused or Refused("endpoint_deleted")
        self._prepared = self._prepare(self._target)
        now = self._parts.clock()
        lease = now + timedelta(milliseconds=self._remaining_ms()) + _LEASE_MARGIN
        return self._parts.admission.ask(self._target, self._request_id(self._call["attempt"] + 1), now, lease)

    def _find_target(self) -> Refused | None:
        call = self._call
        try:
            self._target = self._parts.targets.target(call["tenantId"], call["systemCode"], call["endpointCode"])
        except NotFound:
            return Refused("endpoint_deleted")
        return None if self._target.is_enabled else Refused("endpoint_disabled")

    def _prepare(self, target: Target) -> PreparedRequest | Unsendable:
        if "request" not in self._call:
            return Unsendable("request_gone", "The request of the call is not stored any more.")
        given = self._parts.seals.open(self._call, self._call["request"])
        parameters = {name: given[name] for name in ("pathParameters", "query")}
        try:
            valid = validated(CallParameters, parameters)
            request = prepare(target, valid, given["body"], self._call["refId"], self._parts.transform)
        except Unsendable as exc:
            return exc
        return traced(request, self._call)

    def _send(self, attempt: int) -> tuple[Event, dict[str, Any]]:
        target, prepared = self._target, self._prepared
        assert target is not None and prepared is not None
        logged = as_logged(target, prepared) if isinstance(prepared, PreparedRequest) else _unprepared(target)
        try:
            self._parts.attempts.begin(self._call, attempt, logged, target.timeouts.total_ms)
        except (ValidationFailed, Conflict) as exc:  # Conflict: there is an exchange with its id, which is another's
            logger.error("ATTEMPT_NOT_LOGGED", ref_id=self._call["refId"], errors=[item.pointer for item in exc.errors])
            return Finished(False, "exchange_refused"), {}
        if isinstance(prepared, Unsendable):
            return self._ended(attempt, target, Sent(Outcome("FAILED", prepared.reason, str(prepared))))
        seconds = self._remaining_ms() / 1000
        return self._ended(attempt, target, self._parts.sender.send(target, prepared, seconds, self._parts.clock))

    def _ended(self, attempt: int, target: Target, sent: Sent) -> tuple[Event, dict[str, Any]]:
        """Logs the outcome, has the breaker count it, and keeps the result for the caller."""
        outcome, retry_on = sent.outcome, self._retry_on(attempt, target, sent.outcome)
        self._parts.attempts.end(self._call, attempt, outcome, sent.answer, retry_on)
        self._parts.admission.report(target, self._request_id(attempt), outcome.is_down, self._parts.clock())
        fields: dict[str, Any] = {"responseStatus": sent.answer.status if sent.answer else None}
        if outcome.is_success:
            fields["request"] = None
        if sent.result is not None:
            fields["result"] = self._parts.seals.seal(self._call, sent.result)
        return Finished(outcome.is_success, outcome.reason, retry_on), fields

    def _recover(self, attempt: int) -> tuple[Event, dict[str, Any]]:
        """What the log knows of an attempt whose process was killed; what it does not know is logged as lost."""
        self._find_target()
        count("CallsRecovered")
        logged = self._parts.attempts.logged(self._call, attempt)
        outcome = outcomes.recovered(logged, self._target, self._parts.clock())
        retry_on = self._retry_on(attempt, self._target, outcome)
        if logged is not None and logged.status == "PENDING":
            self._parts.attempts.end(self._call, attempt, outcome, None, retry_on)
        fields = {"responseStatus": logged.response_status} if logged else {}
        return Finished(outcome.is_success, outcome.reason, retry_on), fields

    def _retry_on(self, attempt: int, target: Target | None, outcome: Outcome) -> datetime | None:
        if target is None or not outcome.is_retryable or attempt >= self._call["allowed"] or self._call["isCancelling"]:
            return None
        delay = outcomes.delay_before(target.retry_policy, attempt, outcome.retry_after, self._parts.chance)
        return self._parts.clock() + delay

    def _request_id(self, attempt: int) -> str:
        return request_id_of(self._call["refId"], attempt)

    def _report(self, state: CallState) -> None:
        if not state.is_active:
            count("CallsSucceeded" if state.status == "succeeded" else "CallsUnsuccessful")


def _unprepared(target: Target) -> PreparedRequest:
    """What the log has of an attempt whose request cannot be made."""
    endpoint = target.endpoint
    return PreparedRequest(endpoint.method, target.system.base_url + endpoint.path_template, {}, None)
