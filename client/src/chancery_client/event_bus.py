"""PutEvents calls behind a circuit breaker: it opens after one failed call, and probes with exponential backoff."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

log = logging.getLogger("chancery_client")

MAX_ENTRIES = 10  # events in a PutEvents call
MAX_BYTES = 256 * 1024  # of a call and so of an event; the smaller of the limits AWS has had
ENVELOPE_BYTES = 256  # source, detail type and time of an event take less
_MAX_PAUSE = 60.0  # seconds between two probes

PutEvents = Callable[..., Any]


class BusUnavailable(Exception):
    """The call failed, or its answer is not one of PutEvents."""


class BusConnection:
    """Calls to one bus. Makes its own boto3 client on first use, unless `put_events` is given.

    `probe_pause`: seconds from a failed call to the first probe; doubles with each failure, up to a minute.
    """

    def __init__(self, bus: str, source: str, put_events: PutEvents | None, probe_pause: float) -> None:
        self._bus, self._source, self._put_events = bus, source, put_events
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

    def put(self, details: list[bytes]) -> list[str | None]:
        """Sends the events (JSON). Returns the error code of each, None of an accepted one. Raises BusUnavailable."""
        try:
            codes = self._error_codes(details)
        except Exception as exc:
            log.warning("AUDIT_BUS_UNAVAILABLE %s", type(exc).__name__)
            self._probe_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _MAX_PAUSE)
            raise BusUnavailable from exc
        self.reset()
        self.sent += codes.count(None)
        return codes

    def _error_codes(self, details: list[bytes]) -> list[str | None]:
        if self._put_events is None:
            self._put_events = make_client().put_events
        entries = [self._entry(detail) for detail in details]
        codes = [entry.get("ErrorCode") for entry in self._put_events(Entries=entries)["Entries"]]
        if len(codes) != len(entries):
            raise ValueError("the answer has another number of entries")
        return codes

    def _entry(self, detail: bytes) -> dict[str, str]:
        return {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": "Record Audit Event",
            "Detail": detail.decode(),
        }


def batches(details: dict[int, bytes]) -> Iterator[dict[int, bytes]]:
    """Splits the events into calls within the limits of PutEvents."""
    batch: dict[int, bytes] = {}
    size = 0
    for key, detail in details.items():
        weight = len(detail) + ENVELOPE_BYTES
        if batch and (len(batch) == MAX_ENTRIES or size + weight > MAX_BYTES):
            yield batch
            batch, size = {}, 0
        batch[key] = detail
        size += weight
    if batch:
        yield batch


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
