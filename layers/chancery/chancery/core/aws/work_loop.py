"""The loop of every function behind a work queue, with the one policy for failures.

A message is about an item: an export, a month, a restore. Whatever happens to one item, the others of the batch are
worked on.

- A message that cannot be parsed is never worked on: it is deferred (`MESSAGE_MALFORMED`) until it is a dead letter.
- An item that does not exist (NotFound) needs no work: its message is deleted (`ITEM_UNKNOWN`).
- An item whose work raises anything else, expected or not, is deferred with backoff (`WORK_DEFERRED`).
- After its last attempt the item has failed (`WORK_FAILED`): its worker stores the reason in the item's own document,
  and the loop moves the message to the dead letter queue. An outage (Unavailable) is a failure like any other, unless
  the worker declares that its schedule works on such items again (`rescheduled`).
- The last delivery is no attempt. It arrives only where the last attempt did not end, since a time-out or a lack of
  memory ended the process, or where its failure could not be stored (`FAILURE_NOT_STORED`): the item fails now.

A message that is sent after its item failed is a redrive: the item is worked on again (`Delivery.is_redrive_of`).
Events behind the bus are not items but records to store; `event_queue.py` has their policy.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from chancery.core.aws.queue import Message, Queue, receives, sent_ms
from chancery.core.errors import NotFound, Unavailable, reason_of
from chancery.core.observability import count, logger
from chancery.core.settings import DeliverySettings, load

LONGEST_ATTEMPT = timedelta(minutes=15)  # of a Lambda function: an item that is unchanged for longer has no worker


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt at an item: its number from 1, whether it is the last one, and the time left in milliseconds.

    `sent_on`: when the newest message about the item was sent.
    """

    remaining_ms: Callable[[], int]
    number: int = 1
    last: bool = False
    sent_on: datetime = datetime.fromtimestamp(0, UTC)

    def is_redrive_of(self, document: Mapping[str, Any]) -> bool:
        """Whether the message was sent after the document, which has failed, was changed last."""
        return bool(self.sent_on > document["updatedOn"])


class Worker[Item: Hashable](Protocol):
    """Works on the items of one queue.

    `name` of the queue in logs. `rescheduled`: a schedule works on an item again after an outage, so that an outage in
    the last attempt does not end it.
    """

    @property
    def name(self) -> str: ...
    @property
    def rescheduled(self) -> bool: ...
    def parse(self, message: Message) -> Item:
        """The item that a message is about. Raises ValidationFailed for a malformed message."""
        ...

    def work(self, item: Item, delivery: Delivery) -> None:
        """Works on an item, also on a failed one that is redriven. Raises NotFound for one that does not exist."""
        ...

    def failed(self, item: Item, reason: str) -> None:
        """Stores in the item's document that it has failed, and why; changes no item that has ended."""
        ...


@dataclass(frozen=True, slots=True)
class WorkLoop[Item: Hashable]:
    """Has a worker work on SQS batches, `attempts` times on an item. The redrive policy allows one delivery more."""

    worker: Worker[Item]
    queue: Queue
    dead_letters: Queue
    attempts: int

    @classmethod
    def deployed(cls, worker: Worker[Item], queue: Queue) -> Self:
        """The loop of a deployed function."""
        settings = load(DeliverySettings)
        return cls(worker, queue, Queue(settings.dead_letter_queue_url), settings.max_receives - 1)

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
            if not self._done(item, own, remaining_ms):
                deferred += own
        if deferred:
            self.queue.defer(deferred)
        return [message["messageId"] for message in deferred]

    def _done(self, item: Item, messages: Sequence[Message], remaining_ms: Callable[[], int]) -> bool:
        """Whether SQS may delete an item's messages: the work is done, or they are dead letters."""
        number = max(map(receives, messages))
        if number > self.attempts:
            reason = f"Attempt {self.attempts} did not end: its process ran out of time or memory."
            return self._fail(item, messages, reason)
        sent_on = datetime.fromtimestamp(max(map(sent_ms, messages)) / 1000, UTC)
        try:
            self.worker.work(item, Delivery(remaining_ms, number, number == self.attempts, sent_on))
        except NotFound as exc:
            logger.warning("ITEM_UNKNOWN", queue=self.worker.name, item=str(item), reason=exc.detail)
        except Exception as exc:
            is_last, outage = number == self.attempts, isinstance(exc, Unavailable)
            if is_last and not (outage and self.worker.rescheduled):
                return self._fail(item, messages, reason_of(exc))
            count("WorkDeferred")
            logger.warning("WORK_DEFERRED", **self._about(item, reason_of(exc)), delivery=number)
            return is_last and self._moved(messages)
        return True

    def _fail(self, item: Item, messages: Sequence[Message], reason: str) -> bool:
        """Whether the item is marked as failed, and its messages are dead letters."""
        count("WorkFailed")
        logger.error("WORK_FAILED", **self._about(item, reason))
        try:
            self.worker.failed(item, reason)
        except Exception as exc:
            logger.error("FAILURE_NOT_STORED", **self._about(item, reason_of(exc)))
            return False
        return self._moved(messages)

    def _moved(self, messages: Sequence[Message]) -> bool:
        """Whether the dead letter queue has taken the messages; SQS moves the others after their last delivery."""
        try:
            for message in messages:
                self.dead_letters.forward(message)
        except Unavailable as exc:
            logger.warning("DEAD_LETTER_NOT_SENT", queue=self.worker.name, reason=exc.detail)
            return False
        return True

    def _about(self, item: Item, reason: str) -> dict[str, Any]:
        return {"queue": self.worker.name, "item": str(item), "reason": reason}
