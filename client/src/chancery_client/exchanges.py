"""`ExchangeLog`: logs calls to other systems as exchanges, from a block of code or a transport of httpx or requests."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Unpack

from chancery_client.correlation import current, lambda_trace_id
from chancery_client.encoding import to_rfc3339
from chancery_client.exchange_bodies import CutBody, Headers, coding_of, cut_body, header_fields
from chancery_client.exchange_events import EXCHANGES, MAX_BODY_BYTES, encode_exchange
from chancery_client.exchange_fields import current_details, event_fields_of
from chancery_client.metrics import Stats
from chancery_client.sender import SOURCE, Sender, SenderOptions

BODY_BYTES = 32 * 1024  # of each body, by default
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/?#]*@)?(\[[^\]]*\]|[^/:?#]*)")
_TIMEOUTS = frozenset(("TimeoutError", "TimeoutException", "Timeout"))  # of Python, httpx and requests


class ExchangeLog:
    """Sends exchanges to an EventBridge bus in a background thread; `SenderOptions` has the options.

        log = ExchangeLog("my-bus", tenant_id="acme")
        with log.exchange("sap", "POST", url, body=order) as exchange:
            answer = call(url, order)
            exchange.respond(answer.status, answer.headers, answer.body)

    `tenant_id`: of every exchange; `exchange_details(tenant_id=...)` overrides. `max_body_bytes` (32 KB): of each body,
    at most 128 KB; 0 logs none. Exchanges are spooled in the folder `exchanges` of `spool_dir`. No method waits for the
    bus, and none raises. `stats`, `flush` and `close` are those of `AuditClient`.
    """

    def __init__(
        self,
        bus: str | None = None,
        source: str | None = None,
        *,
        tenant_id: str | None = None,
        max_body_bytes: int = BODY_BYTES,
        **options: Unpack[SenderOptions],
    ) -> None:
        folder = options.get("spool_dir", os.environ.get("CHANCERY_SPOOL_DIR"))
        options["spool_dir"] = Path(folder) / "exchanges" if folder else None
        bus = bus or os.environ.get("CHANCERY_EVENT_BUS", "default")
        self._sender = Sender(EXCHANGES, bus, source or os.environ.get("CHANCERY_SOURCE", SOURCE), **options)
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        self._tenant_id = tenant_id
        self.max_body_bytes = max(0, min(max_body_bytes, MAX_BODY_BYTES))

    def _reset(self) -> None:
        """Ids of exchanges: a random part for each process, and a number."""
        self._prefix, self._numbers = os.urandom(12).hex(), count()

    def new_id(self) -> str:
        """A request id. Takes no lock, and less time than a ULID."""
        return f"{self._prefix}-{next(self._numbers):x}"

    def start(self, system_code: str | None, method: str, url: str, headers: Headers = ()) -> "Exchange":
        """An exchange that begins now, to `open` and to `end`. Without a `system_code` the system is the URL's host."""
        return Exchange(self, system_code, method, url, headers)

    @contextmanager
    def exchange(
        self, system_code: str | None, method: str, url: str, headers: Headers = (), body: Any = None
    ) -> Iterator["Exchange"]:
        """Logs the block as an exchange: opened before it, closed after it, with the exception that it raises."""
        exchange = self.start(system_code, method, url, headers)
        exchange.open(body)
        try:
            yield exchange
        except BaseException as exc:
            exchange.fail(exc)
            raise
        exchange.end()

    @property
    def stats(self) -> Stats:
        """A copy of the counters, in which the beginning and the end of an exchange are an event each."""
        return self._sender.stats

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until every event so far is sent or spooled. Returns False after `timeout` seconds."""
        return self._sender.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Flushes and ends the thread."""
        self._sender.close(timeout)

    def tenant_of(self, fields: Mapping[str, Any]) -> Any:
        """The tenant of an exchange with these fields."""
        return fields.get("tenant_id", self._tenant_id)

    def put(self, event: dict[str, Any], name: str, body: CutBody | None) -> None:
        """Queues an event, with a body as the field `name`."""
        self._sender.accept()
        try:
            encoded = encode_exchange(event, name, body)
        except Exception as exc:  # of any kind: the caller must not have to handle it
            self._sender.reject(type(exc).__name__)
            return
        self._sender.put(encoded)


