"""The queue of a client in memory: events, and markers that say how far it has been processed."""

import queue
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from chancery_client.metrics import Counter

BATCH = 100  # events, enough for several calls to the bus
_MAX_SIGNALS = 100  # a surplus signal makes a smaller batch, a missing one a longer wait
_UNIT = 1024  # bytes; an event counts as one unit at least


class Queued(NamedTuple):
    """An event in the queue, and when it was put there (monotonic seconds)."""

    event: bytes
    since: float


class Buffer:
    """A queue of events and of markers; the thread sets a marker once it has processed all events before it.

    A signal handler or a finalizer may interrupt a `put` and call it again: SimpleQueue permits that, Queue does not.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._items: queue.SimpleQueue[Queued | threading.Event] = queue.SimpleQueue()
        self._signals: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._capacity, self._max_units = capacity, max_bytes // _UNIT
        self._put_units, self._got_units = Counter(), Counter()

    def put(self, event: bytes) -> bool:
        """Queues the event. Returns False where the queue is full; never waits."""
        if self._items.qsize() >= self._capacity or self._put_units.value - self._got_units.value >= self._max_units:
            return False
        self._put_units.add(_units(event))
        self._items.put(Queued(event, time.monotonic()))
        if self._items.qsize() % BATCH == 0:
            self._signal()
        return True

    def put_marker(self) -> threading.Event:
        """Queues a marker behind the events that are queued now."""
        marker = threading.Event()
        self._items.put(marker)
        self._signal()
        return marker

    def get(self, timeout: float) -> Queued | threading.Event | None:
        """The next event or marker; None where none arrives within `timeout` seconds."""
        try:
            item = self._items.get(timeout=timeout) if timeout > 0 else self._items.get_nowait()
        except queue.Empty:
            return None
        if isinstance(item, Queued):
            self._got_units.add(_units(item.event))
        return item

    def wait_for_batch(self, timeout: float) -> None:
        """Waits for a full batch or a marker. Does not wake up per event: that would take the callers' time."""
        with suppress(queue.Empty):
            self._signals.get(timeout=timeout if self._items.qsize() < BATCH else 0)

    def empty(self) -> bool:
        """Whether neither an event nor a marker is queued."""
        return self._items.empty()

    def _signal(self) -> None:
        if self._signals.qsize() < _MAX_SIGNALS:
            self._signals.put(None)


def _units(event: bytes) -> int:
    return 1 + len(event) // _UNIT
