"""The batch consumer: stores tool calls from the queue behind the bus. One call that fails delays no other.

An event is at most 256 KB, and so are the bodies in it; larger bodies are uploaded first, and the event has their ids.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from chancery.content.tool_calls.ingest import parse_tool_call, redacted
from chancery.content.tool_calls.models import ToolCallRequest
from chancery.content.tool_calls.recorder import ToolCallRecorder
from chancery.core.aws.event_queue import Event, EventQueue, event_of, tenant_of
from chancery.core.aws.queue import Queue
from chancery.core.detectors import Detectors
from chancery.core.errors import ChanceryError, FieldError, ValidationFailed
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import Document
from chancery.core.observability import logger
from chancery.core.redaction import Detector, may_hold_credentials, redact_text

RECORD = "Record Tool Call"
_AT_ONCE = 8  # calls that wait for S3 and the database in parallel
_BUS = "event-bus"


@dataclass(frozen=True, slots=True)
class ToolCallConsumer:
    """Consumes SQS batches. `max_receives` is the redrive policy's maxReceiveCount."""

    recorder: Callable[[], ToolCallRecorder]
    detectors: Detectors
    queue: Queue
    rejects: Queue
    dead_letters: Queue
    max_receives: int

    def consume(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Stores the calls of SQS `messages`; the ids of those to deliver again (`batchItemFailures`)."""
        events = EventQueue(self.queue, self.rejects, self.dead_letters, self.max_receives, self.detectors, _clean)
        return events.consume(messages, self._record)

    def _record(self, messages: Sequence[Mapping[str, Any]]) -> list[Document | ChanceryError]:
        recorder = self.recorder()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda message: _recorded(recorder, self.detectors, message), messages))


def _recorded(recorder: ToolCallRecorder, detectors: Detectors, message: Mapping[str, Any]) -> Document | ChanceryError:
    try:
        event = event_of(message, RECORD)
        using = detectors.of(tenant_of(event.detail))
        parsed = parse_tool_call(event.detail, search_values=may_hold_credentials(message["body"]), using=using)
        base = _base(recorder, event, parsed.request)
        return recorder.record(base, parsed, parsed.request.event_id or event.id or base["refId"])
    except ChanceryError as exc:
        return exc
    except Exception as exc:  # one call must not fail its batch
        logger.error("EVENT_CRASHED", error=type(exc).__name__)
        return ChanceryError("This event could not be processed; it has been logged.")


def _base(recorder: ToolCallRecorder, event: Event, request: ToolCallRequest) -> Document:
    """IAM decides who may publish on the bus, so an event names its tenant itself."""
    if request.tenant_id is None:
        error = FieldError("/tenantId", "name the tenant; a tool call belongs to one")
        raise ValidationFailed("The tool call is not valid.", errors=[error])
    ids = {
        "traceId": request.trace_id or event.correlation.trace_id,
        "correlationId": request.correlation_id or event.correlation.correlation_id,
    }
    return {
        "refId": new_ref_id(),
        "tenantId": request.tenant_id,
        "createdBy": redact_text(event.source or _BUS),
        "createdOn": recorder.documents.clock(),
        **{name: value for name, value in ids.items() if value is not None},
    }


def _clean(detail: dict[str, Any], using: Detector) -> dict[str, Any]:
    """The call as it may be stored in a queue: redacted. A sensitive one is encrypted under the stack's key there."""
    return redacted(detail, using=using)[0]
