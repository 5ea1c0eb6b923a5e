"""`AuditClient`, and the functions that use the process's default one."""

import atexit
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any

from chancery_client.buffer import Buffer
from chancery_client.correlation import current, lambda_trace_id
from chancery_client.degradation import Degradation
from chancery_client.delivery import Delivery, Replay
from chancery_client.encoding import created_on, encode, new_event_id, to_camel, to_rfc3339
from chancery_client.event_bus import BusConnection, PutEvents
from chancery_client.metrics import Metrics, Stats
from chancery_client.spool import Spool
from chancery_client.termination import on_sigterm
from chancery_client.throttled_log import ThrottledLog
from chancery_client.worker import Times, Worker

log = logging.getLogger("chancery_client")

SOURCE = "chancery.client"  # of the events on the bus
MAX_BUFFER_BYTES = 64 * 1024 * 1024
_LAMBDA_FLUSH_SECONDS = 2.0
_TERMINATION_SECONDS = 2.0


class AuditClient:
    """Sends audit events to an EventBridge bus in a background thread.

    `spool_dir`: folder for events, redacted, that the bus did not accept; without it they are dropped and counted.
    `capacity`, `max_bytes`: limits of the queue in memory. `linger`: seconds to wait for a full batch. `spool_after`:
    seconds that events wait for a call to the bus before they are spooled. `retry_pause`, `replay_every`: seconds.
    `put_events`: boto3's; made in the background unless given. No method raises, and `write`
    takes no lock: a signal handler or a finalizer may call it while it runs.
    """

    def __init__(
        self,
        bus: str,
        source: str = SOURCE,
        *,
        spool_dir: str | Path | None = None,
        capacity: int = 10_000,
        max_bytes: int = MAX_BUFFER_BYTES,
        linger: float = 0.2,
        spool_after: float = 0.5,
        retry_pause: float = 0.5,
        replay_every: float = 10.0,
        put_events: PutEvents | None = None,
    ) -> None:
        self._connect = partial(BusConnection, bus, source, put_events, replay_every)
        self._make_buffer = partial(Buffer, capacity, max_bytes)
        self._folder = Path(spool_dir) if spool_dir else None
        self._linger, self._spool_after = linger, spool_after
        self._retry_pause, self._replay_every = retry_pause, replay_every
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)
        on_sigterm(self._terminate)

    def _reset(self) -> None:
        """A forked child has a thread, a connection and a queue of its own; the parent sends what the parent queued."""
        self._metrics, self._log, bus = Metrics(), ThrottledLog(), self._connect()
        spool = Spool(self._folder) if self._folder else None
        delivery = Delivery(bus, spool, self._metrics, self._log, self._retry_pause)
        replay = Replay(bus, spool, self._metrics, self._log, self._replay_every) if spool else None
        times = Times(self._linger, self._spool_after)
        self._worker = Worker(self._make_buffer(), delivery, replay, times, self.close)

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        return self._metrics.snapshot()

    def write(self, /, *event: Any, **fields: Any) -> None:
        """Queues an event, given by its fields: `actor_id`, `action`, `resource_type`, `resource_id`, ...

        One mapping of fields, in snake or camel case, may be given as well. Adds the time, an event id and the current
        trace. Never raises; a full queue drops the event and counts it. After `close`, the event is spooled at once or,
        without a spool, sent at once.
        """
        metrics = self._metrics
        metrics.add("accepted")
        try:
            changes = Degradation()
            items = _fields(event, fields)
            complete = _completed({to_camel(str(name)): value for name, value in items if value is not None}, changes)
            # Encoded here: later changes to the caller's objects are not part of the event.
            encoded = encode(complete, changes)
        except Exception as exc:  # of any kind: the caller must not have to handle it
            metrics.add("rejected")
            self._log.warn("AUDIT_EVENTS_REJECTED", type(exc).__name__)
            return
        try:
            accepted = self._worker.put(encoded)
        except Exception:
            accepted = False
        if not accepted:
            metrics.add("dropped")
            self._log.warn("AUDIT_EVENTS_DROPPED", "the queue is full")

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


def _fields(event: tuple[Any, ...], named: dict[str, Any]) -> list[tuple[Any, Any]]:
    if not event:
        return list(named.items())
    (fields,) = event  # raises ValueError for several
    if not isinstance(fields, Mapping):
        raise TypeError("an event is one mapping, or named fields")
    return [*fields.items(), *named.items()]


def _completed(event: dict[str, Any], changes: Degradation) -> dict[str, Any]:
    ids, now = current.get(), datetime.now(UTC)
    event.setdefault("eventId", new_event_id())
    if "createdOn" not in event:
        event["createdOn"] = to_rfc3339(now)
    elif moment := created_on(event["createdOn"], now):
        event["createdOn"] = moment
    else:
        event["createdOn"] = to_rfc3339(now)
        changes.add("replaced", "createdOn")
    if trace_id := ids.trace_id or lambda_trace_id():
        event.setdefault("traceId", trace_id)
    if ids.correlation_id:
        event.setdefault("correlationId", ids.correlation_id)
    return event


_default: dict[str, AuditClient] = {}  # dict.setdefault is atomic: one client for all threads


def default_client() -> AuditClient:
    """The process's client, configured by CHANCERY_EVENT_BUS, CHANCERY_SOURCE and CHANCERY_SPOOL_DIR."""
    return _default.get("client") or _default.setdefault("client", _from_environment())


def _from_environment() -> AuditClient:
    return AuditClient(
        os.environ.get("CHANCERY_EVENT_BUS", "default"),
        os.environ.get("CHANCERY_SOURCE", SOURCE),
        spool_dir=os.environ.get("CHANCERY_SPOOL_DIR"),
    )


def write_audit_log(*event: Any, **fields: Any) -> None:
    """Writes an audit event in the background; see `AuditClient.write`. Never raises, never waits."""
    with suppress(Exception):
        default_client().write(*event, **fields)


def flush_audit_log(timeout: float = 5.0) -> bool:
    """Waits until every event written so far is sent or spooled. Returns False after `timeout` seconds."""
    return default_client().flush(timeout)


def lambda_flush[H: Callable[..., Any]](handler: H) -> H:
    """Decorates a Lambda handler: flushes after each invocation, because Lambda freezes the process then."""

    @wraps(handler)
    def flushing(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        finally:
            flush_audit_log(_LAMBDA_FLUSH_SECONDS)

    return flushing  # type: ignore[return-value]
