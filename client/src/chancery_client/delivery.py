"""Delivery: redacts queued events and sends them, or spools them. Replay: sends spooled events later."""

import time

import orjson

from chancery_client.degradation import Degradation
from chancery_client.event_bus import BusConnection, BusUnavailable
from chancery_client.event_format import EventFormat, EventRejected
from chancery_client.metrics import Metrics
from chancery_client.spool import Segment, Spool
from chancery_client.throttled_log import ThrottledLog

ATTEMPTS = 3
_RETRYABLE = ("InternalFailure", "ThrottlingException")  # error codes of PutEventsResultEntry
_MAX_REFUSALS = 3


class Delivery:
    """Gives each event exactly one outcome: sent, spooled, rejected or dropped.

    `pending` has the prepared events of a batch by number. Removing a number from it is claiming that event: the code
    that removed it decides on the outcome and counts it. So a flush that times out may claim the rest of a batch while
    the thread still waits for the bus.
    """

    def __init__(
        self,
        form: EventFormat,
        bus: BusConnection,
        spool: Spool | None,
        metrics: Metrics,
        log: ThrottledLog,
        retry_pause: float,
    ) -> None:
        self._form, self._bus, self._spool, self._metrics, self._log = form, bus, spool, metrics, log
        self._retry_pause = retry_pause

    def prepare(self, encoded: bytes) -> bytes | None:
        """The detail of an event that `encode` has made: redacted and as intake accepts it. None of a rejected one."""
        try:
            event, found = self._form.decode(encoded)
            changes = Degradation(found)
            try:
                detail = self._form.conform(event, changes)
            except EventRejected as exc:
                self._reject(self._form.redacted(event), str(exc))
                return None
        except Exception as exc:  # one event must not affect others, and is sent redacted or not at all
            self._metrics.add("rejected")
            self._log.warn("REDACTION_FAILED", type(exc).__name__)
            return None
        if changes:
            self._metrics.add("degraded")
            self._log.warn("EVENTS_DEGRADED", changes.summary())
        return detail

    def deliver(self, pending: dict[int, bytes], attempts: int = ATTEMPTS) -> None:
        """Sends the events. With a spool, does not retry while the bus is unavailable."""
        left = dict(pending)
        for attempt in range(attempts):
            if not left or (self._spool and not self._bus.available):
                break
            if attempt:
                time.sleep(self._retry_pause * 2 ** (attempt - 1))
            left = self._send(left, pending)
        self._store(left, pending)

    def spool(self, pending: dict[int, bytes]) -> None:
        """Spools the events without trying the bus."""
        self._store(dict(pending), pending)

    def drop(self, pending: dict[int, bytes]) -> None:
        """Counts the remaining events as dropped."""
        self._drop(sum(pending.pop(key, None) is not None for key in list(pending)))

    def _reject(self, event: dict[str, object], reason: str) -> None:
        self._metrics.add("rejected")
        self._log.warn("EVENTS_REJECTED", reason)
        if self._spool:
            self._spool.reject(event, reason)

    def _send(self, details: dict[int, bytes], pending: dict[int, bytes]) -> dict[int, bytes]:
        """The events that the bus did not accept; stops at the first call that fails."""
        left = dict(details)
        try:
            for call in self._form.calls(details):
                for key, code in self._bus.put(call).items():
                    if code is None:
                        del left[key]
                        self._metrics.add("sent", pending.pop(key, None) is not None)
        except BusUnavailable:
            pass
        return left

    def _store(self, left: dict[int, bytes], pending: dict[int, bytes]) -> None:
        details = [detail for key, detail in left.items() if pending.pop(key, None) is not None]
        if details and self._spool and self._spool.write(details):
            self._metrics.add("spooled", len(details))
        else:
            self._drop(len(details))

    def _drop(self, number: int) -> None:
        if number:
            self._metrics.add("dropped", number)
            self._log.warn("EVENTS_DROPPED", "neither the bus nor the disk took them", number)


class Replay:
    """Sends spooled events, one segment a step, so that new events never wait behind old ones.

    While the bus is unavailable, only the replay probes it.
    """

    def __init__(
        self,
        form: EventFormat,
        bus: BusConnection,
        spool: Spool,
        metrics: Metrics,
        log: ThrottledLog,
        every: float,
    ) -> None:
        self._form, self._bus, self._spool, self._metrics, self._log, self._every = (
            form,
            bus,
            spool,
            metrics,
            log,
            every,
        )
        self._refusals: dict[int, tuple[int, int]] = {}  # hash of an event: refusals, events sent until the last one

    def step(self) -> float:
        """Sends the next segment. Returns the seconds until the next step: 0 where more may be sent now."""
        if seconds := self._bus.seconds_to_probe():
            return seconds
        segment = self._spool.next_segment()
        if segment is None:
            self._bus.reset()  # there is nothing to probe with
            return self._every
        with segment:
            progress = self._replay(segment)
        if not self._bus.available:
            self._spool.start_over()
            return max(self._bus.seconds_to_probe(), 0.001)
        return 0.0 if progress else self._every

    def _replay(self, segment: Segment) -> bool:
        """Whether the bus accepted an event, or none was left."""
        left = self._send(segment.events)
        torn = {at: line for at, line in segment.torn.items() if not self._reject(_torn(line), "torn")}
        segment.retain(left | torn)
        return len(left) < len(segment.events) or not left

    def _send(self, events: dict[int, bytes]) -> dict[int, bytes]:
        left = dict(events)
        try:
            for call in self._form.calls(events):
                for key, code in self._bus.put(call).items():
                    if code is None:
                        self._refusals.pop(hash(left.pop(key)), None)
                        self._metrics.add("replayed")
                    elif self._is_permanent(left[key], code) and self._reject(orjson.loads(left[key]), code):
                        del left[key]
        except BusUnavailable:
            pass
        return left

    def _is_permanent(self, event: bytes, code: str) -> bool:
        """Whether the bus has refused the event three times and accepted others in between."""
        times, sent = self._refusals.get(hash(event), (0, 0))
        if code in _RETRYABLE or self._bus.sent == sent:
            return False
        self._refusals[hash(event)] = (times + 1, self._bus.sent)
        return times + 1 >= _MAX_REFUSALS

    def _reject(self, event: dict[str, object], reason: str) -> bool:
        self._log.warn("REPLAY_REJECTED", reason)
        if not self._spool.reject(event, reason):
            return False
        self._metrics.add("replay_rejected")
        return True


def _torn(line: bytes) -> dict[str, object]:
    return {"torn": line.decode(errors="replace")}
