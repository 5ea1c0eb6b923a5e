"""PutEvents calls behind a circuit breaker: it opens after one failed call, and probes with exponential backoff."""

import logging
import os
import threading
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from chancery_client.event_format import Entry, EventFormat

log = logging.getLogger("chancery_client")

_MAX_PAUSE = 60.0  # seconds between two probes

PutEvents = Callable[..., Any]

_thread = threading.local()


def is_sending() -> bool:
    """Whether this thread is in a call to the bus: what boto3 logs then must not become another event."""
    return getattr(_thread, "sending", False)


class BusUnavailable(Exception):
    """The call failed, or its answer is not one of PutEvents."""


class BusConnection:
    """Calls to one bus. Makes its own boto3 client on first use, unless `put_events` is given.

    `probe_pause`: seconds from a failed call to the first probe; doubles with each failure, up to a minute.
    """

    def __init__(
        self, bus: str, source: str, form: EventFormat, put_events: PutEvents | None, probe_pause: float
    ) -> None:
        self._bus, self._source, self._form, self._put_events = bus, source, form, put_events
        self._first_pause = self._pause = probe_pause
        self._probe_at: float | None = None
        self.sent = 0

    @property
    def available(self) -> bool:
        """Whether the last call succeeded, or none was made."""
        return self._probe_at is None

    def seconds_to_probe(self) -> float:
        """Seconds until the next call is worth a try; 0 while the bus is available."""
        return 0.0 if self._probe_at is None else max(0.0, self._probe_at - time.monotonic())

    def reset(self) -> None:
        """Closes the circuit: the next call is made at once."""
        self._probe_at, self._pause = None, self._first_pause

    def put(self, call: list[Entry]) -> dict[int, str | None]:
        """Sends the entries of a call. Returns the error code of each event, None of an accepted one.

        Raises BusUnavailable.
        """
        try:
            codes = self._error_codes(call)
        except Exception as exc:
            log.warning("AUDIT_BUS_UNAVAILABLE %s", type(exc).__name__)
            self._probe_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _MAX_PAUSE)
            raise BusUnavailable from exc
        self.reset()
        self.sent += list(codes.values()).count(None)
        return codes

    def _error_codes(self, call: list[Entry]) -> dict[int, str | None]:
        entries = [self._entry(entry.detail) for entry in call]
        answers = self._answers(entries)
        if len(answers) != len(entries):
            raise ValueError("the answer has another number of entries")
        return {key: answer.get("ErrorCode") for entry, answer in zip(call, answers, strict=True) for key in entry.keys}

    def _answers(self, entries: list[dict[str, str]]) -> list[dict[str, str]]:
        _thread.sending = True
        try:
            if self._put_events is None:
                self._put_events = make_client().put_events
            return list(self._put_events(Entries=entries)["Entries"])
        finally:
            _thread.sending = False

    def _entry(self, detail: bytes) -> dict[str, str]:
        return {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": self._form.detail_type,
            "Detail": detail.decode(),
        }


# A fork in the middle of an import leaves the child with a module lock that no thread will release: forks wait a
# moment for the import of boto3, and the child starts with a lock of its own.
_FORK_SECONDS = 5.0
_making = Lock()
_held_for_fork = False


def make_client() -> Any:
    """A boto3 client of EventBridge: one attempt, a second to connect and two for the answer.

    It has a session of its own: boto3's default session is not thread-safe, and the host may be using it.
    """
    with _making:
        import boto3  # takes longer to import than most requests of a host
        from botocore.config import Config

        config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
        return boto3.session.Session().client("events", config=config)


def _before_fork() -> None:
    global _held_for_fork
    _held_for_fork = _making.acquire(timeout=_FORK_SECONDS)


def _after_fork_in_parent() -> None:
    global _held_for_fork
    if _held_for_fork:
        _held_for_fork = False
        _making.release()


def _after_fork_in_child() -> None:
    global _making, _held_for_fork
    _making, _held_for_fork = Lock(), False


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
