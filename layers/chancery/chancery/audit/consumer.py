"""The batch consumer: stores audit events from the queue behind the bus in batches; each event fails alone."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chancery.audit.events import RECORD
from chancery.audit.ingest import Defaults, EventValidator, IncomingEvent
from chancery.audit.models import AuditEvent
from chancery.audit.recorder import AuditRecorder, Result, ScopedEvent
from chancery.audit.submitter import producer
from chancery.core.aws.event_queue import EventQueue, event_of, prefiltered, tenant_of
from chancery.core.aws.queue import Message, Queue
from chancery.core.batches import attempt
from chancery.core.detectors import Detectors
from chancery.core.documents import redact_body
from chancery.core.redaction import Detector


class AuditConsumer(NamedTuple):
    """Consumes SQS batches. `max_receives` is the redrive policy's maxReceiveCount."""

    recorder: Callable[[], AuditRecorder]
    detectors: Detectors
    queue: Queue
    rejects: Queue
    dead_letters: Queue
    max_receives: int
    validator: EventValidator = EventValidator()

    def consume(self, messages: Sequence[Message]) -> list[str]:
        """Stores the events of SQS `messages`; the ids of those to deliver again (`batchItemFailures`)."""
        events = EventQueue(self.queue, self.rejects, self.dead_letters, self.max_receives, self.detectors, _clean)
        return events.consume(messages, self._record)

    def _record(self, messages: Sequence[Message]) -> list[Result]:
        return self.recorder().record(attempt(self._scoped, prefiltered(messages)))

    def _scoped(self, prefiltered_message: tuple[Message, bool]) -> ScopedEvent:
        """A message's event, valid, and the tenant that it names: IAM decides who may publish for every tenant."""
        message, suspicious = prefiltered_message
        event = event_of(message, RECORD)
        defaults = Defaults(event.id, event.happened, event.correlation)
        using = self.detectors.of(tenant_of(event.detail))
        valid = self.validator.validate(IncomingEvent(event.detail, defaults, suspicious, detector=using))
        return ScopedEvent(valid, valid.event.tenant_id, producer(event.source, event.account))


def _clean(detail: dict[str, Any], using: Detector) -> dict[str, Any]:
    return redact_body(detail, AuditEvent, using=using)
