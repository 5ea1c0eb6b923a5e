"""Clients of the live tail for a load test: each goes on where it was after every cut, and counts what it receives."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

_OPEN = 90.0  # seconds for a handshake: the emulator may start functions for it
_SILENCE = (20.0, 40.0)  # seconds without a frame before a ping, at random: all clients are silent at the same time
_LONGEST_PAUSE = 8.0


@dataclass(frozen=True, slots=True)
class Received:
    """A record at one client: its key in the load, its number, and when it came (seconds, monotonic)."""

    key: str
    feed: str
    sequence: int
    at: float
    subscribed_at: float


@dataclass(slots=True)
class Client:
    """A connection with a subscription, which is opened again whenever it ends. `feeds`: feed → filters."""

    url: str
    feeds: Mapping[str, Any]
    received: list[Received] = field(default_factory=list)
    position: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    dropped: int = 0
    cuts: int = 0
    refusals: list[str] = field(default_factory=list)
    subscribed_at: float = 0.0
    is_subscribed: bool = False
    _socket: ClientConnection | None = None

    async def follow(self, gate: asyncio.Semaphore) -> None:
        """Follows for ever; a handshake and its subscription wait for the gate."""
        pause = 0.5
        while True:
            try:
                async with gate:
                    socket = await connect(self.url, open_timeout=_OPEN, ping_interval=None, max_size=2**20)
                    await self._subscribe(socket)
                pause = 0.5
                while True:
                    self._take(json.loads(await self._next(socket)))
            except (WebSocketException, OSError) as exc:  # TimeoutError is an OSError
                self.is_subscribed = False
                self.cuts += self._socket is not None
                if self._socket is None:
                    self.refusals.append(type(exc).__name__)
                self._socket = None
            await asyncio.sleep(random.uniform(0, pause))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def cut(self) -> None:
        """Ends the connection as a network does: without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _subscribe(self, socket: ClientConnection) -> None:
        await socket.send(json.dumps({"action": "subscribe", **self.feeds, "after": self.position}))
        answer = json.loads(await asyncio.wait_for(socket.recv(), _OPEN))
        while answer["type"] != "subscribed":
            if answer["type"] == "refused":
                self.refusals.append(answer["problem"]["detail"])
                raise OSError("The subscription was refused.")
            self._take(answer)
            answer = json.loads(await asyncio.wait_for(socket.recv(), _OPEN))
        self.position = self.position or dict(answer["position"])
        self._socket, self.is_subscribed, self.subscribed_at = socket, True, time.monotonic()

    async def _next(self, socket: ClientConnection) -> str | bytes:
        """The next message; pings a server that is silent, which starts a fan-out that was killed."""
        while True:
            try:
                return await asyncio.wait_for(socket.recv(), random.uniform(*_SILENCE))
            except TimeoutError:
                await socket.send('{"action": "ping"}')

    def _take(self, frame: Mapping[str, Any]) -> None:
        """What a client does with a frame: it skips records that it has, by their sequence."""
        if frame["type"] != "records":
            return
        self.dropped += len(frame["dropped"])
        moment = time.monotonic()
        for item in frame["records"]:
            feed, sequence = item["feed"], item["sequence"]
            if sequence <= self.position[feed]:
                self.repeated += 1
                continue
            self.position[feed] = sequence
            key = item["record"].get("resourceId") or item["record"]["message"]
            self.received.append(Received(key, feed, sequence, moment, self.subscribed_at))
        self.position = {feed: max(at, frame["position"][feed]) for feed, at in self.position.items()}
