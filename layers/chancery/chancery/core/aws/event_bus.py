"""Publishing to the event bus."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import orjson

from chancery.core.aws import clients as aws
from chancery.core.errors import Unavailable
from chancery.core.formats.times import now

MAX_ENTRIES = 10  # a PutEvents call
MAX_BYTES = 256 * 1024  # a call, and so an entry; the smaller of the limits AWS has had
SOURCE = "chancery"
_CALLERS = 4

PutEvents = Callable[..., Any]


class Bus:
    """One EventBridge bus; `put_events` is boto3's and is looked up on first use."""

    def __init__(self, name: str, put_events: PutEvents | None = None) -> None:
        self.name = name
        self._put_events = put_events

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None:
        """Publishes each detail as an event of its own. Raises Unavailable when the bus did not accept all.

        A repetition may publish accepted ones again: consumers recognize duplicates by refId or eventId.
        """
        put_events = self._put_events or aws.client("events").put_events
        calls = list(_calls(self._entry(detail_type, detail) for detail in details))
        if len(calls) == 1:
            _put(put_events, calls[0])
            return
        with ThreadPoolExecutor(_CALLERS) as pool:  # a batch of a thousand is a hundred round trips
            list(pool.map(partial(_put, put_events), calls))

    def _entry(self, detail_type: str, detail: dict[str, Any]) -> dict[str, Any]:
        return {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Time": now(),
            "Detail": orjson.dumps(detail).decode(),
        }


def _put(put_events: PutEvents, entries: list[dict[str, Any]]) -> None:
    try:
        answer = put_events(Entries=entries)
    except Exception as exc:
        raise Unavailable("The event bus does not answer; try again.") from exc
    if answer["FailedEntryCount"]:
        raise Unavailable("The event bus did not accept every event; try again.")


def _calls(entries: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Entries in calls of at most ten and 256 KB (PutEvents counts source, detail type, detail and 14 for the time)."""
    call: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        weight = 14 + sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))
        if call and (len(call) == MAX_ENTRIES or size + weight > MAX_BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += weight
    if call:
        yield call
