"""Sends one attempt of a call, from its request to what the answer means."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import orjson

from chancery.core.errors import ChanceryError, reason_of
from chancery.core.outbound.client import Limits, OutboundRequest, OutboundResponse
from chancery.core.outbound.errors import OutboundError, TextInvalid
from chancery.integrations.calls import outcomes
from chancery.integrations.calls.attempts import Answered
from chancery.integrations.calls.credentials import Credentials, TokenRefused
from chancery.integrations.calls.outcomes import Outcome
from chancery.integrations.calls.requests import Transform, Unsendable, transformed
from chancery.integrations.registry.models import Target
from chancery.integrations.registry.requests import PreparedRequest

LARGEST_ANSWER = 10_000_000  # bytes
LARGEST_RESULT = 2_000_000  # bytes of JSON, which an answer of the API has with everything else
_MARGIN_SECONDS = 10.0  # of the function, to log the outcome


class Sent(NamedTuple):
    """An attempt that has ended. `result`: `{body}` or `{body, encoding}` for the caller, None without a success."""

    outcome: Outcome
    answer: Answered | None = None
    result: dict[str, Any] | None = None


class Client(Protocol):
    """Sends requests; `OutboundClient`."""

    def send(self, request: OutboundRequest, limits: Limits) -> OutboundResponse: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Adds credentials, sends, and reads the answer. No expected failure is raised: it is an outcome."""

    client: Client
    credentials: Credentials
    transform: Transform

    def send(
        self, target: Target, prepared: PreparedRequest, remaining_seconds: float, clock: Callable[[], datetime]
    ) -> Sent:
        """Sends a request once, within the endpoint's timeouts and the seconds that the function has left."""
        limits = _limits(target, remaining_seconds)
        try:
            request, echoes = self.credentials.add(target, prepared, limits)
        except TokenRefused as exc:
            is_outdated = self.credentials.forget(target)
            return Sent(Outcome("FAILED", exc.reason, str(exc), is_retryable=exc.is_passing or is_outdated))
        except Unsendable as exc:
            return Sent(Outcome("FAILED", exc.reason, str(exc)))
        except OutboundError as exc:
            outcome = outcomes.of_error(exc, target.retry_policy)
            return Sent(outcome._replace(detail=f"No token: {outcome.detail}"))
        except ChanceryError as exc:
            return Sent(Outcome("FAILED", "credentials_unavailable", exc.detail, is_retryable=True))
        try:
            response = self.client.send(request, limits)
        except OutboundError as exc:
            answer = None if exc.status is None else Answered(exc.status, echoes.redacted_headers(exc.headers), None)
            return Sent(outcomes.of_error(exc, target.retry_policy), answer)
        headers, body = echoes.redacted_headers(response.headers), echoes.redacted_body(response.body)
        return self._read(target, response._replace(headers=headers, body=body), clock())

    def _read(self, target: Target, response: OutboundResponse, now: datetime) -> Sent:
        outcome = outcomes.of_answer(target, response.status, response.headers, now)
        answer = Answered(response.status, response.headers, response.body)
        if response.status == 401 and self.credentials.forget(target):
            outcome = outcome._replace(is_retryable=True)  # with a token or secret that is not from the cache
        if not outcome.is_success:
            return Sent(outcome, answer)
        try:
            return Sent(outcome, answer, self._result(target, response))
        except Unsendable as exc:
            return Sent(outcome._replace(reason=exc.reason, detail=str(exc)), answer)
        except ChanceryError as exc:
            return Sent(outcome._replace(reason="response_transform_failed", detail=reason_of(exc)), answer)

    def _result(self, target: Target, response: OutboundResponse) -> dict[str, Any] | None:
        """The transformed body, or the body as it is. Raises Unsendable, Unavailable."""
        result = _body(response)
        if expression := target.endpoint.response_transform:
            if "encoding" in result:
                raise Unsendable("response_transform_failed", "The answer's body is not text.")
            bindings = {"status": response.status, "headers": dict(reversed(response.headers))}  # the first of a name
            result = {"body": transformed("response", expression, result["body"], bindings, target, self.transform)}
        return result if len(orjson.dumps(result)) <= LARGEST_RESULT else None


def _body(response: OutboundResponse) -> dict[str, Any]:
    try:
        text = response.text()
    except TextInvalid:
        return {"body": base64.b64encode(response.body).decode(), "encoding": "base64"}
    try:
        return {"body": orjson.loads(text)} if text else {"body": None}
    except orjson.JSONDecodeError:
        return {"body": text}


def _limits(target: Target, remaining_seconds: float) -> Limits:
    timeouts = target.timeouts
    total = max(0.1, min(timeouts.total_ms / 1000, remaining_seconds - _MARGIN_SECONDS))
    return Limits(timeouts.connect_ms / 1000, timeouts.read_ms / 1000, total, LARGEST_ANSWER)
