"""The batch consumer: audit events from the queue behind the bus, stored together, each answering for itself.

Three ends for a message. Stored (or stored before): done. Never storable: redacted, with its reason, to the rejects
queue. Not storable now: handed back for another delivery; on its last one it goes, redacted, to the dead-letter queue,
from which a redrive stores it. Redaction changes nothing the second time, so a redriven event is the same event.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from chancery.audit.facts import RECORD
from chancery.audit.intake import Defaults
from chancery.audit.models import AuditEvent
from chancery.audit.service import AuditRecorder, Candidate
from chancery.core.correlation import Correlation, trace_id_of
from chancery.core.documents import redact_body
from chancery.core.errors import ChanceryError, FieldError, Unavailable, ValidationFailed
from chancery.core.observability import count, logger
from chancery.core.queue import MAX_BYTES, Queue, receives
from chancery.core.redaction import may_hold_credentials, redact
from chancery.core.times import to_milliseconds

_MOST_ERRORS = 20  # an event can be wrong in many places


@dataclass(frozen=True, slots=True)
class AuditConsumer:
    """Consumes SQS batches. `max_receives` is the redrive policy's maxReceiveCount."""

    recorder: Callable[[], AuditRecorder]
    queue: Queue
    rejects: Queue
    dead_letters: Queue
    max_receives: int

    def consume(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Stores the events of SQS `messages`; the ids of those to deliver again (`batchItemFailures`)."""
        try:
            results = self.recorder().record(map(_candidate, messages))
            left = [
                message
                for message, result in zip(messages, results, strict=True)
                if isinstance(result, ChanceryError) and not self._disposed_of(message, result)
            ]
        except ChanceryError as exc:
            logger.warning("BATCH_DEFERRED", reason=exc.detail, messages=len(messages))
            left = [message for message in messages if not self._buried(message)]
        if left:
            self.queue.pause(left)
        return [message["messageId"] for message in left]

    def _disposed_of(self, message: Mapping[str, Any], reason: ChanceryError) -> bool:
        return self._buried(message) if reason.status >= 500 else self._rejected(message, reason)

    def _rejected(self, message: Mapping[str, Any], reason: ChanceryError) -> bool:
        """Whether the rejects queue has taken a message that can never be stored."""
        why = reason.as_problem()
        why["errors"] = why.get("errors", [])[:_MOST_ERRORS]
        rejected = orjson.dumps({"reason": why, "message": _redacted(message)})
        if len(rejected) > MAX_BYTES:
            rejected = orjson.dumps({"reason": why, "message": _summary(message["body"])})
        try:
            self.rejects.send(rejected.decode())
        except Unavailable:
            return False
        count("EventsRejected")
        logger.warning("EVENT_REJECTED", message_id=message["messageId"], reason=reason.detail)
        return True

    def _buried(self, message: Mapping[str, Any]) -> bool:
        """Whether a message on its last delivery lies redacted in the dead-letter queue."""
        if receives(message) < self.max_receives:
            return False
        redacted = _redacted(message)
        if not isinstance(redacted, dict) or "detail" not in redacted:
            return False
        try:
            self.dead_letters.send(orjson.dumps(redacted).decode())
        except Unavailable:
            return False  # SQS moves it there itself, whole and encrypted
        count("EventsDeadLettered")
        return True


def _candidate(message: Mapping[str, Any]) -> Candidate | ValidationFailed:
    body = message["body"]
    try:
        envelope = orjson.loads(body)
        if envelope["detail-type"] != RECORD:
            raise KeyError
        return Candidate(
            envelope["detail"],
            _tenant_of,
            Defaults(envelope.get("id"), _happened(envelope), _correlation(message)),
            may_hold_credentials(body),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        error = FieldError("", f"send an EventBridge event with detail-type {RECORD!r}")
        return ValidationFailed("The message is not an audit event.", errors=[error])


def _tenant_of(event: AuditEvent) -> str | None:
    """Producers on the bus are trusted by IAM, so an event says itself whose it is."""
    return event.tenant_id


def _happened(envelope: Mapping[str, Any]) -> datetime | None:
    try:
        return to_milliseconds(datetime.fromisoformat(envelope["time"]))
    except (KeyError, TypeError, ValueError):
        return None


def _correlation(message: Mapping[str, Any]) -> Correlation:
    return Correlation(trace_id_of(message["attributes"].get("AWSTraceHeader", "")))


def _redacted(message: Mapping[str, Any]) -> Any:
    """The message's body, redacted; of one that is not JSON only length and hash, for it cannot be searched."""
    body = message["body"]
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _summary(body)
    if not isinstance(envelope, dict):
        return redact(envelope)
    detail = envelope.get("detail")
    clean = redact_body(detail, AuditEvent) if isinstance(detail, dict) else redact(detail)
    return {**envelope, "detail": clean}


def _summary(body: str) -> dict[str, Any]:
    """What stands for a body that cannot be searched, or is too large to be sent on with its reason."""
    return {"leftOut": True, "characters": len(body), "sha256": sha256(body.encode()).hexdigest()}