class Exchange:
    """One call. `open` queues its beginning, `end` or `fail` its end: each once, and none raises."""

    __slots__ = ("_body", "_log", "_opening", "_response", "_state", "_tenant_id", "request_id")

    def __init__(self, log: ExchangeLog, system: str | None, method: str, url: str, headers: Headers) -> None:
        self._log, self._state, self.request_id = log, "new", log.new_id()
        self._response: dict[str, Any] = {}
        self._tenant_id = self._body = None
        try:
            self._opening = self._opened(system, method, url, headers)
        except Exception:
            self._opening = {"requestId": self.request_id}  # rejected and counted

    @property
    def is_open(self) -> bool:
        return self._state == "open"

    def open(self, body: Any = None) -> None:
        """Queues the beginning, with a body: text, bytes, a `BodyCapture`, or a JSON value."""
        if self._state == "new":
            self._state = "open"
            event = self._opening
            self._put(event, "requestBody", body, coding_of(event.get("requestHeaders", {})))

    def respond(self, status: int, headers: Headers = (), body: Any = None) -> None:
        """Notes the response, with a body as for `open`, decoded."""
        try:
            self._response = {"responseStatus": int(status), "responseHeaders": header_fields(headers)}
        except Exception:
            self._response = {}
        self._body = body

    def end(self, body: Any = None) -> None:
        """Queues the end: FAILED from status 400 on, else SUCCESS. `body`: of the response, where it was not noted."""
        failed = self._response.get("responseStatus", 0) >= 400
        self._close("FAILED" if failed else "SUCCESS", {}, body)

    def fail(self, error: BaseException, body: Any = None) -> None:
        """Queues the end of a call that raised: TIMEOUT, CANCELLED (what is no Exception), else FAILED."""
        kinds = type(error).__mro__
        status = "TIMEOUT" if any(kind.__name__ in _TIMEOUTS for kind in kinds) else "FAILED"
        if not isinstance(error, Exception):
            status = "CANCELLED"
        self._close(status, {"error": {"type": _name(type(error)), "message": _text(error)}}, body)

    def _opened(self, system: str | None, method: str, url: str, headers: Headers) -> dict[str, Any]:
        details, ids = current_details.get(), current.get()
        fields: Mapping[str, Any] = details.fields if details else {}
        if details:
            details.request_id = self.request_id
        self._tenant_id = self._log.tenant_of(fields)
        found = _URL.match(url := str(url))
        event = {
            "tenantId": self._tenant_id,
            "requestId": self.request_id,
            "systemCode": system or (found[2] if found else None) or "unknown",
            "httpMethod": str(method),
            "requestUrl": found[1] + url[found.start(2) :] if found else url,
            "requestHeaders": header_fields(headers),
            "startedAt": to_rfc3339(datetime.now(UTC)),
        }
        if trace_id := ids.trace_id or lambda_trace_id():
            event["traceId"] = trace_id
        if ids.correlation_id:
            event["correlationId"] = ids.correlation_id
        return event | event_fields_of(fields) if fields else event

    def _close(self, status: str, fields: dict[str, Any], body: Any) -> None:
        if self._state == "closed":
            return
        self.open()
        self._state = "closed"
        event = {
            "tenantId": self._tenant_id,
            "requestId": self.request_id,
            "status": status,
            **self._response,
            **fields,
            "completedAt": to_rfc3339(datetime.now(UTC)),
        }
        self._put(event, "responseBody", self._body if body is None else body)

    def _put(self, event: dict[str, Any], name: str, body: Any, coding: str = "") -> None:
        cut = None
        if body is not None and self._log.max_body_bytes:
            with suppress(Exception):  # a body of the host's own kind that cannot be read
                cut = cut_body(body, self._log.max_body_bytes, coding)
        self._log.put(event, name, cut)


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the error's own code
        return ""
