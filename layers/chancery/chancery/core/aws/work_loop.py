"""The loop of every function behind a work queue, with the one policy for failures.

A message is about an item: an export, a month, a restore. Whatever happens to one item, the others of the batch are
worked on.

- A message that cannot be parsed is never worked on: it is deferred (`MESSAGE_MALFORMED`) until it is a dead letter.
- An item that does not exist (NotFound) needs no work: its message is deleted (`ITEM_UNKNOWN`).
- An item whose work raises anything else, expected or not, is deferred with backoff (`WORK_DEFERRED`).
- On its last delivery the item has failed (`WORK_FAILED`): its worker stores the reason in the item's own document, and
  SQS moves the message to the dead-letter queue. An outage (Unavailable) is a failure like any other, unless the worker
  says that its schedule works on such items again (`rescheduled`).
- A reason that cannot be stored (`FAILURE_NOT_STORED`) holds up nothing either; the message is still a dead letter.

Events behind the bus are not items but records to store; `event_queue.py` has their policy.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chancery.core.aws.queue import Message, Queue, receives
from chancery.core.errors import NotFound, Unavailable, reason_of
from chancery.core.observability import count, logger


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of an item: its number from 1, whether it is the last one, and the time left in milliseconds."""

    remaining_ms: Callable[[], int]
    number: int = 1
    last: bool = False


class Worker[Item: Hashable](Protocol):
    """Works on the items of one queue.

    `name` of the queue in logs. `rescheduled`: a schedule works on an item again after an outage, so that an outage on
    the last delivery does not end it.
    """

    @property
    def name(self) -> str: ...
    @property
    def rescheduled(self) -> bool: ...
    def parse(self, message: Message) -> Item:
        """The item that a message is about. Raises ValidationFailed for a malformed message."""
        ...

    def work(self, item: Item, delivery: Delivery) -> None:
        """Works on an item. Raises NotFound for one that does not exist."""
        ...

    def failed(self, item: Item, reason: str) -> None:
        """Stores in the item's document that it has failed, and why."""
        ...


@dataclass(frozen=True, slots=True)
class WorkLoop[Item: Hashable]:
    """Has a worker work on SQS batches. `max_receives` is the redrive policy's maxReceiveCount."""

    worker: Worker[Item]
    queue: Queue
    max_receives: int

    def consume(self, messages: Sequence[Message], remaining_ms: Callable[[], int]) -> list[str]:
        """Works on the items of a batch; returns the ids of the messages to deliver again (`batchItemFailures`).

        Messages about the same item are worked on once, and succeed or fail together.
        """
        deferred: list[Message] = []
        items: dict[Item, list[Message]] = {}
        for message in messages:
            try:
                items.setdefault(self.worker.parse(message), []).append(message)
            except Exception as exc:
                message_id = message["messageId"]
                logger.error("MESSAGE_MALFORMED", queue=self.worker.name, message_id=message_id, reason=reason_of(exc))
                deferred.append(message)
        for item, own in items.items():
            if not self._done(item, self._delivery(own, remaining_ms)):
                deferred += own
        if deferred:
            self.queue.defer(deferred)
        return [message["messageId"] for message in deferred]

    def _delivery(self, messages: Sequence[Message], remaining_ms: Callable[[], int]) -> Delivery:
        number = max(map(receives, messages))
        return Delivery(remaining_ms, number, last=number >= self.max_receives)

    def _done(self, item: Item, delivery: Delivery) -> bool:
        """Whether SQS may delete an item's messages."""
        try:
            self.worker.work(item, delivery)
        except NotFound as exc:
            logger.warning("ITEM_UNKNOWN", queue=self.worker.name, item=str(item), reason=exc.detail)
        except Exception as exc:
            self._defer(item, delivery, exc)
            return False
        return True

    def _defer(self, item: Item, delivery: Delivery, exc: Exception) -> None:
        about: dict[str, Any] = {"queue": self.worker.name, "item": str(item), "reason": reason_of(exc)}
        retried = self.worker.rescheduled and isinstance(exc, Unavailable)
        if not delivery.last or retried:
            count("WorkDeferred")
            logger.warning("WORK_DEFERRED", **about, delivery=delivery.number)
            return
        count("WorkFailed")
        logger.error("WORK_FAILED", **about)
        try:
            self.worker.failed(item, reason_of(exc))
        except Exception as second:
            logger.error("FAILURE_NOT_STORED", queue=self.worker.name, item=str(item), reason=reason_of(second))
