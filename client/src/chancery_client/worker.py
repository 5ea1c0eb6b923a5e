"""The background thread of a client and its queue: takes batches, delivers them, and replays spooled events."""

import _thread
import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from chancery_client.delivery import Delivery, Replay
from chancery_client.metrics import Counter

log = logging.getLogger("chancery_client")

_BATCH_BYTES = 4 * 1024 * 1024
_NO_REPLAY = 3600.0  # seconds
_BATCH = 100  # events, enough for several calls to the bus
_MAX_SIGNALS = 100  # a surplus signal makes a smaller batch, a missing one a longer wait
_UNIT = 1024  # bytes; an event counts as one unit at least


class Buffer:
    """A queue of events and of markers; the thread sets a marker once it has processed all events before it.

    A signal handler or a finalizer may interrupt a `put` and call it again: SimpleQueue permits that, Queue does not.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._items: queue.SimpleQueue[bytes | threading.Event] = queue.SimpleQueue()
        self._signals: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._capacity, self._max_units = capacity, max_bytes // _UNIT
        self._put_units, self._got_units = Counter(), Counter()

    def put(self, event: bytes) -> bool:
        """Queues the event. Returns False where the queue is full; never waits."""
        if self._items.qsize() >= self._capacity or self._put_units.value - self._got_units.value >= self._max_units:
            return False
        self._put_units.add(_units(event))
        self._items.put(event)
        if self._items.qsize() % _BATCH == 0:
            self._signal()
        return True

    def put_marker(self) -> threading.Event:
        """Queues a marker behind the events that are queued now."""
        marker = threading.Event()
        self._items.put(marker)
        self._signal()
        return marker

    def get(self, timeout: float) -> bytes | threading.Event | None:
        """The next event or marker; None where none arrives within `timeout` seconds."""
        try:
            item = self._items.get(timeout=timeout) if timeout > 0 else self._items.get_nowait()
        except queue.Empty:
            return None
        if isinstance(item, bytes):
            self._got_units.add(_units(item))
        return item

    def wait_for_batch(self, timeout: float) -> None:
        """Waits for a full batch or a marker. Does not wake up per event: that would take the callers' time."""
        with suppress(queue.Empty):
            self._signals.get(timeout=timeout if self._items.qsize() < _BATCH else 0)

    def empty(self) -> bool:
        """Whether neither an event nor a marker is queued."""
        return self._items.empty()

    def _signal(self) -> None:
        if self._signals.qsize() < _MAX_SIGNALS:
            self._signals.put(None)


def _units(event: bytes) -> int:
    return 1 + len(event) // _UNIT


class Worker:
    """Accepts events from any thread, signal handler or finalizer; starts its thread with the first one.

    Registers `at_exit` when the thread starts, so in each process: multiprocessing clears the exit functions that a
    child inherits.
    """

    def __init__(
        self, buffer: Buffer, delivery: Delivery, replay: Replay | None, linger: float, at_exit: Callable[[], None]
    ) -> None:
        self._buffer, self._delivery, self._replay = buffer, delivery, replay
        self._linger, self._at_exit = linger, at_exit
        self._pending: dict[int, bytes] = {}
        self._numbers = count()
        self._running = threading.Lock()  # held while the thread runs
        self._closing = self._closed = False
        self._next_replay = self._deadline = 0.0

    def put(self, event: bytes) -> bool:
        """Queues the event; after `close`, delivers it at once. Returns False where the buffer is full."""
        if not self._buffer.put(event):
            return False
        with suppress(Exception):  # the event is queued
            self._launch()
        return True

    def flush(self, timeout: float) -> bool:
        """Waits until all queued events have an outcome. After `timeout` seconds spools the rest and returns False."""
        if not self._running.locked() and self._buffer.empty():
            return True
        marker = self._buffer.put_marker()
        if self._launch() and marker.wait(timeout):
            return True
        if self._replay:
            self._take_over(self._delivery.spool)
        return False

    def close(self, timeout: float) -> None:
        """Flushes and ends the thread; after `timeout` seconds spools or drops the rest."""
        deadline = self._deadline = time.monotonic() + timeout
        self._closing = True
        if not self.flush(timeout):
            self._take_over(self._delivery.spool)
        if self._running.acquire(timeout=max(0.0, deadline - time.monotonic())):
            self._running.release()
        self._closed = True
        self._launch()  # for events written meanwhile

    def _launch(self) -> bool:
        """Starts the thread, or processes the queue here: once closed, and when the process ends.

        Returns False where the system has no thread left.
        """
        if self._closed or not (self._running.locked() or threading.main_thread().is_alive()):
            self._take_over(self._delivery.spool if self._replay else self._deliver_once)
        elif self._running.acquire(blocking=False):
            try:
                # Not threading.Thread: its start() waits until the thread runs.
                _thread.start_new_thread(self._run, ())
            except BaseException as exc:
                self._running.release()
                if not isinstance(exc, RuntimeError):
                    raise
                # No thread is available; the next event or flush tries again.
                log.warning("AUDIT_THREAD_NOT_STARTED %s", exc)
                return False
            atexit.register(self._at_exit)
        return True

    def _deliver_once(self, events: dict[int, bytes]) -> None:
        self._delivery.deliver(events, attempts=1)

    def _take_over(self, process: Callable[[dict[int, bytes]], None]) -> None:
        """Processes all queued and pending events in the calling thread."""
        rest: dict[int, bytes] = {}
        markers: list[threading.Event] = []
        for key in list(self._pending):
            if event := self._pending.pop(key, None):
                rest[key] = event
        while (item := self._buffer.get(0)) is not None:
            if isinstance(item, bytes):
                rest[next(self._numbers)] = item
            else:
                markers.append(item)
        try:
            process(rest)
        finally:
            self._delivery.drop(rest)  # empty, unless that failed
            for marker in markers:
                marker.set()

    # The methods below run in the thread.

    def _run(self) -> None:
        try:
            threading.current_thread().name = "chancery-audit"
            while not (self._closing and self._buffer.empty()):
                self._process_batch()
            while time.monotonic() < self._deadline and self._replay_step() == 0.0:
                pass  # a short-lived process replays at its end what other processes have spooled
        finally:
            self._running.release()

    def _process_batch(self) -> None:
        marker = self._collect()
        try:
            self._delivery.deliver(self._pending)
        except Exception as exc:  # the thread survives any error
            log.warning("AUDIT_BATCH_FAILED %s", type(exc).__name__)
            self._delivery.drop(self._pending)
        if marker:
            marker.set()
        if not self._closing and time.monotonic() >= self._next_replay:
            self._next_replay = time.monotonic() + self._replay_step()

    def _replay_step(self) -> float:
        try:
            return self._replay.step() if self._replay else _NO_REPLAY
        except Exception as exc:
            log.warning("AUDIT_REPLAY_FAILED %s", type(exc).__name__)
            return 1.0

    def _collect(self) -> threading.Event | None:
        """Moves the events of the next `linger` seconds to `_pending`. Returns the marker that ended the batch."""
        size = 0
        item = self._buffer.get(self._next_replay - time.monotonic())
        if isinstance(item, bytes):
            self._buffer.wait_for_batch(self._linger)
        while isinstance(item, bytes):
            self._pending[next(self._numbers)] = item
            size += len(item)
            if len(self._pending) >= _BATCH or size >= _BATCH_BYTES:
                return None
            item = self._buffer.get(0)
        return item
