"""One attempt at a delivery: each is an exchange, which is opened before anything is sent."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

from chancery.core.errors import ChanceryError, Conflict, NotFound, ValidationFailed
from chancery.core.formats.times import Clock
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.destinations.delivery.making import items_of
from chancery.destinations.events import Event, SourceName
from chancery.destinations.ports import DELIVERY_SYSTEM, OpenDestination, Outgoing, Result, Sender, Source, Unsendable

LONGEST = 30.0  # seconds of one attempt
_GRACE = timedelta(minutes=1)  # after which the log takes an attempt for lost
_LOST = {"status": "FAILED", "error": {"type": "attempt_lost", "message": "The process ended during the attempt."}}
_OWN_FAULTS = ("attempt_lost", "aws_unreachable", "internal_error")  # reasons that say nothing about the receiver
_EXPIRED = Result("unsendable", "events_expired", "The events of this delivery are not stored any more.")


class Known(NamedTuple):
    """What the log has of an attempt: open, or how it ended."""

    is_open: bool
    is_success: bool = False
    reason: str = ""
    status: int | None = None


class Exchanges(Protocol):
    """The exchange log, as the only one who opens and closes exchanges with destinations."""

    def open(self, tenant_id: str, exchange: Mapping[str, Any]) -> Known | None:
        """Opens an exchange; None, or what is known of the attempt with its id.

        Raises Conflict where the id is that of another caller's exchange, ValidationFailed, Unavailable.
        """
        ...

    def close(self, tenant_id: str, request_id: str, end: Mapping[str, Any]) -> None:
        """Closes an exchange. Raises Conflict where it has ended otherwise, NotFound, ValidationFailed, Unavailable."""
        ...


class Made(NamedTuple):
    """An attempt that has ended: its number and result."""

    attempt: int
    result: Result


def request_id_of(delivery: Mapping[str, Any], attempt: int) -> str:
    """The id of an attempt in the exchange log, the same in every repetition."""
    return f"{delivery['refId']}-{delivery['round']}-{attempt}"


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes attempts; used by threads."""

    sources: Mapping[SourceName, Source]
    exchanges: Exchanges
    clock: Clock

    def make(self, sender: Sender, to: OpenDestination, delivery: Document, events: Sequence[Event] | None) -> Made:
        """Sends a delivery once, unless the log knows of an attempt that ended with its process.

        `events`: those of the delivery where they were just read. Raises Unavailable; then nothing was sent.
        """
        attempt = delivery["attempt"]
        if delivery["items"] and not events:
            events = self.sources[delivery["source"]].get(delivery["tenantId"], items_of(delivery))
            if not events:
                return Made(attempt, _EXPIRED)
        try:
            message = sender.prepare(to, delivery, events or (), self.clock())
        except Unsendable as exc:
            return Made(attempt, Result("unsendable", exc.reason, str(exc)))
        except Exception as exc:  # of one message, which must not stop the others
            logger.exception("MESSAGE_NOT_MADE", ref_id=delivery["refId"], error=type(exc).__name__)
            return Made(attempt, Result("unsendable", "internal_error", "The message cannot be made."))
        try:
            attempt, known = self._open(delivery, message)
        except ValidationFailed as exc:
            logger.error("ATTEMPT_NOT_LOGGED", ref_id=delivery["refId"], errors=[item.pointer for item in exc.errors])
            return Made(attempt, Result("unsendable", "exchange_refused", "The exchange log refuses the message."))
        if known is not None:
            return Made(attempt, _result_of(known))
        try:
            result = sender.send(to, message, LONGEST)
        except Exception as exc:
            logger.exception("MESSAGE_NOT_SENT", ref_id=delivery["refId"], error=type(exc).__name__)
            result = Result("own_fault", "internal_error", "The message could not be sent.")
        self._close(delivery, attempt, result)
        return Made(attempt, result)

    def _open(self, delivery: Document, message: Outgoing) -> tuple[int, Known | None]:
        """Opens the exchange of the next attempt; its number, and how it ended where the log knows that.

        An attempt that is open was under way when its process ended: it is closed, and another one opened. So is
        another one where the id is that of another caller's exchange, which says nothing about this delivery.
        """
        attempt = delivery["attempt"] + 1
        while True:
            try:
                known = self.exchanges.open(delivery["tenantId"], self._exchange(delivery, attempt, message))
            except Conflict:
                logger.warning("ATTEMPT_ID_TAKEN", request_id=request_id_of(delivery, attempt))
                attempt += 1
                continue
            if known is None or not known.is_open:
                return attempt, known
            with suppress(Conflict, NotFound):  # it has changed meanwhile: it is opened again
                self.exchanges.close(delivery["tenantId"], request_id_of(delivery, attempt), _LOST)
                count("DeliveryAttemptsLost")
                attempt += 1

    def _exchange(self, delivery: Document, attempt: int, message: Outgoing) -> Document:
        exchange: Document = {
            "requestId": request_id_of(delivery, attempt),
            "attemptNumber": attempt,
            "systemCode": DELIVERY_SYSTEM,
            "endpointCode": delivery["destinationId"],
            "httpMethod": message.method,
            "requestUrl": message.logged_url,
            "requestHeaders": dict(message.logged_headers),
            "requestBody": message.logged_body,
            "context": {"entityType": "delivery", "entityId": delivery["refId"], "operationType": delivery["kind"]},
            "startedAt": self.clock(),
            "timeoutMs": int((timedelta(seconds=LONGEST) + _GRACE).total_seconds() * 1000),
        }
        if attempt > 1:
            exchange["parentRequestId"] = request_id_of(delivery, attempt - 1)
        return exchange

    def _close(self, delivery: Document, attempt: int, result: Result) -> None:
        """Logs the end of an attempt; one that cannot be logged now stays open until the log's sweep ends it."""
        request_id, end = request_id_of(delivery, attempt), _end_of(result)
        for fields in (end | _answer_of(result), end):
            try:
                self.exchanges.close(delivery["tenantId"], request_id, fields)
                return
            except ChanceryError as exc:
                logger.warning("ATTEMPT_END_NOT_LOGGED", request_id=request_id, reason=exc.detail)


def _end_of(result: Result) -> Document:
    end: Document = {"status": "SUCCESS" if result.verdict == "accepted" else "FAILED"}
    if result.verdict != "accepted":
        end["error"] = {"type": result.reason, "message": result.detail}
    return end if result.status is None else {**end, "responseStatus": result.status}


def _answer_of(result: Result) -> Document:
    headers: dict[str, Any] = {}
    for name, value in result.headers:
        before = headers.get(name)
        headers[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    body = {"responseBody": result.body} if result.body else {}
    return {**({"responseHeaders": headers} if headers else {}), **body}


def _result_of(known: Known) -> Result:
    """The result of an attempt whose end was logged, but not stored in its delivery."""
    reason = known.reason or "recovered"
    if known.is_success:
        return Result("accepted", reason, status=known.status)
    return Result("own_fault" if reason in _OWN_FAULTS else "failed", reason, status=known.status)
