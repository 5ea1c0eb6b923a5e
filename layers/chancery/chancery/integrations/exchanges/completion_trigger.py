"""Triggers the completion of finished exchanges: one queue message a second; a schedule catches what none names."""

from dataclasses import dataclass, field

from chancery.core.aws.queue import GroupMessage, Queue
from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.observability import count, logger

_GROUP = "exchanges"


@dataclass(slots=True)
class CompletionTrigger:
    """Sends a message at most once a second; over all environments SQS drops all but the first (deduplication).

    The queue delays it by a second: when it arrives, the exchanges of its second are stored.
    """

    queue: Queue
    clock: Clock = now
    _sent_in: int = field(default=0)

    def trigger(self) -> None:
        """Never raises: what no message names is completed by the schedule, within a minute."""
        second = int(self.clock().timestamp())
        if second == self._sent_in:
            return
        self._sent_in = second
        try:
            self.queue.send_in_groups([GroupMessage("{}", _GROUP, f"{_GROUP}.{second}")])
        except Unavailable:
            count("ExchangeTriggersFailed")
            logger.warning("EXCHANGE_TRIGGER_FAILED")
