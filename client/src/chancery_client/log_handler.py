"""`LogHandler`: Python's `logging`, and structlog on top of it, as lines of Chancery's logs."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any, Unpack

from chancery_client.correlation import current, lambda_trace_id
from chancery_client.degradation import Degradation
from chancery_client.encoding import encode
from chancery_client.event_bus import is_sending
from chancery_client.log_lines import LOG_LINES, MAX_CAUSES
from chancery_client.metrics import Stats
from chancery_client.sender import SOURCE, Sender, SenderOptions

_OWN = "chancery_client"  # the logger of the client, whose lines are about lines that could not be sent
_LEVELS = ((50, "fatal"), (40, "error"), (30, "warn"), (20, "info"), (10, "debug"))
_NAMES = dict(_LEVELS)
_STANDARD = frozenset(
    (*logging.LogRecord("", 0, "", 0, "", None, None).__dict__, "message", "asctime", "_logger", "_name", "_record")
)
_FIELDS = {  # names in `extra`, or of a structlog event, that are fields of a line
    "tenant_id": "tenantId",
    "user_id": "userId",
    "session_id": "sessionId",
    "activity_id": "activityId",
    "goal_id": "goalId",
    "correlation_id": "correlationId",
    "trace_id": "traceId",
    "endpoint": "endpoint",
    "method": "method",
    "status_code": "statusCode",
    "duration_ms": "durationMs",
    "release": "release",
}
_STRUCTLOG = frozenset(("event", "level", "logger", "timestamp", "exc_info", "exception", "_record", "_from_structlog"))


class LogHandler(logging.Handler):
    """Sends log records to an EventBridge bus in a background thread; `SenderOptions` has the options.

    `tenant_id`, `release`: of every line; `extra={"tenant_id": ...}` overrides. Lines are spooled in the folder `logs`
    of `spool_dir`. A call never waits for the bus and never raises. `stats`, `flush` and `close` are those of
    `AuditClient`.
    """

    def __init__(
        self,
        bus: str | None = None,
        source: str | None = None,
        *,
        tenant_id: str | None = None,
        release: str | None = None,
        level: int | str = logging.NOTSET,
        **options: Unpack[SenderOptions],
    ) -> None:
        super().__init__(level)
        folder = options.get("spool_dir", os.environ.get("CHANCERY_SPOOL_DIR"))
        options["spool_dir"] = Path(folder) / "logs" if folder else None
        bus = bus or os.environ.get("CHANCERY_EVENT_BUS", "default")
        source = source or os.environ.get("CHANCERY_SOURCE", SOURCE)
        self._sender = Sender(LOG_LINES, bus, source, **options)
        self._tenant_id, self._release = tenant_id, release
        self._is_lambda = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Ids of lines: a random part for each process, and a number."""
        self._prefix, self._numbers = os.urandom(12).hex(), count()

    def createLock(self) -> None:  # noqa: N802 (logging's name)
        """None: the sender takes no lock, so a signal handler may log."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Queues the line of a record, unless a filter refuses it."""
        found = self.filter(record)
        if found:
            self.emit(found if isinstance(found, logging.LogRecord) else record)
        return bool(found)

    def emit(self, record: logging.LogRecord) -> None:
        """Queues the line of a record. The client's own records are left out, and those of its calls to the bus."""
        if is_sending() or record.name.startswith(_OWN):
            return
        sender = self._sender
        sender.accept()
        try:
            encoded = encode(self._line(record), Degradation())
        except Exception as exc:  # of any kind: the caller must not have to handle it
            sender.reject(type(exc).__name__)
            return
        sender.put(encoded)

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        return self._sender.stats

    def flush(self, timeout: float = 5.0) -> bool:  # type: ignore[override]
        """Waits until every line so far is sent or spooled. Returns False after `timeout` seconds."""
        return self._sender.flush(timeout)

    def close(self) -> None:
        """Flushes and ends the thread."""
        self._sender.close()
        super().close()

    def _line(self, record: logging.LogRecord) -> dict[str, Any]:
        event = record.msg if isinstance(record.msg, dict) and "event" in record.msg else {}  # of structlog
        error = _error(record, event)
        line = {
            "kind": "error" if error and record.levelno >= logging.ERROR else "app",
            "tenantId": self._tenant_id,
            "id": f"{self._prefix}-{next(self._numbers):x}",
            "createdOn": datetime.fromtimestamp(record.created, UTC),
            "level": _level(record.levelno),
            "message": str(event["event"]) if event else _message(record),
            "logger": event.get("logger") or record.name,
        }
        self._add_context(line)
        if record.args and not event:
            line["template"] = str(record.msg)
        if error:
            line["error"] = error
        if attributes := _attributes(record, event):
            for name in _FIELDS.keys() & attributes.keys():
                if (value := attributes.pop(name)) is not None:
                    line[_FIELDS[name]] = value
            if attributes:
                line["attributes"] = attributes
        return line

    def _add_context(self, line: dict[str, Any]) -> None:
        """Adds the release, and the ids of the current request."""
        if self._release is not None:
            line["release"] = self._release
        ids = current.get()
        if trace_id := ids.trace_id or (lambda_trace_id() if self._is_lambda else None):
            line["traceId"] = trace_id
        if ids.correlation_id:
            line["correlationId"] = ids.correlation_id


def _attributes(record: logging.LogRecord, event: dict[str, Any]) -> dict[str, Any]:
    """The `extra` of a record, and the values of a structlog event."""
    attributes = {name: record.__dict__[name] for name in record.__dict__.keys() - _STANDARD}
    if event:
        attributes |= {name: value for name, value in event.items() if name not in _STRUCTLOG}
    return attributes


def _level(number: int) -> str:
    return _NAMES.get(number) or next((name for lowest, name in _LEVELS if number >= lowest), "trace")


def _message(record: logging.LogRecord) -> str:
    """The message with its values; without them where they do not fit."""
    try:
        return record.getMessage()
    except Exception:  # of any kind: an argument's own code
        return str(record.msg)


def _error(record: logging.LogRecord, event: dict[str, Any]) -> dict[str, Any] | None:
    """The exception of a record; of structlog's `format_exc_info` the text that it made."""
    found = _exception(record.exc_info) or _exception(event.get("exc_info"))
    if found:
        return _chain(found)
    return {"stack": event["exception"]} if isinstance(event.get("exception"), str) else None


def _exception(info: Any) -> BaseException | None:
    """The exception of `exc_info` as logging and structlog have it: a tuple, an exception or True."""
    if info is True:
        return sys.exception()
    found = info[1] if isinstance(info, tuple) else info
    return found if isinstance(found, BaseException) else None


def _chain(error: BaseException) -> dict[str, Any]:
    """The exception with its causes, the direct one first."""
    described, *causes = (_described(cause) for cause in islice(_causes(error), MAX_CAUSES + 1))
    return {**described, "causes": causes} if causes else described


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, then what it was raised from or during."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _described(error: BaseException) -> dict[str, str]:
    """Type, message and stack, which ends as Python prints it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    stack = "".join(traceback.format_exception(kind, error, error.__traceback__, chain=False))
    return {"type": name, "message": str(error), "stack": stack}
