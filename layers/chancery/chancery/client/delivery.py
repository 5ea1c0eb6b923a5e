"""From queued events to the bus: redacted, in calls it takes, tried again; to disk while it is away."""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import orjson

from chancery.client.spill import Spill
from chancery.core.bus import MAX_BYTES, MAX_ENTRIES
from chancery.core.identifiers import IP_ADDRESS
from chancery.core.redaction import redact, redact_text

log = logging.getLogger("chancery.client")

_ENVELOPE_BYTES = 256  # source, detail type, time: less than this
_ATTEMPTS = 3
_ADDRESS = re.compile(IP_ADDRESS)

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


class Counts:
    """The stats of a client, counted by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stats = Stats()

    def add(self, name: str, by: int = 1) -> None:
        """Adds to one of them."""
        with self._lock:
            setattr(self._stats, name, getattr(self._stats, name) + by)

    def copy(self) -> Stats:
        """All of them at one moment."""
        with self._lock:
            return Stats(**asdict(self._stats))


class Delivery:
    """Delivers to one bus. `put_events` is boto3's and is looked up on first use."""

    def __init__(
        self, bus: str, source: str, spill: Spill | None, retry_pause: float, put_events: PutEvents | None
    ) -> None:
        self._bus, self._source, self._spill = bus, source, spill
        self._retry_pause, self._put_events = retry_pause, put_events
        self.counts = Counts()

    def deliver(self, events: list[bytes]) -> None:
        """Sends the events (JSON, as written); what the bus does not take after a few attempts goes to disk."""
        prepared = self._prepared(events)
        left = self._send(prepared)
        self.counts.add("sent", len(prepared) - len(left))
        self._keep(left)

    def keep(self, events: list[bytes]) -> None:
        """Puts the events on disk without trying the bus."""
        self._keep(self._prepared(events))

    def replay(self) -> None:
        """Sends what lies on disk, oldest first, until the bus refuses."""
        for segment in self._spill.segments() if self._spill else ():
            with segment as details:
                left = self._send(details)
                self.counts.add("replayed", len(details) - len(left))
                segment.keep(left)
                if left:
                    return

    def _prepared(self, events: list[bytes]) -> list[bytes]:
        return [detail for detail in map(self._detail, events) if detail]

    def _detail(self, written: bytes) -> bytes | None:
        """The event's JSON, redacted; None (counted, and kept aside) where it can never be sent."""
        event = orjson.loads(written)
        address = event.get("ipAddress")
        clean = redact(event)
        if isinstance(address, str) and _ADDRESS.fullmatch(address):
            clean["ipAddress"] = redact_text(address)  # the record's own address stays
        detail = orjson.dumps(clean)
        if len(detail) + _ENVELOPE_BYTES <= MAX_BYTES:
            return detail
        self._reject(clean, f"is {len(detail)} bytes; the bus takes {MAX_BYTES}")
        return None

    def _reject(self, event: dict[str, Any], reason: str) -> None:
        self.counts.add("rejected")
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
            self.counts.add("spilled", len(details))
        else:
            self.counts.add("dropped", len(details))
            log.warning("AUDIT_EVENTS_DROPPED %d", len(details))


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
