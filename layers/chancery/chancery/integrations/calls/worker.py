"""The worker behind the queue of calls, and the sweep that finds calls whose message or process was lost."""

from dataclasses import dataclass
from typing import ClassVar

from chancery.core.aws.queue import ItemRef, Message
from chancery.core.aws.work_loop import Delivery
from chancery.core.observability import logger
from chancery.integrations.calls.machine import Woken
from chancery.integrations.calls.run import CallRun, Parts
from chancery.integrations.calls.store import StaleCall

SWEPT = 2000  # calls of one run of the sweep


@dataclass(frozen=True, slots=True)
class CallWorker:
    """Works on one call a message."""

    parts: Parts

    name: ClassVar[str] = "integration-calls"
    rescheduled: ClassVar[bool] = True  # `sweep`, each minute

    def parse(self, message: Message) -> ItemRef:
        """The call of a message. Raises ValidationFailed."""
        return ItemRef.parse(message)

    def work(self, item: ItemRef, delivery: Delivery) -> None:
        """Makes one attempt where it is time for it and the limits let it through; else has the call woken again.

        Safe to repeat and to kill anywhere. Raises NotFound, Unavailable.
        """
        run = CallRun(self.parts, self.parts.calls.get(item), delivery.remaining_ms)
        try:
            run.go(Woken(self.parts.clock()))
        except StaleCall:
            logger.info("CALL_CHANGED_MEANWHILE", ref_id=item.ref_id)

    def failed(self, item: ItemRef, reason: str) -> None:
        """Leaves a call as it is: the sweep has it worked on again, until its deadline."""
        logger.error("CALL_NOT_WORKED_ON", ref_id=item.ref_id, reason=reason)

    def sweep(self) -> dict[str, int]:
        """Sends messages for calls that are due later than SQS can wait, or overdue: `{woken}`."""
        woken = 0
        for call in self.parts.calls.overdue(SWEPT):
            if self.parts.calls.postpone(call):
                self.parts.wake(ItemRef.of(call), call["dueOn"])
                woken += 1
        return {"woken": woken}
