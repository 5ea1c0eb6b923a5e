"""The background thread of a client: takes batches from its queue, delivers them, and replays spooled events."""

import _thread
import atexit
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import count
from typing import NamedTuple

from chancery_client.buffer import BATCH, Buffer, Queued
from chancery_client.delivery import Delivery, Replay
from chancery_client.termination import signals_blocked
from chancery_client.watchdog import Watchdog

log = logging.getLogger("chancery_client")

_BATCH_BYTES = 4 * 1024 * 1024
_NO_REPLAY = 3600.0  # seconds


class Times(NamedTuple):
    """Seconds. `linger`: for a full batch. `spool_after`: that events wait for the bus, before they are spooled."""

    linger: float
    spool_after: float


class Worker:
    """Accepts events from any thread, signal handler or finalizer; starts its thread with the first one.

    Registers `at_exit` when the thread starts, so in each process: multiprocessing clears the exit functions that a
    child inherits.
    """

    def __init__(
        self, buffer: Buffer, delivery: Delivery, replay: Replay | None, times: Times, at_exit: Callable[[], None]
    ) -> None:
        self._buffer, self._delivery, self._replay = buffer, delivery, replay
        self._times, self._at_exit = times, at_exit
        self._watchdog = Watchdog(times.spool_after, self.spool) if replay else None
        self._pending: dict[int, bytes] = {}
        self._numbers = count()
        self._running = threading.Lock()  # held while the thread runs
        self._closing = self._closed = False
        self._next_replay = self._deadline = 0.0
        self._oldest = 0.0  # when the first event of the batch was written

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
        self.spool()
        return False

    def spool(self) -> None:
        """Spools all queued and pending events, where there is a spool."""
        if self._replay:
            self._take_over(self._delivery.spool)

    def close(self, timeout: float) -> None:
        """Flushes and ends the thread; after `timeout` seconds spools or drops the rest."""
        deadline = self._deadline = time.monotonic() + timeout
        self._closing = True
        if not self.flush(timeout):
            self._take_over(self._delivery.spool)
        if self._running.acquire(timeout=max(0.0, deadline - time.monotonic())):
            self._running.release()
        if self._watchdog:
            self._watchdog.join(max(0.0, deadline - time.monotonic()))
        self._closed = True
        self._launch()  # for events written meanwhile

    def _launch(self) -> bool:
        """Starts the thread, or processes the queue here: once closed, and when the process ends.

        Returns False where the system has no thread left.
        """
        if self._closed or not (self._running.locked() or threading.main_thread().is_alive()):
            self._take_over(self._delivery.spool if self._replay else self._deliver_once)
        elif self._running.acquire(blocking=False):
            with signals_blocked():
                return self._start_thread()
        return True

    def _start_thread(self) -> bool:
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
            if isinstance(item, Queued):
                self._add(item, rest)
            else:
                markers.append(item)
        try:
            process(rest)
        finally:
            self._delivery.drop(rest)  # empty, unless that failed
            for marker in markers:
                marker.set()

    def _add(self, item: Queued, batch: dict[int, bytes]) -> None:
        if detail := self._delivery.prepare(item.event):
            batch[next(self._numbers)] = detail

    # The methods below run in the thread.

    def _run(self) -> None:
        try:
            threading.current_thread().name = "chancery-audit"
            if self._watchdog:
                self._watchdog.start()
            while not (self._closing and self._buffer.empty()):
                self._process_batch()
            while time.monotonic() < self._deadline and self._replay_step() == 0.0:
                pass  # a short-lived process replays at its end what other processes have spooled
        finally:
            if self._watchdog:
                self._watchdog.end()
            self._running.release()

    def _process_batch(self) -> None:
        marker = self._collect()
        with self._watched():
            self._deliver()
        if marker:
            marker.set()
        if not self._closing and time.monotonic() >= self._next_replay:
            with self._watched():
                self._next_replay = time.monotonic() + self._replay_step()

    def _deliver(self) -> None:
        """Sends the batch; spools it where its first event is older than `spool_after`: the bus is too slow."""
        try:
            if self._replay and time.monotonic() - self._oldest > self._times.spool_after:
                self._delivery.spool(self._pending)
            else:
                self._delivery.deliver(self._pending)
        except Exception as exc:  # the thread survives any error
            log.warning("AUDIT_BATCH_FAILED %s", type(exc).__name__)
            self._delivery.drop(self._pending)

    def _watched(self) -> AbstractContextManager[None]:
        return self._watchdog.watch() if self._watchdog else nullcontext()

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
        if isinstance(item, Queued):
            self._oldest = item.since
            self._buffer.wait_for_batch(self._times.linger)
        while isinstance(item, Queued):
            self._add(item, self._pending)
            size += len(item.event)
            if len(self._pending) >= BATCH or size >= _BATCH_BYTES:
                return None
            item = self._buffer.get(0)
        return item
