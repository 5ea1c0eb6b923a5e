"""Bounds how long events stay in memory while the bus hangs, since a process may be killed at any moment."""

import _thread
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

log = logging.getLogger("chancery_client")


class Watchdog:
    """A thread that calls `when_late` every `limit` seconds for as long as a watched block runs."""

    def __init__(self, limit: float, when_late: Callable[[], None]) -> None:
        self._limit, self._when_late = limit, when_late
        self._blocks: queue.SimpleQueue[threading.Event | None] = queue.SimpleQueue()
        self._running = threading.Lock()  # held while the thread runs

    def start(self) -> None:
        """Starts the thread, unless it runs, or the system has no thread left."""
        if self._running.acquire(blocking=False):
            try:  # The worker's thread calls this: its signals are blocked, and this thread inherits that.
                _thread.start_new_thread(self._run, ())
            except RuntimeError as exc:
                self._running.release()
                log.warning("AUDIT_THREAD_NOT_STARTED %s", exc)

    def end(self) -> None:
        """Ends the thread after the blocks that it watches."""
        if self._running.locked():
            self._blocks.put(None)

    def join(self, timeout: float) -> None:
        """Waits until the thread has ended, `timeout` seconds at most."""
        if self._running.acquire(timeout=timeout):
            self._running.release()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watches the block."""
        done = threading.Event()
        if self._running.locked():
            self._blocks.put(done)
        try:
            yield
        finally:
            done.set()

    def _run(self) -> None:
        try:
            threading.current_thread().name = "chancery-audit-watchdog"
            while block := self._blocks.get():
                while not block.wait(self._limit):
                    with suppress(Exception):
                        self._when_late()
        finally:
            self._running.release()
