"""From queued events to the bus: redacted, in calls it takes, tried again; to disk while it is away."""

import logging
import re
import time

import orjson

from chancery.client.counts import Counts
from chancery.client.line import ENVELOPE_BYTES, Away, Line, calls
from chancery.client.spill import Spill
from chancery.core.aws.event_bus import MAX_BYTES
from chancery.core.formats.identifiers import IP_ADDRESS
from chancery.core.redaction import redact, redact_text

log = logging.getLogger("chancery.client")

ATTEMPTS = 3
_ADDRESS = re.compile(IP_ADDRESS)


class Delivery:
    """Gives each event its outcome: sent, on disk, kept aside, or dropped and counted.

    Events under way are numbered; whoever takes a number out of `under_way` decides on that event and counts it. So a
    caller that gives up waiting may take what is left, while the bus may still answer.
    """

    def __init__(self, line: Line, spill: Spill | None, counts: Counts, retry_pause: float) -> None:
        self._line, self._spill, self._counts, self._retry_pause = line, spill, counts, retry_pause

    def deliver(self, under_way: dict[int, bytes], attempts: int = ATTEMPTS) -> None:
        """Sends the events (JSON, as written). While the bus is away they go to disk at once, if there is one."""
        left = self._prepared(under_way)
        for attempt in range(attempts):
            if not left or (self._spill and self._line.away):
                break
            if attempt:
                time.sleep(self._retry_pause * 2 ** (attempt - 1))
            left = self._offer(left, under_way)
        self._keep(left, under_way)

    def keep(self, under_way: dict[int, bytes]) -> None:
        """Puts the events on disk without trying the bus."""
        self._keep(self._prepared(under_way), under_way)

    def drop(self, under_way: dict[int, bytes]) -> None:
        """Counts what has no other outcome."""
        self._drop(sum(under_way.pop(key, None) is not None for key in list(under_way)))

    def _prepared(self, under_way: dict[int, bytes]) -> dict[int, bytes]:
        """The events redacted, those left out that can never be sent."""
        details: dict[int, bytes] = {}
        for key, written in list(under_way.items()):
            try:
                detail = self._detail(written)
            except Exception as exc:  # one event must not take others along, and unredacted it goes nowhere
                log.warning("AUDIT_EVENT_UNREADABLE %s", type(exc).__name__)
                self._drop(under_way.pop(key, None) is not None)
                continue
            if len(detail) + ENVELOPE_BYTES <= MAX_BYTES:
                details[key] = detail
            elif under_way.pop(key, None) is not None:
                self._reject(detail, f"is {len(detail)} bytes; the bus takes {MAX_BYTES}")
        return details

    def _detail(self, written: bytes) -> bytes:
        event = orjson.loads(written)
        address = event.get("ipAddress")
        clean = redact(event)
        if isinstance(address, str) and _ADDRESS.fullmatch(address):
            clean["ipAddress"] = redact_text(address)  # the record's own address stays
        return orjson.dumps(clean)

    def _reject(self, detail: bytes, reason: str) -> None:
        log.warning("AUDIT_EVENT_REJECTED %s", reason)
        if self._spill and self._spill.reject(orjson.loads(detail), reason):
            self._counts.add("rejected")
        else:
            self._drop(1)

    def _offer(self, details: dict[int, bytes], under_way: dict[int, bytes]) -> dict[int, bytes]:
        """What the bus has not taken; the first call that fails is the last."""
        left = dict(details)
        try:
            for call in calls(details):
                for key, code in zip(call, self._line.put(list(call.values())), strict=True):
                    if code is None:
                        del left[key]
                        self._counts.add("sent", under_way.pop(key, None) is not None)
        except Away:
            pass
        return left

    def _keep(self, left: dict[int, bytes], under_way: dict[int, bytes]) -> None:
        details = [detail for key, detail in left.items() if under_way.pop(key, None) is not None]
        if details and self._spill and self._spill.write(details):
            self._counts.add("spilled", len(details))
        else:
            self._drop(len(details))

    def _drop(self, number: int) -> None:
        if number:
            self._counts.add("dropped", number)
            log.warning("AUDIT_EVENTS_DROPPED %d", number)
