"""The worker behind the queue of deliveries, and the sweep that finds destinations that no run serves.

A run holds the lease of its destination and goes on for most of a Lambda invocation; then it hands over by a queue
message. One that is killed leaves its lease to expire; the sweep starts the next, which goes on at what is stored.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from typing import Any, ClassVar

from chancery.core.aws.queue import ItemRef, Message, body_of
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import Unavailable, ValidationFailed
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.destinations.delivery.run import DestinationRun, Parts
from chancery.destinations.delivery.state_store import LeaseLost
from chancery.destinations.delivery.trigger import LOOKED_AT, DeliveryTrigger, Run
from chancery.destinations.events import sources_of

_TICK = 0.2  # seconds
_TIME_TO_END_MS = 45_000  # more than the longest attempt
_LONGEST_DELAY = timedelta(minutes=15)  # of an SQS message
_AGAIN = timedelta(minutes=1)  # until a notice is published again that the bus did not take
_SWEPT = 2_000  # destinations of one sweep
_DELETED = "destination_deleted"


@dataclass(frozen=True, slots=True)
class DeliveryWorker:
    """Serves one destination a message."""

    parts: Parts
    trigger: DeliveryTrigger

    name: ClassVar[str] = "deliveries"
    rescheduled: ClassVar[bool] = True  # `sweep`, each minute

    def parse(self, message: Message) -> Run:
        """The run that a message asks for. Raises ValidationFailed."""
        former = body_of(message, "former")["former"]
        if not isinstance(former, str | None):
            raise ValidationFailed("The message has no token: former is text or null.")
        return Run(ItemRef.parse(message), former)

    def work(self, run: Run, delivery: Delivery) -> None:
        """Serves a destination until there is nothing left for now, or time is short. Raises Unavailable."""
        token = new_ref_id()
        state = self.parts.states.take(run.item, token, run.former)
        if state is None:
            return
        try:
            self._serve(run.item, token, state, delivery.remaining_ms)
        except LeaseLost:
            logger.warning("DELIVERY_LEASE_LOST", destination=run.item.ref_id)
        except Exception:
            with suppress(Unavailable):  # the next delivery of the message takes it, or the sweep starts another run
                self.parts.states.give_back(run.item, token)
            raise

    def _serve(self, item: ItemRef, token: str, state: Document, remaining_ms: Callable[[], int]) -> None:
        with self.parts.executor() as pool:
            run = DestinationRun(self.parts, item, token, state, pool)
            run.publish_notices()  # that a former run could not
            if run.begin() and self._is_left(run, remaining_ms):
                run.measure()
                self.trigger.queue.send(Run(item, token).to_message())
                return
        wake_on = run.wake_on() if run.is_serving else self._abandoned(item)
        if not run.publish_notices():
            again = self.parts.clock() + _AGAIN
            wake_on = min(wake_on or again, again)
        self._end(item, token, state, wake_on)
        if run.is_serving:
            run.measure()
            self.parts.sleep(LOOKED_AT * 1.25)  # a writer that saw this run just before its end has stored by now
            if run.is_behind():
                self.trigger.start(item)

    def _is_left(self, run: DestinationRun, remaining_ms: Callable[[], int]) -> bool:
        """Ticks until there is nothing left for now; True where time is short instead."""
        while run.tick():
            if remaining_ms() < _TIME_TO_END_MS:
                while run.tick(is_ending=True):
                    self.parts.sleep(_TICK)
                return True
            self.parts.sleep(_TICK)
        return False

    def _abandoned(self, item: ItemRef) -> datetime | None:
        """Ends deliveries of a destination that is deleted; when to go on with that."""
        destination = self.parts.states.destination(item)
        if destination is not None and not destination.get("deletedOn"):
            return None  # disabled: they wait
        return self.parts.clock() if self.parts.deliveries.abandon(item, _DELETED) else None

    def _end(self, item: ItemRef, token: str, state: Document, wake_on: datetime | None) -> None:
        """Gives the lease back; sends the message for a time that SQS can wait for, for a later one the sweep does."""
        former = state.get("wakeOn")
        if not self.parts.states.end(item, token, former, wake_on) or wake_on is None or wake_on == former:
            return
        delay = wake_on - self.parts.clock()
        if delay <= _LONGEST_DELAY:
            self.trigger.queue.send(Run(item).to_message(), max(0, ceil(delay.total_seconds())))

    def failed(self, run: Run, reason: str) -> None:
        """Stores nothing: the sweep has the destination served again."""
        logger.error("DESTINATION_NOT_SERVED", destination=run.item.ref_id, reason=reason)

    def sweep(self) -> dict[str, int]:
        """Starts runs for destinations whose time has come, whose run was killed, or that are behind: `{woken}`."""
        waking = dict.fromkeys([*self.parts.states.to_wake(_SWEPT), *self._behind()])
        for item in waking:
            self.trigger.start(item)
        count("DestinationsWoken", len(waking))
        return {"woken": len(waking)}

    def _behind(self) -> list[ItemRef]:
        """Enabled destinations that no run serves, with events after their positions: a trigger was lost.

        Positions in sources that a destination selects no more stay where they are, and say nothing.
        """
        selected = {ItemRef.of(found): sources_of(found["events"]) for found in self.parts.states.enabled()}
        last = cache(lambda source, tenant_id: self.parts.sources[source].last(tenant_id))

        def is_behind(state: dict[str, Any]) -> bool:
            names, positions = selected[ItemRef.of(state)], state["positions"]
            read = [name for name in names if name in positions and name in self.parts.sources]
            return any(last(name, state["tenantId"]) > positions[name] for name in read)

        states = [state for state in self.parts.states.positions() if ItemRef.of(state) in selected]
        return [ItemRef.of(state) for state in states if is_behind(state)][:_SWEPT]
