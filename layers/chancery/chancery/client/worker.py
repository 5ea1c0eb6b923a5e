"""What a client has in one process: the events that wait, and the thread that has them delivered."""

import _thread
import atexit
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from chancery.client.delivery import Delivery
from chancery.client.replay import Replay
from chancery.client.waiting import BATCH, Waiting

log = logging.getLogger("chancery.client")

_BATCH_BYTES = 4 * 1024 * 1024
_NEVER = 3600.0  # seconds


class Worker:
    """Takes events from any thread, signal handler or finaliser; its own thread starts with the first of them.

    `at_exit` is registered when the thread starts, and so by each process for itself: multiprocessing takes from its
    children what their parent has registered.
    """

    def __init__(
        self,
        waiting: Waiting,
        delivery: Delivery,
        replay: Replay | None,
        linger: float,
        at_exit: Callable[[], None],
    ) -> None:
        self._waiting, self._delivery, self._replay = waiting, delivery, replay
        self._linger, self._at_exit = linger, at_exit
        self._under_way: dict[int, bytes] = {}
        self._numbers = count()
        self._running = threading.Lock()  # held while there is a thread
        self._closing = self._closed = False
        self._next_replay = self._until = 0.0

    def put(self, event: bytes) -> bool:
        """Whether there was room for the event. Once closed, it is dealt with at once."""
        if not self._waiting.put(event):
            return False
        with suppress(Exception):  # the event is in
            self._launch()
        return True

    def flush(self, timeout: float) -> bool:
        """Whether everything was dealt with in time; where it was not, it goes to disk, if there is one."""
        if not self._running.locked() and self._waiting.empty():
            return True
        marker = self._waiting.mark()
        if self._launch() and marker.wait(timeout):
            return True
        if self._replay:
            self._take_over(self._delivery.keep)
        return False

    def close(self, timeout: float) -> None:
        """Flushes and ends the thread; what is left then goes to disk or is dropped."""
        deadline = self._until = time.monotonic() + timeout
        self._closing = True
        if not self.flush(timeout):
            self._take_over(self._delivery.keep)
        if self._running.acquire(timeout=max(0.0, deadline - time.monotonic())):
            self._running.release()
        self._closed = True
        self._launch()  # for what came meanwhile

    def _launch(self) -> bool:
        """Whether somebody deals with what waits: the thread or, once closed or at the process's end, whoever calls."""
        if self._closed or not (self._running.locked() or threading.main_thread().is_alive()):
            self._take_over(self._delivery.keep if self._replay else self._deliver_once)
        elif self._running.acquire(blocking=False):
            try:
                # Not a threading.Thread: its start waits until the thread runs.
                _thread.start_new_thread(self._run, ())
            except BaseException as exc:
                self._running.release()
                if not isinstance(exc, RuntimeError):
                    raise
                # No thread to be had; the next event or flush tries again.
                log.warning("AUDIT_THREAD_NOT_STARTED %s", exc)
                return False
            atexit.register(self._at_exit)
        return True

    def _deliver_once(self, events: dict[int, bytes]) -> None:
        self._delivery.deliver(events, attempts=1)

    def _take_over(self, deal: Callable[[dict[int, bytes]], None]) -> None:
        """Deals with everything that waits or is under way, in place of the thread."""
        rest: dict[int, bytes] = {}
        markers: list[threading.Event] = []
        for key in list(self._under_way):
            if event := self._under_way.pop(key, None):
                rest[key] = event
        while (item := self._waiting.get(0)) is not None:
            if isinstance(item, bytes):
                rest[next(self._numbers)] = item
            else:
                markers.append(item)
        try:
            deal(rest)
        finally:
            self._delivery.drop(rest)  # nothing, unless that has failed
            for marker in markers:
                marker.set()

    # ---- the thread

    def _run(self) -> None:
        try:
            threading.current_thread().name = "chancery-audit"
            while not (self._closing and self._waiting.empty()):
                self._pass()
            while time.monotonic() < self._until and self._replay_step() == 0.0:
                pass  # what others have left: a process that lives for a moment would never come to it
        finally:
            self._running.release()

    def _pass(self) -> None:
        marker = self._collect()
        try:
            self._delivery.deliver(self._under_way)
        except Exception as exc:  # the thread must outlive anything
            log.warning("AUDIT_BATCH_FAILED %s", type(exc).__name__)
            self._delivery.drop(self._under_way)
        if marker:
            marker.set()
        if not self._closing and time.monotonic() >= self._next_replay:
            self._next_replay = time.monotonic() + self._replay_step()

    def _replay_step(self) -> float:
        try:
            return self._replay.step() if self._replay else _NEVER
        except Exception as exc:
            log.warning("AUDIT_REPLAY_FAILED %s", type(exc).__name__)
            return 1.0

    def _collect(self) -> threading.Event | None:
        """Gets the next events under way, as many as come within `linger`, up to what is worth a few calls."""
        size = 0
        item = self._waiting.get(self._next_replay - time.monotonic())
        if isinstance(item, bytes):
            self._waiting.linger(self._linger)
        while isinstance(item, bytes):
            self._under_way[next(self._numbers)] = item
            size += len(item)
            if len(self._under_way) >= BATCH or size >= _BATCH_BYTES:
                return None
            item = self._waiting.get(0)
        return item
