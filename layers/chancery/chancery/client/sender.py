"""The client's two sides: callers that put events into a bounded queue, and the thread that has them delivered."""

import atexit
import logging
import os
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from chancery.client.delivery import Delivery, PutEvents, Stats
from chancery.client.plain import plain
from chancery.client.spill import Spill
from chancery.core.correlation import correlation, current_trace_id
from chancery.core.identifiers import new_ref_id
from chancery.core.times import to_rfc3339

log = logging.getLogger("chancery.client")

_BATCH = 100  # events worth a few calls


@dataclass(slots=True)
class _Flush:
    """A marker in the queue: everything before it has been dealt with once it is set."""

    done: threading.Event = field(default_factory=threading.Event)


class AuditClient:
    """Sends audit events to a bus in the background.

    `spill_dir` keeps, redacted, what the bus did not take; without one it is dropped and counted. `put_events` is
    boto3's and is made in the background thread. Nothing here raises, and `write` never waits.
    """

    def __init__(
        self,
        bus: str,
        source: str = "chancery.client",
        *,
        spill_dir: str | Path | None = None,
        capacity: int = 10_000,
        linger: float = 0.2,
        retry_pause: float = 0.5,
        replay_every: float = 10.0,
        put_events: PutEvents | None = None,
    ) -> None:
        spill = Spill(Path(spill_dir)) if spill_dir else None
        self._make_delivery = partial(Delivery, bus, source, spill, retry_pause, put_events)
        self._capacity, self._linger, self._replay_every = capacity, linger, replay_every
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)

    def _reset(self) -> None:
        """A forked child has no thread, and what its parent has queued is its parent's to send."""
        self._queue: queue.Queue[bytes | _Flush] = queue.Queue(self._capacity)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._next_replay = 0.0
        self._under_way: list[bytes] = []
        self._delivery = self._make_delivery()

    @property
    def stats(self) -> Stats:
        """A copy of the counts."""
        return self._delivery.counts.copy()

    def write(self, **fields: Any) -> None:
        """Queues an event given by snake_case fields (`actor_id`, `action`, `resource_type`, `resource_id`, ...).

        Takes its time, its event id and the current trace now. Never raises; a full queue drops and counts.
        """
        try:
            event = {to_camel(name): value for name, value in fields.items() if value is not None}
            self._complete(event)
            # Written down now: what the caller does to its objects afterwards is not part of the event.
            written = orjson.dumps(event, default=plain, option=orjson.OPT_NON_STR_KEYS)
            self._start()
            self._queue.put_nowait(written)
            self._delivery.counts.add("accepted")
        except queue.Full:
            self._delivery.counts.add("accepted")
            self._delivery.counts.add("dropped")
        except Exception as exc:  # whatever it is, it is not the caller's to handle
            self._delivery.counts.add("dropped")
            log.warning("AUDIT_EVENT_DROPPED %s", type(exc).__name__)

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until everything written so far is sent or on disk; whether that was within `timeout` seconds."""
        try:
            if self._thread is None or not self._thread.is_alive():
                return self._queue.empty()
            marker = _Flush()
            deadline = time.monotonic() + timeout
            self._queue.put(marker, timeout=timeout)
            return marker.done.wait(max(0.0, deadline - time.monotonic()))
        except Exception:
            return False

    def close(self, timeout: float = 5.0) -> None:
        """Flushes and ends the thread; what the bus has not taken by then goes to disk, or is dropped and counted.

        That holds for the batch under way too: should the bus take it after all, it has it twice with the same ids.
        """
        flushed = self.flush(timeout)
        self._closing.set()
        with suppress(queue.Full):
            self._queue.put_nowait(_Flush())  # wakes the thread, to see that it is to end
        if not flushed:
            left: list[bytes | _Flush] = [*self._under_way]
            with suppress(queue.Empty):
                while True:
                    left.append(self._queue.get_nowait())
            self._delivery.keep([item for item in left if isinstance(item, bytes)])

    # ---- the caller's side

    def _complete(self, event: dict[str, Any]) -> None:
        ids = correlation.get()
        event.setdefault("eventId", new_ref_id())
        created_on = event.setdefault("createdOn", datetime.now(UTC))
        if isinstance(created_on, datetime):
            event["createdOn"] = to_rfc3339(created_on.astimezone(UTC))
        if trace_id := ids.trace_id or current_trace_id():
            event.setdefault("traceId", trace_id)
        if ids.correlation_id:
            event.setdefault("correlationId", ids.correlation_id)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._closing.clear()
                    self._thread = threading.Thread(target=self._run, name="chancery-audit", daemon=True)
                    self._thread.start()

    # ---- the background thread

    def _run(self) -> None:
        while not self._closing.is_set():
            flushes = self._collect()
            try:
                self._delivery.deliver(self._under_way)
                if time.monotonic() >= self._next_replay:
                    self._next_replay = time.monotonic() + self._replay_every
                    self._delivery.replay()
            except Exception as exc:  # the thread must outlive anything
                self._delivery.counts.add("dropped", len(self._under_way))
                log.warning("AUDIT_BATCH_DROPPED %s", type(exc).__name__)
            self._under_way = []
            for flush in flushes:
                flush.done.set()

    def _collect(self) -> list[_Flush]:
        """Gets the next events under way, as many as come within `linger`, up to what is worth a few calls."""
        flushes: list[_Flush] = []
        deadline: float | None = None
        while len(self._under_way) < _BATCH and not flushes:
            wait = self._replay_every if deadline is None else deadline - time.monotonic()
            try:
                item = self._queue.get(timeout=max(wait, 0.001))
            except queue.Empty:
                break
            if isinstance(item, _Flush):
                flushes.append(item)
            else:
                self._under_way.append(item)
            deadline = deadline or time.monotonic() + self._linger
        return flushes
