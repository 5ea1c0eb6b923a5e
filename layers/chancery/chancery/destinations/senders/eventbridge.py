"""EventBridge: events on a customer's bus.

    {"Source": "chancery", "DetailType": "audit.blog_post.updated", "Time": ..., "Detail": {"type": ..., "data": ...}}

The destination's URL is the ARN of the bus. Source of the limits, and of how an entry's size is counted:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import orjson

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result, Unsendable
from chancery.destinations.senders.aws_access import TIMEOUT, CustomerAccount, result_of, role_of
from chancery.destinations.senders.payloads import (
    Payload,
    fitted,
    manifest_of,
    payload_of,
    payloads_of,
    shaped,
    to_json,
    with_age,
)

_MOST_OF_CALL = 10  # entries
_LARGEST_CALL = 256 * 1024  # bytes of all entries of a call
_OVERHEAD = 14 + len("chancery") + 128  # of an entry: time, source, detail type
_LIMITS = BatchLimits(
    entries=100, payload_bytes=1_000_000, entry_bytes=_LARGEST_CALL - _OVERHEAD, age=timedelta(seconds=1)
)
_ROUNDS = 3  # of one attempt, for entries that EventBridge did not take
_REFUSED = frozenset(("MalformedDetail", "InvalidArgument", "MalformedDetailException"))  # of one entry, for ever
_BUS = re.compile(r"arn:aws[a-z-]*:events:([a-z0-9-]+):\d{12}:event-bus/[\w./-]{1,256}")

type Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventBridgeSender:
    """Implements `ports.Sender`."""

    account: CustomerAccount

    def limits(self, destination: Mapping[str, Any]) -> BatchLimits:
        """A chunk takes up to ten calls of ten entries, or more of larger ones."""
        return with_age(_LIMITS, destination)

    def size(self, destination: Mapping[str, Any], event: Event) -> int:
        """The bytes of an event's entry, as EventBridge counts them at most."""
        return len(_detail(destination, payload_of(destination["tenantId"], event))) + _OVERHEAD

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], _now: datetime) -> Outgoing:
        """The entries of all events, as JSON lines. Raises Unsendable."""
        role_of(to)
        _region(to.url)
        payloads = payloads_of(delivery, events)
        entries = [
            {
                "Time": payload["timestamp"],
                "DetailType": payload["type"][:128],
                "Detail": _detail(to.document, payload).decode(),
            }
            for payload in payloads
        ]
        body = b"\n".join(to_json(entry) for entry in entries)
        return Outgoing("POST", to.url, (), body, to.document["url"], {}, manifest_of(delivery, len(payloads), body))

    def send(self, to: OpenDestination, message: Outgoing, seconds: float) -> Result:
        """Puts the entries on the bus; those that it did not take are put again, twice at most, in the same time."""
        until = monotonic() + seconds
        own = {"Source": "chancery", "EventBusName": to.url}
        entries = [{**orjson.loads(line), **own} for line in message.body.split(b"\n")]
        for entry in entries:
            entry["Time"] = datetime.fromisoformat(entry["Time"])
        return self.account.call(to, "events", _region(to.url), lambda events: _put_all(events, entries, until))


def _put_all(events: Any, entries: Sequence[Entry], until: float) -> Result:
    waiting, rejected = list(entries), 0
    for _ in range(_ROUNDS):
        failed: list[tuple[Entry, Mapping[str, Any]]] = []
        for call in _calls(waiting):
            if monotonic() >= until:
                return TIMEOUT
            answer = events.put_events(Entries=call)
            failed += [(entry, of) for entry, of in zip(call, answer["Entries"], strict=True) if of.get("ErrorCode")]
        refused = [of for _, of in failed if of["ErrorCode"] in _REFUSED]
        rejected += len(refused)
        waiting = [entry for entry, of in failed if of["ErrorCode"] not in _REFUSED]
        if not waiting or monotonic() >= until:
            break
    if waiting:
        first = next(of for _, of in failed if of["ErrorCode"] not in _REFUSED)
        return result_of(first["ErrorCode"], first.get("ErrorMessage", ""), 200)
    if rejected == len(entries):
        return Result("unsendable", "events_refused", "EventBridge refuses every event of this message.", 200)
    detail = f"{rejected} events were refused by the receiver." if rejected else ""
    return Result("accepted", "http_200", detail, 200, rejected=rejected)


def _calls(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in calls of at most ten and 256 KB."""
    call: list[Entry] = []
    size = 0
    for entry in entries:
        of_entry = len(entry["Detail"].encode()) + _OVERHEAD
        if call and (len(call) == _MOST_OF_CALL or size + of_entry > _LARGEST_CALL):
            yield call
            call, size = [], 0
        call.append(entry)
        size += of_entry
    if call:
        yield call


def _region(arn: str) -> str:
    """The region of a bus. Raises Unsendable."""
    found = _BUS.fullmatch(arn)
    if not found:
        raise Unsendable("url_refused", "The URL is not the ARN of an event bus.")
    return found[1]


def _detail(destination: Mapping[str, Any], payload: Payload) -> bytes:
    return fitted(payload, _LIMITS.entry_bytes, lambda fit: to_json(shaped(destination, fit)))
