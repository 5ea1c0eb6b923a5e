"""Results without the destination's secrets, which some receivers repeat in their answers: these are logged."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chancery.core.mongo.client import Document
from chancery.core.outbound.echoes import Echoes
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, OpenDestination, Outgoing, Result, Sender

_BETWEEN = re.compile(r"[/?&=;#:@]")  # parts of a URL


@dataclass(frozen=True, slots=True)
class RedactedAnswers:
    """Implements `ports.Sender`: another sender whose results have no secret of the destination."""

    sender: Sender

    def limits(self, destination: Mapping[str, Any], /) -> BatchLimits:
        return self.sender.limits(destination)

    def size(self, destination: Mapping[str, Any], event: Event, /) -> int:
        return self.sender.size(destination, event)

    def prepare(self, to: OpenDestination, delivery: Document, events: Sequence[Event], now: datetime, /) -> Outgoing:
        return self.sender.prepare(to, delivery, events, now)

    def send(self, to: OpenDestination, message: Outgoing, seconds: float, /) -> Result:
        """Sends a message once. Secrets are redacted after the answer was read, since it may be binary."""
        result = self.sender.send(to, message, seconds)
        echoes = Echoes.of(*_secrets(to))
        body = None if result.body is None else echoes.redacted_body(result.body)
        headers = echoes.redacted_headers(result.headers)
        return result._replace(detail=echoes.redacted(result.detail), headers=headers, body=body)


def _secrets(to: OpenDestination) -> Iterator[str]:
    """Token, signing secrets, values of own headers, and what the URL has that is not in the one that people see."""
    yield to.token or ""
    for secret in to.secrets:
        yield from (secret, secret.partition("_")[2])
    yield from to.headers.values()
    public = set(_BETWEEN.split(to.document["url"]))
    yield from (part for part in _BETWEEN.split(to.url) if part not in public)
