"""Consumes events from a queue behind the bus. One event that cannot be stored delays no other.

A message ends in one of three ways. Stored (or stored before): it is deleted. Invalid: it goes, redacted and with the
reason, to the rejects queue. Not storable now: it is deferred with backoff; on its last delivery it goes, redacted, to
the dead-letter queue, from which a redrive stores it. Redaction is idempotent, so a redriven event is the same event.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import batched
from typing import Any, NamedTuple

import orjson

from chancery.core.aws.queue import MAX_BYTES, Message, Queue, receives
from chancery.core.detectors import Detectors
from chancery.core.errors import ChanceryError, FieldError, Unavailable, ValidationFailed, reason_of
from chancery.core.formats.correlation import Correlation, trace_id_of
from chancery.core.formats.identifiers import composed
from chancery.core.formats.json_text import read_json, read_json_leniently
from chancery.core.formats.times import to_milliseconds
from chancery.core.observability import count, count_by, logger
from chancery.core.redaction import Detector, may_hold_credentials, redact

_PREFILTERED = 32  # messages that the prefilter reads at once
_MOST_ERRORS = 20  # an event can be wrong in many places
_LONGEST_NAME = 200
_SOURCE = re.compile(r"[A-Za-z0-9._/@-]{1,200}")  # as EventBridge's own pattern of a source, and a metric's dimension
_IDENTITY = ("id", "time", "detail-type", "account")  # makes a redriven event the same event; `source` is redacted


class EventQueue(NamedTuple):
    """Consumes SQS batches of events.

    `clean` redacts an event's detail (a JSON object) with the detector of the tenant that it names; `max_receives` is
    the redrive policy's maxReceiveCount.
    """

    queue: Queue
    rejects: Queue
    dead_letters: Queue
    max_receives: int
    detectors: Detectors
    clean: Callable[[dict[str, Any], Detector], Any]

    def consume(self, messages: Sequence[Message], record: Callable[[Sequence[Message]], Sequence[Any]]) -> list[str]:
        """Records a batch; returns the ids of the messages to deliver again (`batchItemFailures`).

        `record` returns one result for each message, in order: a ChanceryError where the event was not stored. It
        raises where it cannot say that of any of them; then all are deferred.
        """
        try:
            failed = [
                (message, result)
                for message, result in zip(messages, record(messages), strict=True)
                if isinstance(result, ChanceryError) and not self._removed(message, result)
            ]
            left = [message for message, _ in failed]
            if failed:
                logger.warning("BATCH_DEFERRED", reason=failed[0][1].detail, messages=len(failed))
        except Exception as exc:
            logger.warning("BATCH_DEFERRED", reason=reason_of(exc), messages=len(messages))
            left = [message for message in messages if not self._dead_lettered(message)]
        if left:
            self.queue.defer(left)
        return [message["messageId"] for message in left]

    def _removed(self, message: Message, reason: ChanceryError) -> bool:
        """Whether another queue has taken a message that was not stored."""
        return self._dead_lettered(message) if reason.status >= 500 else self._rejected(message, reason)

    def _rejected(self, message: Message, reason: ChanceryError) -> bool:
        """Whether the rejects queue has taken an invalid message."""
        why = reason.as_problem()
        why["errors"] = why.get("errors", [])[:_MOST_ERRORS]
        redacted = self._redacted(message)
        rejected = orjson.dumps({"reason": why, "message": redacted})
        if len(rejected) > MAX_BYTES:
            rejected = orjson.dumps({"reason": why, "message": _summary(message["body"])})
        try:
            self.rejects.send(rejected.decode())
        except Unavailable:
            return False
        source = _source(redacted)
        count("EventsRejected")
        count_by("EventsRejected", 1, source=source)
        logger.warning("EVENT_REJECTED", message_id=message["messageId"], source=source, reason=reason.detail)
        return True

    def _dead_lettered(self, message: Message) -> bool:
        """Whether the dead-letter queue has taken a message, redacted, on its last delivery."""
        if receives(message) < self.max_receives:
            return False
        redacted = self._redacted(message)
        if not isinstance(redacted, dict) or "detail" not in redacted:
            return False
        try:
            self.dead_letters.send(orjson.dumps(redacted).decode())
        except Unavailable:
            return False  # SQS moves it there itself, whole and encrypted
        count("EventsDeadLettered")
        return True

    def _redacted(self, message: Message) -> Any:
        """The message's body, redacted; for a body that is not JSON its length and hash."""
        body = message["body"]
        try:
            envelope = read_json_leniently(body)
        except ValidationFailed:
            return _summary(body)
        if not isinstance(envelope, dict) or "detail" not in envelope:
            return redact(envelope)
        detail = envelope["detail"]
        using = self.detectors.known(tenant_of(detail))  # a dead letter is written when the database is away
        identity = {name: envelope[name] for name in _IDENTITY if isinstance(envelope.get(name), str)}
        around = {name: value for name, value in envelope.items() if name != "detail" and name not in identity}
        clean = self.clean(detail, using) if isinstance(detail, dict) else redact(detail)
        return {**identity, **redact(around, using=using), "detail": clean}


