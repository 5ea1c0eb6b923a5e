"""Datadog's logs intake, version 2: a JSON array, compressed.

    [{"ddsource": "chancery", "ddtags": "tenant:acme,stream:audit", "service": "chancery", "status": "info",
      "message": "Sarah changed the title", "timestamp": 1772366400000, "chancery": {"type": "audit....", ...}}]

Datadog takes times of the last 18 hours: an older event is sent without `timestamp`, with `late: true`, and has its
time in `chancery.timestamp` alone. Options of a destination: `service`, `hostname`, `tags` (a list).
Source: https://docs.datadoghq.com/api/latest/logs/send-logs/
"""

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result, Unsendable
from chancery.destinations.senders.batches import Part, TooLarge, send_entries
from chancery.destinations.senders.http import HttpReceiver, with_own_headers, with_path
from chancery.destinations.senders.payloads import (
    Payload,
    fitted,
    level_of_payload,
    manifest_of,
    milliseconds_of,
    payload_of,
    payloads_of,
    shaped,
    title_of,
    to_json,
    with_age,
)

# Below 5 MB and 1 MB: what is larger is cut by Datadog, which answers with success all the same.
_LIMITS = BatchLimits(entries=1000, payload_bytes=4_900_000, entry_bytes=950_000, age=timedelta(seconds=5))
_PATH = "/api/v2/logs"
_OLDEST = timedelta(hours=17, minutes=50)  # and a few minutes on the way
_NO_TAG = re.compile(r"[^\w\-./]", re.ASCII)
_LONGEST_MESSAGE = 10_000  # characters
_STATUSES = {"trace": "debug", "warn": "warning", "fatal": "critical"}


@dataclass(frozen=True, slots=True)
class DatadogSender:
    """Implements `ports.Sender`."""

    receiver: HttpReceiver

    def limits(self, destination: Mapping[str, Any]) -> BatchLimits:
        return with_age(_LIMITS, destination)

    def size(self, destination: Mapping[str, Any], event: Event) -> int:
        """The bytes of an event's object, uncompressed, and of what separates it from the next."""
        return len(_entry(destination, payload_of(destination["tenantId"], event), event.occurred_on)) + 2

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], now: datetime) -> Outgoing:
        """The array of all events. Raises Unsendable."""
        if not to.token:
            raise Unsendable("token_missing", "The destination has no API key.")
        body = _array([_entry(to.document, payload, now) for payload in payloads_of(delivery, events)])
        named = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return Outgoing(
            "POST",
            with_path(to.url, _PATH),
            with_own_headers([*named.items(), ("DD-API-KEY", to.token)], to.headers),
            gzip.compress(body, 6, mtime=0),
            with_path(to.document["url"], _PATH),
            named,
            manifest_of(delivery, max(len(events), 1), body),
        )

    def send(self, _to: OpenDestination, message: Outgoing, seconds: float) -> Result:
        """Sends the array, in halves where Datadog finds it too large."""
        entries = gzip.decompress(message.body)[1:-1].split(b",\n")

        def send(part: Part, left: float) -> Result | TooLarge:
            body = message.body if len(part) == len(entries) else gzip.compress(_array(part), 6, mtime=0)
            answer = self.receiver.send(message._replace(body=body), left)
            if isinstance(answer, Result):
                return answer
            if answer.status == 202:
                return self.receiver.accepted(answer)
            result = self.receiver.refused(answer, unauthorized=(401, 403), busy=(503,))
            return TooLarge(result) if answer.status == 413 else result

        return send_entries(entries, send, seconds)


def _array(entries: Part) -> bytes:
    return b"[" + b",\n".join(entries) + b"]"


def _entry(destination: Mapping[str, Any], payload: Payload, now: datetime) -> bytes:
    options = destination.get("options") or {}
    level = level_of_payload(payload)
    tags = [f"tenant:{_NO_TAG.sub('_', payload['data']['tenantId'])}", f"stream:{payload.get('source', 'destination')}"]
    frame: dict[str, Any] = {
        "ddsource": "chancery",
        "ddtags": ",".join([*tags, *options.get("tags", [])]),
        "service": options.get("service", "chancery"),
        "status": _STATUSES.get(level, level),
        "message": title_of(payload)[:_LONGEST_MESSAGE],
        **({"hostname": options["hostname"]} if options.get("hostname") else {}),
    }
    milliseconds = milliseconds_of(payload)
    is_late = now.timestamp() * 1000 - milliseconds > _OLDEST.total_seconds() * 1000
    frame |= {"late": True} if is_late else {"timestamp": milliseconds}
    return fitted(payload, _LIMITS.entry_bytes, lambda fit: to_json({**frame, "chancery": shaped(destination, fit)}))
