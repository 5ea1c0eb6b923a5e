"""The line to the bus: one failed call and it is away, until a probe gets through."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.aws.event_bus import MAX_BYTES, MAX_ENTRIES

log = logging.getLogger("chancery.client")

ENVELOPE_BYTES = 256  # source, detail type, time: less than this
_LONGEST_PAUSE = 60.0  # seconds between probes

PutEvents = Callable[..., Any]


class Away(Exception):
    """The bus did not answer, or not in its own words."""


class Line:
    """Calls to one bus. `put_events` is boto3's; without one, a client of this line's own is made on first use."""

    def __init__(self, bus: str, source: str, put_events: PutEvents | None, pause: float) -> None:
        self._bus, self._source, self._put_events = bus, source, put_events
        self._first_pause = self._pause = pause
        self._probe_at: float | None = None
        self.taken = 0

    @property
    def away(self) -> bool:
        """Whether the last call failed."""
        return self._probe_at is not None

    def probe_in(self) -> float:
        """The seconds until the bus may be tried again; 0 while it is there."""
        return 0.0 if self._probe_at is None else max(0.0, self._probe_at - time.monotonic())

    def open(self) -> None:
        """Has it tried by whoever comes next."""
        self._probe_at, self._pause = None, self._first_pause

    def put(self, details: list[bytes]) -> list[str | None]:
        """The bus's error code of each event (JSON), None where it was taken. Raises Away, and is away from then on."""
        try:
            codes = self._codes(details)
        except Exception as exc:
            log.warning("AUDIT_BUS_AWAY %s", type(exc).__name__)
            self._probe_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            raise Away from exc
        self.open()
        self.taken += codes.count(None)
        return codes

    def _codes(self, details: list[bytes]) -> list[str | None]:
        if self._put_events is None:
            self._put_events = aws.hasty_client("events").put_events
        entries = [self._entry(detail) for detail in details]
        codes = [entry.get("ErrorCode") for entry in self._put_events(Entries=entries)["Entries"]]
        if len(codes) != len(entries):
            raise ValueError("an answer for another number of entries")
        return codes

    def _entry(self, detail: bytes) -> dict[str, str]:
        return {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": "Record Audit Event",
            "Detail": detail.decode(),
        }


def calls(details: dict[int, bytes]) -> Iterator[dict[int, bytes]]:
    """The events in calls of the size that the bus takes."""
    call: dict[int, bytes] = {}
    size = 0
    for key, detail in details.items():
        weight = len(detail) + ENVELOPE_BYTES
        if call and (len(call) == MAX_ENTRIES or size + weight > MAX_BYTES):
            yield call
            call, size = {}, 0
        call[key] = detail
        size += weight
    if call:
        yield call
