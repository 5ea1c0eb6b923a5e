"""`AuditClient`, and the functions that use the process's default one."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Unpack

from chancery_client.conformance import AUDIT_EVENTS
from chancery_client.correlation import current, lambda_trace_id
from chancery_client.degradation import Degradation
from chancery_client.encoding import created_on, encode, new_event_id, to_camel, to_rfc3339
from chancery_client.sender import SOURCE, Sender, SenderOptions

_LAMBDA_FLUSH_SECONDS = 2.0


class AuditClient(Sender):
    """Sends audit events to an EventBridge bus in a background thread; `SenderOptions` has the options.

    No method raises, and `write` takes no lock: a signal handler or a finalizer may call it while it runs.
    """

    def __init__(self, bus: str, source: str = SOURCE, **options: Unpack[SenderOptions]) -> None:
        super().__init__(AUDIT_EVENTS, bus, source, **options)

    def write(self, /, *event: Any, **fields: Any) -> None:
        """Queues an event, given by its fields: `actor_id`, `action`, `resource_type`, `resource_id`, ...

        One mapping of fields, in snake or camel case, may be given as well. Adds the time, an event id and the current
        trace. Never raises; a full queue drops the event and counts it. After `close`, the event is spooled at once or,
        without a spool, sent at once.
        """
        self.accept()
        try:
            changes = Degradation()
            items = _fields(event, fields)
            complete = _completed({to_camel(str(name)): value for name, value in items if value is not None}, changes)
            # Encoded here: later changes to the caller's objects are not part of the event.
            encoded = encode(complete, changes)
        except Exception as exc:  # of any kind: the caller must not have to handle it
            self.reject(type(exc).__name__)
            return
        self.put(encoded)


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
