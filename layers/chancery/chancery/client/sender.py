"""The client that a host application holds: makes an event of a call's arguments, and never fails or waits in it."""

import atexit
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from chancery.client.counts import Counts, Stats
from chancery.client.degrading import degraded
from chancery.client.delivery import Delivery
from chancery.client.line import Line, PutEvents
from chancery.client.plain import plain
from chancery.client.replay import Replay
from chancery.client.spill import Spill
from chancery.client.waiting import Waiting
from chancery.client.worker import Worker
from chancery.core.formats.correlation import correlation, current_trace_id
from chancery.core.formats.identifiers import new_event_id
from chancery.core.formats.times import to_rfc3339

log = logging.getLogger("chancery.client")

MAX_WAITING_BYTES = 64 * 1024 * 1024


class AuditClient:
    """Sends audit events to a bus in the background.

    `spill_dir` keeps, redacted, what the bus did not take; without one it is dropped and counted. `put_events` is
    boto3's and is made in the background thread. Nothing here raises, and `write` never waits: it takes no lock, so
    that a signal handler or a finaliser may call it in the middle of itself.
    """

    def __init__(
        self,
        bus: str,
        source: str = "chancery.client",
        *,
        spill_dir: str | Path | None = None,
        capacity: int = 10_000,
        max_bytes: int = MAX_WAITING_BYTES,
        linger: float = 0.2,
        retry_pause: float = 0.5,
        replay_every: float = 10.0,
        put_events: PutEvents | None = None,
    ) -> None:
        self._make_line = partial(Line, bus, source, put_events, replay_every)
        self._make_waiting = partial(Waiting, capacity, max_bytes)
        self._folder = Path(spill_dir) if spill_dir else None
        self._linger, self._retry_pause, self._replay_every = linger, retry_pause, replay_every
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)

    def _reset(self) -> None:
        """A forked child has no thread and shares no connection; what its parent has queued is its parent's to send."""
        self._counts, line = Counts(), self._make_line()
        spill = Spill(self._folder) if self._folder else None
        delivery = Delivery(line, spill, self._counts, self._retry_pause)
        replay = Replay(line, spill, self._counts, self._replay_every) if spill else None
        self._worker = Worker(self._make_waiting(), delivery, replay, self._linger, self.close)

    @property
    def stats(self) -> Stats:
        """A copy of the counts."""
        return self._counts.copy()

    def write(self, /, *given: Any, **fields: Any) -> None:
        """Queues an event given by snake_case fields (`actor_id`, `action`, `resource_type`, `resource_id`, ...).

        One mapping of fields, in snake or camel case, may be given as well. Takes its time, its event id and the
        current trace now. Never raises; a full queue drops and counts. Once closed, it writes to disk at once or, where
        there is none, to the bus.
        """
        counts = self._counts
        counts.add("accepted")
        try:
            event = {to_camel(str(name)): value for name, value in _fields(given, fields) if value is not None}
            self._complete(event)
            # Written down now: what the caller does to its objects afterwards is not part of the event.
            if not self._worker.put(_written(event)):
                counts.add("dropped")
        except Exception as exc:  # whatever it is, it is not the caller's to handle
            counts.add("dropped")
            with suppress(Exception):
                log.warning("AUDIT_EVENT_DROPPED %s", type(exc).__name__)

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until everything written so far is sent or on disk; whether that was within `timeout` seconds.

        Where it was not, what is left goes to disk, if there is one: a frozen process sends nothing.
        """
        try:
            return self._worker.flush(timeout)
        except Exception as exc:
            log.warning("AUDIT_FLUSH_FAILED %s", type(exc).__name__)
            return False

    def close(self, timeout: float = 5.0) -> None:
        """Flushes and ends the thread; what the bus has not taken by then goes to disk, or is dropped and counted.

        That holds for the batch under way too: should the bus take it after all, it has it twice with the same ids.
        """
        with suppress(Exception):
            self._worker.close(timeout)

    def _complete(self, event: dict[str, Any]) -> None:
        ids = correlation.get()
        event.setdefault("eventId", new_event_id())
        created_on = event.setdefault("createdOn", datetime.now(UTC))
        if isinstance(created_on, datetime):
            event["createdOn"] = to_rfc3339(created_on.astimezone(UTC))
        if trace_id := ids.trace_id or current_trace_id():
            event.setdefault("traceId", trace_id)
        if ids.correlation_id:
            event.setdefault("correlationId", ids.correlation_id)


def _fields(given: tuple[Any, ...], named: dict[str, Any]) -> list[tuple[Any, Any]]:
    if not given:
        return list(named.items())
    (fields,) = given  # ValueError for several, TypeError for what is no mapping: counted and logged
    if not isinstance(fields, Mapping):
        raise TypeError("fields are named, or one mapping")
    return [*fields.items(), *named.items()]


def _written(event: dict[str, Any]) -> bytes:
    try:
        return _dumped(event)
    except orjson.JSONEncodeError:  # one value must not cost the event
        return _dumped(degraded(event, _dumped))


def _dumped(event: Any) -> bytes:
    return orjson.dumps(event, default=plain, option=orjson.OPT_NON_STR_KEYS)
