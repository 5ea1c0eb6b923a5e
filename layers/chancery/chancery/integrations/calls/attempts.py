"""The attempts of a call in the exchange log: each is an exchange, which is opened before anything is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from chancery.core.errors import Unavailable, ValidationFailed
from chancery.core.observability import logger
from chancery.integrations.calls.outcomes import Logged, LoggedStatus, Outcome
from chancery.integrations.exchanges.store import SENDER
from chancery.integrations.registry.requests import PreparedRequest

_GRACE_MS = 60_000  # after which the log takes an attempt for lost


class Answered(NamedTuple):
    """What is known of an answer; `body` is None where there is none that is whole."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes | None


class Log(Protocol):
    """The exchange log; `exchanges.log.ExchangeLog`."""

    def open(self, tenant_id: str, exchange: Mapping[str, Any], created_by: str) -> Any: ...
    def close(self, tenant_id: str, request_id: str, end: Mapping[str, Any], updated_by: str) -> Any: ...


class Exchanges(Protocol):
    """Reads exchanges; `exchanges.store.ExchangeStore.exchanges`."""

    def get(self, query: Mapping[str, Any], fields: Sequence[str] = ()) -> dict[str, Any] | None: ...


def request_id_of(call_id: str, attempt: int) -> str:
    """The id of an attempt in the exchange log, the same in every repetition: that of the first is the call's own."""
    return call_id if attempt == 1 else f"{call_id}-{attempt}"


def call_id_of(request_id: str) -> str:
    """The id of the call that an attempt belongs to."""
    return request_id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Attempts:
    """Writes and reads the exchanges of calls."""

    log: Log
    exchanges: Exchanges

    def begin(self, call: Mapping[str, Any], attempt: int, prepared: PreparedRequest, timeout_ms: int) -> None:
        """Opens the exchange of an attempt. Raises ValidationFailed, Conflict, Unavailable; then nothing is sent."""
        exchange = {
            "requestId": request_id_of(call["refId"], attempt),
            "attemptNumber": attempt,
            "systemCode": call["systemCode"],
            "endpointCode": call["endpointCode"],
            "httpMethod": prepared.method,
            "requestUrl": prepared.url,
            "requestHeaders": dict(prepared.headers),
            "actor": call["actor"],
            "timeoutMs": timeout_ms + _GRACE_MS,
        }
        if attempt > 1:
            exchange["parentRequestId"] = request_id_of(call["refId"], attempt - 1)
        if prepared.body is not None:
            exchange["requestBody"] = prepared.body
        optional = ("context", "traceId", "correlationId")
        exchange |= {name: call[name] for name in optional if call.get(name)}
        self.log.open(call["tenantId"], exchange, SENDER)

    def end(
        self,
        call: Mapping[str, Any],
        attempt: int,
        outcome: Outcome,
        answer: Answered | None,
        retry_on: datetime | None,
    ) -> None:
        """Closes the exchange of an attempt; without the answer where the log does not take it. Raises Unavailable.

        Also without an answer that cannot be stored now: an attempt whose end is unknown would be repeated.
        """
        request_id, end = request_id_of(call["refId"], attempt), _end(outcome, retry_on)
        try:
            self.log.close(call["tenantId"], request_id, end | _answer(answer), SENDER)
        except (ValidationFailed, Unavailable) as exc:
            logger.warning("ANSWER_NOT_LOGGED", request_id=request_id, errors=[item.pointer for item in exc.errors])
            status = {"responseStatus": answer.status} if answer else {}
            self.log.close(call["tenantId"], request_id, end | status, SENDER)

    def logged(self, call: Mapping[str, Any], attempt: int) -> Logged | None:
        """What the log has of an attempt; None where it was not opened, so that nothing was sent."""
        own = {"tenantId": call["tenantId"], "createdBy": SENDER}
        query = {**own, "requestId": request_id_of(call["refId"], attempt)}
        found = self.exchanges.get(query, ("status", "responseStatus", "error", "expired"))
        if found is None:
            return None
        status: LoggedStatus = (
            "PENDING" if found.get("expired") else found["status"]
        )  # the log's sweep knows no more than we do
        return Logged(status, found.get("responseStatus"), (found.get("error") or {}).get("type"))


def _end(outcome: Outcome, retry_on: datetime | None) -> dict[str, Any]:
    end: dict[str, Any] = {"status": outcome.status}
    if not outcome.is_success:
        end["error"] = {"type": outcome.reason, "message": outcome.detail}
    if retry_on is not None:
        end["nextRetryAt"] = retry_on
    return end


def _answer(answer: Answered | None) -> dict[str, Any]:
    if answer is None:
        return {}
    headers: dict[str, Any] = {}
    for name, value in answer.headers:
        headers[name] = value if name not in headers else [*_listed(headers[name]), value]
    fields: dict[str, Any] = {"responseStatus": answer.status, "responseHeaders": headers}
    return fields | ({"responseBody": answer.body} if answer.body else {})


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
