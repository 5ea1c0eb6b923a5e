"""A small HTTP Event Collector that enforces what Splunk documents: token, format, sizes, codes of answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.misbehaving_peer import Connection, Peer, Received, misbehaving_peer

_KEYS = {"time", "host", "source", "sourcetype", "index", "event", "fields"}


@dataclass
class SplunkServer:
    """`events`: the objects that were accepted. `unreadable`: refIds of events that it refuses as invalid."""

    url: str
    token: str
    indexes: tuple[str, ...] = ("main",)
    largest: int = 1_000_000
    busy: int | None = None  # a code with which everything is answered
    unreadable: set[str] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0

    def serve(self, connection: Connection, request: Received) -> None:
        self.requests += 1
        status, answer = self._answer(request)
        connection.respond(status, json.dumps(answer).encode(), "Content-Type: application/json\r\n")

    def _answer(self, request: Received) -> tuple[int, dict[str, Any]]:
        if self.busy is not None:
            return 503, {"text": "Server is busy", "code": self.busy}
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Splunk":
            return 401, {"text": "Token is required", "code": 2}
        if token != self.token:
            return 403, {"text": "Invalid token", "code": 4}
        if len(request.body) > self.largest:
            return 413, {"text": "Content-Length too large", "code": 27}
        return self._read(request.body.decode())

    def _read(self, text: str) -> tuple[int, dict[str, Any]]:
        found: list[dict[str, Any]] = []
        at = 0
        while at < len(text):
            try:
                item, at = json.JSONDecoder().raw_decode(text, at)
            except json.JSONDecodeError:
                return 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": len(found)}
            while at < len(text) and text[at].isspace():
                at += 1
            if not set(item) <= _KEYS or item["event"].get("data", {}).get("refId") in self.unreadable:
                return 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": len(found)}
            if not item.get("event"):
                return 400, {"text": "Event field is required", "code": 12, "invalid-event-number": len(found)}
            if not isinstance(item["time"], int | float) or not 1e9 < item["time"] < 1e10:
                return 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": len(found)}
            if item.get("index", "main") not in self.indexes:
                return 400, {"text": "Incorrect index", "code": 7, "invalid-event-number": 1}
            found.append(item)
        if not found:
            return 400, {"text": "No data", "code": 5}
        self.events += found
        return 200, {"text": "Success", "code": 0}


@contextmanager
def splunk_server(token: str = "a-token") -> Iterator[SplunkServer]:
    """Serves while the block runs."""
    with misbehaving_peer() as peer:
        yield _at(peer, token)


def _at(peer: Peer, token: str) -> SplunkServer:
    server = SplunkServer(peer.url, token)
    peer.answers["/services/collector/event"] = server.serve
    return server
