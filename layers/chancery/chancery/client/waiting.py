"""The events that wait for the background thread: bounded by number and bytes, open to callers at any moment."""

import queue
import threading
from contextlib import suppress

from chancery.client.counts import Tally

BATCH = 100  # events worth a few calls
_RINGS = 100  # kept at most; one too many makes a smaller batch, one too few waits a little longer
_UNIT = 1024  # bytes; the least that an event is taken for


class Waiting:
    """A queue of events, and of markers that are set once everything before them has been dealt with.

    SimpleQueue may be entered again by a signal handler or a finaliser that interrupts it, as Queue may not.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._items: queue.SimpleQueue[bytes | threading.Event] = queue.SimpleQueue()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._capacity, self._max_units = capacity, max_bytes // _UNIT
        self._entered, self._left = Tally(), Tally()

    def put(self, event: bytes) -> bool:
        """Whether there was room for the event; never waits."""
        if self._items.qsize() >= self._capacity or self._entered.value - self._left.value >= self._max_units:
            return False
        self._entered.add(_units(event))
        self._items.put(event)
        if self._items.qsize() % BATCH == 0:
            self._ring()
        return True

    def mark(self) -> threading.Event:
        """Puts a marker behind what waits now."""
        marker = threading.Event()
        self._items.put(marker)
        self._ring()
        return marker

    def get(self, seconds: float) -> bytes | threading.Event | None:
        """The next event or marker; None when none has come in time."""
        try:
            item = self._items.get(timeout=seconds) if seconds > 0 else self._items.get_nowait()
        except queue.Empty:
            return None
        if isinstance(item, bytes):
            self._left.add(_units(item))
        return item

    def linger(self, seconds: float) -> None:
        """Waits for a batch or a marker. It does not wake for each event: that would take the caller's time."""
        with suppress(queue.Empty):
            self._bell.get(timeout=seconds if self._items.qsize() < BATCH else 0)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._items.empty()

    def _ring(self) -> None:
        if self._bell.qsize() < _RINGS:
            self._bell.put(None)


def _units(event: bytes) -> int:
    return 1 + len(event) // _UNIT
