"""Splunk's HTTP Event Collector: JSON objects, one after the other.

    {"time": 1772366400.0, "host": "chancery", "source": "chancery:audit", "sourcetype": "chancery:audit",
     "index": "main", "event": {"type": "audit.blog_post.updated", ...}}

Options of a destination: `index`, `host`, `sourcetype`. 200 with code 0 says that the events are valid.
Source: https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data (format, codes of answers)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result, Unsendable
from chancery.destinations.senders.batches import Part, TooLarge, Unreadable, send_entries
from chancery.destinations.senders.http import Answer, HttpReceiver, with_own_headers, with_path
from chancery.destinations.senders.payloads import (
    Payload,
    fitted,
    manifest_of,
    milliseconds_of,
    payload_of,
    payloads_of,
    shaped,
    to_json,
    with_age,
)

# One megabyte is what Splunk Cloud advises, and the limit of older releases.
_LIMITS = BatchLimits(entries=1000, payload_bytes=1_000_000, entry_bytes=500_000, age=timedelta(seconds=5))
_PATH = "/services/collector/event"
_UNREADABLE = (6, 12, 13, 15)  # codes about one event: no JSON, `event` missing or empty, `fields` wrong
_BUSY = (9, 18, 19, 20, 23)  # server busy, queues full, shutting down
_UNAUTHORIZED = (1, 2, 3, 4, 21, 22)  # token disabled, missing or unknown


@dataclass(frozen=True, slots=True)
class SplunkSender:
    """Implements `ports.Sender`."""

    receiver: HttpReceiver

    def limits(self, destination: Mapping[str, Any]) -> BatchLimits:
        return with_age(_LIMITS, destination)

    def size(self, destination: Mapping[str, Any], event: Event) -> int:
        """The bytes of an event's object and of the line's end after it."""
        return len(_entry(destination, payload_of(destination["tenantId"], event))) + 1

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], _now: datetime) -> Outgoing:
        """The objects of all events, one a line. Raises Unsendable."""
        if not to.token:
            raise Unsendable("token_missing", "The destination has no token.")
        entries = [_entry(to.document, payload) for payload in payloads_of(delivery, events)]
        body = b"\n".join(entries)
        named = {"Content-Type": "application/json"}
        headers = [*named.items(), ("Authorization", f"Splunk {to.token}")]
        return Outgoing(
            "POST",
            with_path(to.url, _PATH),
            with_own_headers(headers, to.headers),
            body,
            with_path(to.document["url"], _PATH),
            named,
            manifest_of(delivery, len(entries), body),
        )

    def send(self, _to: OpenDestination, message: Outgoing, seconds: float) -> Result:
        """Sends the objects; one that Splunk cannot read is left out and counted, so that it holds up no others."""

        def send(part: Part, left: float) -> Result | TooLarge | Unreadable:
            return self._read(self.receiver.send(message._replace(body=b"\n".join(part)), left), len(part))

        return send_entries(message.body.split(b"\n"), send, seconds)

    def _read(self, answer: Answer | Result, entries: int) -> Result | TooLarge | Unreadable:
        if isinstance(answer, Result):
            return answer
        body = _json_of(answer)
        code = body.get("code")
        if answer.status == 200 and code == 0:
            return self.receiver.accepted(answer)
        result = self.receiver.refused(answer, unauthorized=(401, 403), busy=(503,))
        if answer.is_success:
            return result._replace(detail="The answer is not that of an HTTP Event Collector.")
        if isinstance(code, int):
            result = result._replace(reason=f"splunk_{code}", detail=f"Splunk answered: {str(body.get('text'))[:200]}")
        if code in _UNAUTHORIZED:
            return result._replace(verdict="unauthorized")
        if code in _BUSY:
            return result._replace(verdict="slow_down")
        if answer.status == 413:
            return TooLarge(result)
        at = body.get("invalid-event-number")
        if code in _UNREADABLE and type(at) is int and 0 <= at < entries:
            return Unreadable(at, result)
        return result


def _json_of(answer: Answer) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _entry(destination: Mapping[str, Any], payload: Payload) -> bytes:
    options = destination.get("options") or {}
    source = f"chancery:{payload.get('source', 'destination')}"
    frame = {
        "time": milliseconds_of(payload) / 1000,
        "host": options.get("host", "chancery"),
        "source": source,
        "sourcetype": options.get("sourcetype", source),
        **({"index": options["index"]} if options.get("index") else {}),
    }
    return fitted(payload, _LIMITS.entry_bytes, lambda fit: to_json({**frame, "event": shaped(destination, fit)}))
