"""The batch consumer: audit events from the queue behind the bus, stored together, each answering for itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chancery.audit.events import RECORD
from chancery.audit.ingest import Defaults
from chancery.audit.models import AuditEvent
from chancery.audit.service import AuditRecorder, Candidate
from chancery.core.aws.event_queue import EventQueue, event_of
from chancery.core.aws.queue import Queue
from chancery.core.documents import redact_body
from chancery.core.errors import ValidationFailed
from chancery.core.redaction import may_hold_credentials


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
        events = EventQueue(self.queue, self.rejects, self.dead_letters, self.max_receives, _clean)
        return events.consume(messages, lambda batch: self.recorder().record(map(_candidate, batch)))


def _clean(detail: dict[str, Any]) -> dict[str, Any]:
    return redact_body(detail, AuditEvent)


def _candidate(message: Mapping[str, Any]) -> Candidate | ValidationFailed:
    try:
        event = event_of(message, RECORD)
    except ValidationFailed as exc:
        return exc
    defaults = Defaults(event.id, event.happened, event.correlation)
    return Candidate(event.detail, _tenant_of, defaults, may_hold_credentials(message["body"]))


def _tenant_of(event: AuditEvent) -> str | None:
    """Producers on the bus are trusted by IAM, so an event says itself whose it is."""
    return event.tenant_id
