"""Events from a bounded queue to the bus, in batches, by a thread of their own; to disk while the bus is away."""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from chancery.client.spill import Spill
from chancery.core.correlation import correlation, current_trace_id
from chancery.core.identifiers import new_ref_id
from chancery.core.redaction import redact
from chancery.core.times import to_rfc3339

log = logging.getLogger("chancery.client")

MAX_ENTRIES = 10
MAX_BYTES = 256 * 1024
_ENVELOPE_BYTES = 256  # source, detail type, time: less than this
_ATTEMPTS = 3

PutEvents = Callable[..., Any]


@dataclass(slots=True)
class Stats:
    """What became of the events: accepted = sent + dropped + spilled + rejected + those still on their way.

    A spilled event that is sent later counts as `replayed`.
    """

    accepted: int = 0
    sent: int = 0
    dropped: int = 0
    spilled: int = 0
    replayed: int = 0
    rejected: int = 0


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
        self._bus, self._source = bus, source
        self._spill = Spill(Path(spill_dir)) if spill_dir else None
        self._capacity, self._linger, self._retry_pause, self._replay_every = (
            capacity,
            linger,
            retry_pause,
            replay_every,
        )
        self._put_events = put_events
        self._counts = Stats()
        self._lock = threading.Lock()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)

    def _reset(self) -> None:
        """A forked child has no thread, and what its parent has queued is its parent's to send."""
        self._queue: queue.Queue[dict[str, Any] | _Flush] = queue.Queue(self._capacity)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._next_replay = 0.0
        self._counts = Stats()

    @property
    def stats(self) -> Stats:
        """A copy of the counts."""
        with self._lock:
            return Stats(**asdict(self._counts))

    def write(self, **fields: Any) -> None:
        """Queues an event given by snake_case fields (`actor_id`, `action`, `resource_type`, `resource_id`, ...).

        Takes its time, its event id and the current trace now. Never raises; a full queue drops and counts.
        """
        try:
            event = {to_camel(name): value for name, value in fields.items() if value is not None}
            self._complete(event)
            self._start()
            self._queue.put_nowait(event)
            self._count("accepted")
        except queue.Full:
            self._count("accepted")
            self._count("dropped")
        except Exception as exc:  # whatever it is, it is not the caller's to handle
            self._count("dropped")
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
        """Flushes and ends the thread; what the bus has not taken by then goes to disk, or is dropped and counted."""
        flushed = self.flush(timeout)
        self._closing.set()
        with suppress(queue.Full):
            self._queue.put_nowait(_Flush())  # wakes the thread, to see that it is to end
        if not flushed:
            left = []
            while True:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if isinstance(item, dict):
                    left.append(self._prepared(item))
            self._keep([event for event in left if event])

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

    def _count(self, name: str, by: int = 1) -> None:
        with self._lock:
            setattr(self._counts, name, getattr(self._counts, name) + by)

    # ---- the background thread

    def _run(self) -> None:
        while not self._closing.is_set():
            batch, flushes = self._collect()
            try:
                self._deliver(batch)
                if flushes or time.monotonic() >= self._next_replay:
                    self._replay()
            except Exception as exc:  # the thread must outlive anything
                self._count("dropped", len(batch))
                log.warning("AUDIT_BATCH_DROPPED %s", type(exc).__name__)
            for flush in flushes:
                flush.done.set()

    def _collect(self) -> tuple[list[dict[str, Any]], list[_Flush]]:
        """The next events, as many as come within `linger`, up to what is worth a few calls."""
        batch: list[dict[str, Any]] = []
        flushes: list[_Flush] = []
        deadline: float | None = None
        while len(batch) < MAX_ENTRIES * 10 and not flushes:
            wait = self._replay_every if deadline is None else deadline - time.monotonic()
            try:
                item = self._queue.get(timeout=max(wait, 0.001))
            except queue.Empty:
                break
            if isinstance(item, _Flush):
                flushes.append(item)
            else:
                batch.append(item)
            deadline = deadline or time.monotonic() + self._linger
        return batch, flushes

    def _deliver(self, batch: list[dict[str, Any]]) -> None:
        prepared = [event for event in map(self._prepared, batch) if event]
        left = self._send(prepared)
        self._count("sent", len(prepared) - len(left))
        self._keep(left)

    def _prepared(self, event: dict[str, Any]) -> bytes | None:
        """The event's JSON, redacted; None (counted, and kept beside the spill) where it can never be sent."""
        clean = redact({name: value for name, value in event.items() if name not in ("ipAddress",)})
        if "ipAddress" in event:
            clean["ipAddress"] = event["ipAddress"]
        try:
            detail = orjson.dumps(clean, default=str)
        except TypeError as exc:
            self._reject(clean, f"is not JSON: {exc}")
            return None
        if len(detail) + _ENVELOPE_BYTES > MAX_BYTES:
            self._reject(clean, f"is {len(detail)} bytes; the bus takes {MAX_BYTES}")
            return None
        return detail

    def _reject(self, event: dict[str, Any], reason: str) -> None:
        self._count("rejected")
        log.warning("AUDIT_EVENT_REJECTED %s", reason)
        if self._spill:
            self._spill.reject(event, reason)

    def _send(self, details: list[bytes]) -> list[bytes]:
        """Sends what the bus takes, with a few attempts; what it did not take."""
        left = details
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(self._retry_pause * 2 ** (attempt - 1))
            left = [detail for call in _calls(left) for detail in self._call(call)]
            if not left:
                break
        return left

    def _call(self, details: list[bytes]) -> list[bytes]:
        entries = [
            {
                "EventBusName": self._bus,
                "Source": self._source,
                "DetailType": "Record Audit Event",
                "Detail": detail.decode(),
            }
            for detail in details
        ]
        try:
            answer = (self._put_events or _put_events())(Entries=entries)
        except Exception as exc:
            log.warning("AUDIT_BUS_AWAY %s", type(exc).__name__)
            return details
        return [detail for detail, entry in zip(details, answer["Entries"], strict=True) if entry.get("ErrorCode")]

    def _keep(self, details: list[bytes]) -> None:
        if not details:
            return
        if self._spill and self._spill.write(details):
            self._count("spilled", len(details))
            self._next_replay = time.monotonic() + self._replay_every
        else:
            self._count("dropped", len(details))
            log.warning("AUDIT_EVENTS_DROPPED %d", len(details))

    def _replay(self) -> None:
        self._next_replay = time.monotonic() + self._replay_every
        if self._spill is None:
            return
        for segment in self._spill.segments():
            with segment as details:
                left = self._send(details)
                self._count("replayed", len(details) - len(left))
                segment.keep(left)
                if left:
                    return


def _calls(details: list[bytes]) -> list[list[bytes]]:
    calls: list[list[bytes]] = []
    size = 0
    for detail in details:
        weight = len(detail) + _ENVELOPE_BYTES
        if not calls or len(calls[-1]) == MAX_ENTRIES or size + weight > MAX_BYTES:
            calls.append([])
            size = 0
        calls[-1].append(detail)
        size += weight
    return calls


@cache
def _put_events() -> PutEvents:
    from chancery.core import aws

    put_events: PutEvents = aws.client("events").put_events
    return put_events