class Event(NamedTuple):
    """An EventBridge event: its `detail`, and the defaults for fields that the detail leaves out."""

    detail: Any
    id: str | None
    source: str | None
    account: str | None
    happened: datetime | None
    correlation: Correlation


def event_of(message: Message, detail_type: str) -> Event:
    """The EventBridge event of a type in an SQS message. Raises ValidationFailed."""
    envelope = _envelope(message)
    if not isinstance(envelope, dict) or envelope.get("detail-type") != detail_type or "detail" not in envelope:
        error = FieldError("", f"send an EventBridge event with detail-type {detail_type!r}")
        raise ValidationFailed(f"The message is not of the type {detail_type!r}.", errors=[error])
    named = _text(envelope.get("id")), _text(envelope.get("source")), _text(envelope.get("account"))
    return Event(envelope["detail"], *named, _happened(envelope), _correlation(message))


def _envelope(message: Message) -> Any:
    """The JSON of a message. Raises ValidationFailed with pointers into the event's detail, as those of its fields."""
    try:
        return read_json(message["body"])
    except ValidationFailed as exc:
        errors = [FieldError(error.pointer.removeprefix("/detail"), error.detail) for error in exc.errors]
        raise ValidationFailed(exc.detail, errors=errors) from None


def _source(redacted: Any) -> str:
    """The producer of a redacted event, as a dimension of a metric: one that IAM has let publish, or `unknown`."""
    source = redacted.get("source") if isinstance(redacted, dict) else None
    return source if isinstance(source, str) and _SOURCE.fullmatch(source) else "unknown"


def prefiltered(messages: Sequence[Message]) -> Iterator[tuple[Message, bool]]:
    """Each message, and whether it may hold credentials; most often one pass over several finds that none does."""
    for some in batched(messages, _PREFILTERED, strict=False):
        suspicious = may_hold_credentials("\n".join([message["body"] for message in some]))
        for message in some:
            yield message, suspicious and may_hold_credentials(message["body"])


def tenant_of(detail: Any) -> str | None:
    """The tenant that an event's detail names, as it is compared."""
    named = _text(detail.get("tenantId")) if isinstance(detail, dict) else None
    return named and composed(named)


def _text(value: Any) -> str | None:
    """A name from the bus, as text: an object could be a MongoDB operator in a query."""
    return value[:_LONGEST_NAME] if isinstance(value, str) and value else None


def _happened(envelope: Mapping[str, Any]) -> datetime | None:
    try:
        return _moment(envelope["time"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def _moment(text: str) -> datetime:
    """The time of an event, to the second: a batch has few of them."""
    return to_milliseconds(datetime.fromisoformat(text))


def _correlation(message: Message) -> Correlation:
    return Correlation(trace_id_of(message["attributes"].get("AWSTraceHeader", "")))


def _summary(body: str) -> dict[str, Any]:
    """Replaces a body that cannot be redacted, or is too large to be sent with the reason."""
    return {"leftOut": True, "characters": len(body), "sha256": sha256(body.encode(errors="surrogatepass")).hexdigest()}
