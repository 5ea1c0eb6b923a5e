"""The live tail under load: `python -m benchmarks.live` on a stack of its own, `--running` on that of `make up`.

    python -m benchmarks.live --clients 4 --rate 20                            # from POST to client
    python -m benchmarks.live --clients 200 --rate 1 --seconds 150 --cuts 0.5 --kills 2   # nothing lost, nothing twice

Audit records and log lines are posted in turn. A third of the clients follows all of them, the others a half each;
clients are cut at random, and the processes of the fan-out are killed. In the end each client must have exactly the
records that match, in the order of their numbers. Handshakes and requests are slow on purpose: the emulator falls
behind above 20 to 50 requests a second.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from benchmarks.live_clients import Client, Received
from local.ports import free_port
from local.settings import LocalSettings, from_environment
from local.stack import Stack

_HANDSHAKES = 4  # at once
_SECONDS_TO_CATCH_UP = 180.0
_POSTS = 8  # at once


@dataclass(slots=True)
class Load:
    """What was posted: key → moment of the request; `stored` was answered with 201, `unknown` had no answer."""

    run: str
    posted: dict[str, float] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    answers: list[float] = field(default_factory=list)

    async def send(self, api: httpx.AsyncClient, number: int) -> None:
        """Posts a record or a line for one half of the clients."""
        half = f"{self.run}-{number // 2 % 2}"
        key = f"{half}-{number}"
        body = (
            {"actorId": half, "action": "blog_post.approved", "resourceType": self.run, "resourceId": key}
            if number % 2
            else {"message": key, "logger": half, "userId": self.run}
        )
        began = self.posted[key] = time.monotonic()
        try:
            answer = await api.post("/audit-logs" if number % 2 else "/logs/app", json=body)
        except httpx.TransportError:
            self.unknown.add(key)
            return
        if answer.status_code < 500:
            answer.raise_for_status()
        (self.stored if answer.status_code == 201 else self.unknown).add(key)
        self.answers.append(time.monotonic() - began)

    def feeds(self, number: int) -> dict[str, Any]:
        """The filters of a client."""
        if number % 3 == 2:
            return {"audit": {"resourceType": self.run}, "logs": {"userId": self.run}}
        half = f"{self.run}-{number % 3}"
        return {"audit": {"actorId": half}, "logs": {"logger": half}}

    def wanted(self, number: int) -> set[str]:
        """The keys that a client must have."""
        return {key for key in self.stored if number % 3 == 2 or key.startswith(f"{self.run}-{number % 3}-")}


@dataclass(slots=True)
class Outage:
    """A kill of the fan-out, and when the first record came after it."""

    killed_at: float
    until: float = float("inf")


async def run(stack: dict[str, Any], settings: LocalSettings, asked: argparse.Namespace) -> bool:
    """Connects, posts, cuts and kills as asked, and prints the result; whether each client has what it must have."""
    load = Load(f"load_{int(time.time())}")
    url = f"{stack['liveUrl']}?token={stack['tokens']['user']}"
    clients = [Client(url, load.feeds(number)) for number in range(asked.clients)]
    gate, began = asyncio.Semaphore(_HANDSHAKES), time.monotonic()
    following = [asyncio.create_task(client.follow(gate)) for client in clients]
    while not all(client.is_subscribed for client in clients):
        await asyncio.sleep(0.2)
    print(f"{len(clients)} clients connected in {time.monotonic() - began:.0f} s")
    tasks = [asyncio.create_task(_cut(clients, asked.cuts))] if asked.cuts else []
    outages: list[Outage] = []
    tasks += [asyncio.create_task(_kill(settings, clients, outages, asked))]
    await _post(stack, load, asked)
    deadline = time.monotonic() + _SECONDS_TO_CATCH_UP
    while time.monotonic() < deadline and any(_missing(load, number, client) for number, client in enumerate(clients)):
        await asyncio.sleep(0.5)
    for task in (*tasks, *following):
        task.cancel()
    await asyncio.gather(*tasks, *following, return_exceptions=True)
    return report(load, clients, outages)


async def _post(stack: dict[str, Any], load: Load, asked: argparse.Namespace) -> None:
    headers = {"Authorization": f"Bearer {stack['tokens']['user']}"}
    limits = httpx.Limits(max_connections=_POSTS)
    async with httpx.AsyncClient(base_url=stack["apiUrl"], headers=headers, timeout=60, limits=limits) as api:
        begin, sending = time.monotonic(), []
        for number in range(int(asked.rate * asked.seconds)):
            await asyncio.sleep(max(0.0, begin + number / asked.rate - time.monotonic()))
            sending.append(asyncio.create_task(load.send(api, number)))
        await asyncio.gather(*sending)


async def _cut(clients: Sequence[Client], a_second: float) -> None:
    while True:
        await asyncio.sleep(random.expovariate(a_second))
        random.choice(clients).cut()


async def _kill(
    settings: LocalSettings, clients: Sequence[Client], outages: list[Outage], asked: argparse.Namespace
) -> None:
    for _ in range(asked.kills):
        await asyncio.sleep(asked.seconds / (asked.kills + 1))
        if processes := list(fan_outs(settings)):
            for pid in processes:
                os.kill(pid, signal.SIGKILL)
            outages.append(Outage(time.monotonic()))
            print(f"killed {len(processes)} processes of push_live")
            await _until_served(clients, outages[-1])


async def _until_served(clients: Sequence[Client], outage: Outage) -> None:
    await asyncio.sleep(1)  # what was on its way has arrived
    begin = time.monotonic()
    while not any(client.received and client.received[-1].at > begin for client in clients):
        await asyncio.sleep(0.2)
    outage.until = time.monotonic()


def fan_outs(settings: LocalSettings) -> Iterator[int]:
    """The processes of `push_live`: children of the emulator with its name in their environment (Linux)."""
    parent = settings.aws.pid()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[1]) != parent:
                continue
            environment = (status.parent / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(item.startswith(b"AWS_LAMBDA_FUNCTION_NAME=") and b"PushLive" in item for item in environment):
            yield int(status.parent.name)


def _missing(load: Load, number: int, client: Client) -> set[str]:
    return load.wanted(number) - {item.key for item in client.received}


def report(load: Load, clients: Sequence[Client], outages: Sequence[Outage]) -> bool:
    """Prints what was found; whether each client has each matching record exactly once and in order."""
    missing = sum(len(_missing(load, number, client)) for number, client in enumerate(clients))
    doubled = sum(len(client.received) - len({item.key for item in client.received}) for client in clients)
    places: dict[tuple[str, int], str] = {}
    disagreeing = sum(
        places.setdefault((item.feed, item.sequence), item.key) != item.key
        for client in clients
        for item in client.received
    )
    unordered = sum(
        later.sequence <= earlier.sequence
        for client in clients
        for feed in client.feeds
        for own in [[item for item in client.received if item.feed == feed]]
        for earlier, later in pairwise(own)
    )
    print(
        f"{len(load.stored)} of {len(load.posted)} posted were stored; "
        f"{sum(len(client.received) for client in clients)} received by {len(clients)} clients "
        f"after {sum(client.cuts for client in clients)} cuts and {len(outages)} kills: "
        f"{missing} missing, {doubled} doubled, {unordered} out of order, {disagreeing} with another number; "
        f"{sum(client.repeated for client in clients)} came again and were skipped, "
        f"{sum(client.dropped for client in clients)} ranges dropped, "
        f"{sum(len(client.refusals) for client in clients)} handshakes failed"
    )
    for outage in outages:
        print(f"after a kill the first record came in {outage.until - outage.killed_at:.1f} s")
    print(percentiles("POST", load.answers))
    for feed in ("audit", "logs"):
        print(percentiles(f"from POST to client, {feed}", _waits(load, clients, feed, outages)))
    return not (missing or doubled or unordered or disagreeing)


def _waits(load: Load, clients: Sequence[Client], feed: str, outages: Sequence[Outage]) -> list[float]:
    """How long records took to clients that were connected, outside of outages (and ten seconds to catch up)."""

    def counts(item: Received) -> bool:
        posted = load.posted.get(item.key)
        return (
            item.feed == feed
            and posted is not None
            and posted > item.subscribed_at
            and not any(outage.killed_at - 2 < posted < outage.until + 10 for outage in outages)
        )

    return [item.at - load.posted[item.key] for client in clients for item in client.received if counts(item)]


def percentiles(name: str, waits: Sequence[float]) -> str:
    """A line with percentiles in seconds."""
    if not waits:
        return f"{name}: none"
    ordered = sorted(waits)
    p50, p95, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.95, 0.99))
    return (
        f"{name:<30}{len(ordered):>7}: p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s, longest {ordered[-1]:.2f} s"
    )


@contextmanager
def own_stack() -> Iterator[LocalSettings]:
    """A local stack in a temporary folder and on free ports."""
    with tempfile.TemporaryDirectory() as folder:
        settings = LocalSettings(Path(folder) / "local", free_port(), free_port())
        stack = Stack(settings, Console())
        try:
            stack.up()
            yield settings
        finally:
            stack.down()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="The live tail under load.")
    parser.add_argument("--running", action="store_true", help="take the stack of make up")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rate", type=float, default=20, help="records and lines a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cuts", type=float, default=0, help="a second, over all clients")
    parser.add_argument("--kills", type=int, default=0, help="of the fan-out")
    asked = parser.parse_args()
    if asked.running:
        measured = _measure(from_environment(), asked)
    else:
        with own_stack() as settings:
            measured = _measure(settings, asked)
    raise SystemExit(0 if measured else 1)


def _measure(settings: LocalSettings, asked: argparse.Namespace) -> bool:
    return asyncio.run(run(json.loads(settings.stack_file.read_text()), settings, asked))


if __name__ == "__main__":
    main()
