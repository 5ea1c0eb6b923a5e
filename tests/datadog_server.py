"""A small logs intake that enforces what Datadog documents; what Datadog cuts silently is refused loudly here."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.misbehaving_peer import Connection, Received, misbehaving_peer

_OLDEST = timedelta(hours=18)


@dataclass
class DatadogServer:
    """`entries`: what was accepted. `largest`: bytes of a payload, beyond which the answer is 413."""

    url: str
    key: str
    clock: Callable[[], datetime]
    largest: int = 5_000_000
    entries: list[dict[str, Any]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def serve(self, connection: Connection, request: Received) -> None:
        status = self._status(request)
        body = {} if status == 202 else {"errors": [{"status": str(status), "title": "Refused"}]}
        connection.respond(status, json.dumps(body).encode(), "Content-Type: application/json\r\n")

    def _status(self, request: Received) -> int:
        if request.headers.get("dd-api-key") != self.key:
            return 403
        if request.headers.get("content-encoding") != "gzip" or request.headers["content-type"] != "application/json":
            return 400
        text = gzip.decompress(request.body)
        self.sizes.append(len(text))
        if len(text) > self.largest:
            return 413
        entries = json.loads(text)
        if not isinstance(entries, list) or not 1 <= len(entries) <= 1000:
            return 400
        if not all(self._is_valid(entry) for entry in entries):
            return 400
        self.entries += entries
        return 202

    def _is_valid(self, entry: dict[str, Any]) -> bool:
        if len(json.dumps(entry, ensure_ascii=False).encode()) > 1_000_000:
            return False
        now = self.clock().timestamp() * 1000
        return "timestamp" not in entry or now - entry["timestamp"] <= _OLDEST.total_seconds() * 1000


@contextmanager
def datadog_server(clock: Callable[[], datetime], key: str = "a-key") -> Iterator[DatadogServer]:
    """Serves while the block runs."""
    with misbehaving_peer() as peer:
        server = DatadogServer(peer.url, key, clock)
        peer.answers["/api/v2/logs"] = server.serve
        yield server
