"""What the client sends: audit events, each an event on the bus, or log lines, of which an event has many."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from chancery_client.degradation import Degradation

MAX_ENTRIES = 10  # events in a PutEvents call
MAX_BYTES = 256 * 1024  # of a call and so of an event; the smaller of the limits AWS has had
ENVELOPE_BYTES = 256  # source, detail type and time of an event take less


class EventRejected(Exception):
    """Intake would refuse the event, and no change of it would be right. Has the reason, without any value."""


class Entry(NamedTuple):
    """An entry of a PutEvents call: its detail (JSON), and the numbers of the events that are in it."""

    detail: bytes
    keys: tuple[int, ...]


class EventFormat(NamedTuple):
    """A format of events.

    `name` begins the client's log codes. `conform`: the detail of an event (parsed JSON), redacted and as intake
    accepts it; raises EventRejected. `redacted`: a redacted copy of one that does not conform. `calls`: details by
    their numbers as the calls in which they are sent. `decode`: the event and its changes of what was queued.
    """

    name: str
    detail_type: str
    conform: Callable[[dict[str, Any], Degradation], bytes]
    redacted: Callable[[dict[str, Any]], dict[str, Any]]
    calls: Callable[[dict[int, bytes]], Iterator[list[Entry]]]
    decode: Callable[[bytes], Any] = orjson.loads


def single_entries(details: dict[int, bytes]) -> Iterator[list[Entry]]:
    """Calls in which each event is an entry, within the limits of PutEvents."""
    call: list[Entry] = []
    size = 0
    for key, detail in details.items():
        weight = len(detail) + ENVELOPE_BYTES
        if call and (len(call) == MAX_ENTRIES or size + weight > MAX_BYTES):
            yield call
            call, size = [], 0
        call.append(Entry(detail, (key,)))
        size += weight
    if call:
        yield call
