"""`Sender`: the queue, the thread and the spool of a client."""

import atexit
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from chancery_client.buffer import Buffer
from chancery_client.delivery import Delivery, Replay
from chancery_client.event_bus import BusConnection, PutEvents
from chancery_client.event_format import EventFormat
from chancery_client.metrics import Metrics, Stats
from chancery_client.spool import Spool
from chancery_client.termination import on_sigterm
from chancery_client.throttled_log import ThrottledLog
from chancery_client.worker import Times, Worker

log = logging.getLogger("chancery_client")

SOURCE = "chancery.client"  # of the events on the bus
MAX_BUFFER_BYTES = 64 * 1024 * 1024
_TERMINATION_SECONDS = 2.0


class SenderOptions(TypedDict, total=False):
    """`spool_dir`: folder for events, redacted, that the bus did not accept; without it they are dropped and counted.

    `capacity` (10,000), `max_bytes` (64 MB): limits of the queue in memory. `linger` (0.2): seconds to wait for a full
    batch. `spool_after` (0.5): seconds that events wait for a call to the bus before they are spooled. `retry_pause`
    (0.5), `replay_every` (10): seconds. `put_events`: boto3's; made in the background unless given.
    """

    spool_dir: str | Path | None
    capacity: int
    max_bytes: int
    linger: float
    spool_after: float
    retry_pause: float
    replay_every: float
    put_events: PutEvents | None


class Sender:
    """Sends events of a format to an EventBridge bus in a background thread.

    No method raises, and `put` takes no lock: a signal handler or a finalizer may call it while it runs.
    """

    def __init__(self, form: EventFormat, bus: str, source: str, **options: Unpack[SenderOptions]) -> None:
        self._form, folder = form, options.get("spool_dir")
        self._retry_pause, self._replay_every = options.get("retry_pause", 0.5), options.get("replay_every", 10.0)
        self._connect = partial(BusConnection, bus, source, form, options.get("put_events"), self._replay_every)
        self._make_buffer = partial(Buffer, options.get("capacity", 10_000), options.get("max_bytes", MAX_BUFFER_BYTES))
        self._folder = Path(folder) if folder else None
        self._times = Times(options.get("linger", 0.2), options.get("spool_after", 0.5))
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)
        on_sigterm(self._terminate)

    def _reset(self) -> None:
        """A forked child has a thread, a connection and a queue of its own; the parent sends what the parent queued."""
        self._metrics, self._log, bus = Metrics(), ThrottledLog(self._form.name), self._connect()
        spool = Spool(self._folder) if self._folder else None
        delivery = Delivery(self._form, bus, spool, self._metrics, self._log, self._retry_pause)
        replay = Replay(self._form, bus, spool, self._metrics, self._log, self._replay_every) if spool else None
        self._worker = Worker(self._make_buffer(), delivery, replay, self._times, self.close)

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        return self._metrics.snapshot()

    def accept(self) -> None:
        """Counts an event that is about to be encoded."""
        self._metrics.add("accepted")

    def put(self, encoded: bytes) -> None:
        """Queues an event that `encode` has made and that is counted as accepted; drops it where the queue is full."""
        try:
            accepted = self._worker.put(encoded)
        except Exception:
            accepted = False
        if not accepted:
            self._metrics.add("dropped")
            self._log.warn("EVENTS_DROPPED", "the queue is full")

    def reject(self, reason: str) -> None:
        """Counts an event that cannot be encoded."""
        self._metrics.add("rejected")
        self._log.warn("EVENTS_REJECTED", reason)

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until every event written so far is sent or spooled. Returns False after `timeout` seconds.

        Then spools the rest, where there is a spool: a frozen process sends nothing.
        """
        try:
            return self._worker.flush(timeout)
        except Exception as exc:
            log.warning("AUDIT_FLUSH_FAILED %s", type(exc).__name__)
            return False

    def close(self, timeout: float = 5.0) -> None:
        """Flushes and ends the thread; after `timeout` seconds spools the rest or, without a spool, drops it.

        That includes the batch for which the thread still waits: if the bus accepts it after all, its events arrive
        twice with the same ids, and are recorded once.
        """
        with suppress(Exception):
            self._worker.close(timeout)
            self._log.flush()

    def _terminate(self) -> None:
        """Spools first, then sends for two seconds at most: SIGKILL may follow."""
        with suppress(Exception):
            self._worker.spool()
        self.close(_TERMINATION_SECONDS)
