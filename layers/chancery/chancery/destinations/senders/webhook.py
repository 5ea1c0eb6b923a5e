"""Webhooks by Standard Webhooks 1.0.0: one event a message, signed; only 2xx is success."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result
from chancery.destinations.senders.http import HttpReceiver, with_own_headers
from chancery.destinations.senders.payloads import Payload, fitted, payload_of, payloads_of, shaped, to_json
from chancery.destinations.senders.signing import signatures
from chancery.destinations.senders.slack import slack_body

_LARGEST = 256 * 1024  # bytes; the standard advises to stay below 20 kB, and most events do
_LIMITS = BatchLimits(entries=1, payload_bytes=_LARGEST, entry_bytes=_LARGEST, age=timedelta())


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Implements `ports.Sender`."""

    receiver: HttpReceiver

    def limits(self, _destination: Mapping[str, Any]) -> BatchLimits:
        """One event a message."""
        return _LIMITS

    def size(self, destination: Mapping[str, Any], event: Event) -> int:
        """The bytes of the message's body."""
        return len(_body(destination, payload_of(destination["tenantId"], event)))

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], now: datetime) -> Outgoing:
        """The message, signed for an attempt at `now`. Raises Unsendable."""
        body = _body(to.document, payloads_of(delivery, events)[0])
        timestamp = int(now.timestamp())
        named = {
            "Content-Type": "application/json",
            "webhook-id": delivery["refId"],
            "webhook-timestamp": str(timestamp),
        }
        headers = list(named.items())
        if to.secrets:
            headers.append(("webhook-signature", signatures(to.secrets, delivery["refId"], timestamp, body)))
        return Outgoing(
            "POST",
            to.url,
            with_own_headers(headers, to.headers),
            body,
            to.document["url"],
            named,
            orjson.loads(body),
        )

    def send(self, _to: OpenDestination, message: Outgoing, seconds: float) -> Result:
        """Sends the message once, and reads the receiver's wishes: 410 and the header `webhook-delivery`."""
        answer = self.receiver.send(message, seconds)
        if isinstance(answer, Result):
            return answer
        wish = answer.header("webhook-delivery").lower()
        result = self.receiver.accepted(answer) if answer.is_success else self.receiver.refused(answer)
        if wish == "disable":
            return result._replace(verdict="disable", detail="The receiver's answer asks to disable this destination.")
        if answer.status == 410:
            return result._replace(verdict="gone", detail="The receiver answered that it is gone.")
        if wish == "abort-message" and not answer.is_success:
            return result._replace(verdict="abort", detail="The receiver's answer asks for no retry of this message.")
        return result


def _body(destination: Mapping[str, Any], payload: Payload) -> bytes:
    if destination["format"] == "slack":
        return to_json(slack_body(payload))
    return fitted(payload, _LARGEST, lambda fit: to_json(shaped(destination, fit)))
