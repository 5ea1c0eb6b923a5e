"""The batch consumer: stores exchanges from the queue behind the bus. One message that fails delays no other.

The detail of a `Record Exchange` opens an exchange, closes it, or is the whole of it:

    {"tenantId": "acme", "requestId": "r-1", "systemCode": "sap", "httpMethod": "POST", "requestUrl": "https://..."}
    {"tenantId": "acme", "requestId": "r-1", "status": "SUCCESS", "responseStatus": 201, "completedAt": "..."}

The two may arrive in any order.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.aws.event_queue import Event, EventQueue, event_of, prefiltered, tenant_of
from chancery.core.aws.queue import Message, Queue
from chancery.core.batches import crash_error
from chancery.core.detectors import Detectors
from chancery.core.documents import redact_body
from chancery.core.errors import ChanceryError, FieldError, ValidationFailed
from chancery.core.formats.correlation import Correlation
from chancery.core.mongo.client import Document
from chancery.core.redaction import REDACTED, Detector, redact_text
from chancery.integrations.exchanges.bodies import redacted_body
from chancery.integrations.exchanges.ingest import parse_record, redact_signed
from chancery.integrations.exchanges.log import ExchangeLog, Origin
from chancery.integrations.exchanges.models import ExchangeRecord
from chancery.integrations.exchanges.store import SENDER

RECORD = "Record Exchange"
_AT_ONCE = 8  # exchanges that wait for the database and S3 in parallel
_BUS = "event-bus"
_BODIES = ("requestBody", "responseBody")


@dataclass(frozen=True, slots=True)
class ExchangeConsumer:
    """Consumes SQS batches. `max_receives` is the redrive policy's maxReceiveCount."""

    log: Callable[[], ExchangeLog]
    detectors: Detectors
    queue: Queue
    rejects: Queue
    dead_letters: Queue
    max_receives: int

    def consume(self, messages: Sequence[Message]) -> list[str]:
        """Stores the exchanges of SQS `messages`; the ids of those to deliver again (`batchItemFailures`)."""
        events = EventQueue(self.queue, self.rejects, self.dead_letters, self.max_receives, self.detectors, _clean)
        return events.consume(messages, self._record)

    def _record(self, messages: Sequence[Message]) -> list[Document | ChanceryError]:
        log = self.log()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda item: _recorded(log, *item), prefiltered(messages)))


def _recorded(log: ExchangeLog, message: Message, suspicious: bool) -> Document | ChanceryError:
    """The stored exchange, or the error of this message alone."""
    try:
        event = event_of(message, RECORD)
        tenant_id = tenant_of(event.detail)
        if tenant_id is None:
            error = FieldError("/tenantId", "name the tenant; an exchange belongs to one")
            raise ValidationFailed("The exchange is not valid.", errors=[error])
        now, using = log.store.clock(), log.detectors.of(tenant_id)
        record = parse_record(event.detail, now, event.happened or now, using, search=suspicious)
        return log.record(record.tenant_id or tenant_id, record, _origin(event))
    except ChanceryError as exc:
        return exc
    except Exception as exc:  # one exchange must not fail its batch
        return crash_error(exc)


def _origin(event: Event) -> Origin:
    source = redact_text(event.source or _BUS)
    return Origin(_BUS if source == SENDER else source, Correlation(*event.correlation))


def _clean(detail: dict[str, Any], using: Detector) -> dict[str, Any]:
    """The exchange as it may be stored in a queue: redacted."""
    others = {name: value for name, value in detail.items() if name not in _BODIES}
    clean = redact_body(others, ExchangeRecord, using=using)
    redact_signed(clean)
    return clean | {name: _clean_body(detail, name, using) for name in _BODIES if name in detail}


def _clean_body(detail: Mapping[str, Any], name: str, using: Detector) -> Any:
    """A redacted body in the form in which it was sent; one that cannot be read is replaced whole."""
    body, encoding = detail[name], detail.get(f"{name}Encoding")
    try:
        clean = redacted_body(body, encoding, f"/{name}", using)
    except ValidationFailed:
        return REDACTED
    if clean is None:
        return None
    if encoding is not None:
        return b64encode(clean.body).decode()
    return clean.body.decode() if isinstance(body, str) else orjson.loads(clean.body)
