"""Webhooks under load: `python -m benchmarks.deliveries` on a stack of its own, `--running` on that of `make up`.

Audit records are posted at a rate, and each must arrive once at a receiver on this machine. Prints how long that took,
from the request of the POST to the webhook.
"""

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from benchmarks.live import own_stack, percentiles
from local.settings import LocalSettings, from_environment

_SECONDS_TO_CATCH_UP = 120.0
_POSTS = 8  # at once


@dataclass(slots=True)
class Load:
    """Key → moment of the request, and of the arrival of its webhook. `repeated`: webhooks that came again."""

    posted: dict[str, float] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)
    repeated: int = 0

    def receive(self, body: dict[str, Any]) -> None:
        """Takes a webhook."""
        key = body["data"].get("resourceId", "")
        self.repeated += key in self.arrived
        self.arrived.setdefault(key, time.monotonic())

    @property
    def is_complete(self) -> bool:
        return self.posted.keys() <= self.arrived.keys()


@contextmanager
def receiver(load: Load) -> Iterator[str]:
    """A server on this machine that takes webhooks; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            load.receive(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/in"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def run(stack: dict[str, Any], asked: argparse.Namespace) -> bool:
    """Posts as asked, and prints the result; whether each record arrived once."""
    load, name = Load(), f"load-{int(time.time())}"
    headers = {"Authorization": f"Bearer {stack['tokens']['dm_user']}"}
    limits = httpx.Limits(max_connections=_POSTS)
    with receiver(load) as url:
        async with httpx.AsyncClient(base_url=stack["apiUrl"], headers=headers, timeout=60, limits=limits) as api:
            events = ["audit.webhook_load.*"]
            destination = {"kind": "webhook", "name": name, "url": url, "events": events}
            answer = await api.post("/destinations", json=destination)
            answer.raise_for_status()
            await _post(api, load, name, asked)
            deadline = time.monotonic() + _SECONDS_TO_CATCH_UP
            while not load.is_complete and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
            await api.delete(f"/destinations/{answer.json()['refId']}", headers={"If-Match": answer.headers["ETag"]})
    missing = len(load.posted.keys() - load.arrived.keys())
    print(f"{len(load.posted)} posted, {missing} missing, {load.repeated} came again")
    print(percentiles("POST", load.answers))
    warm = [key for key, moment in load.posted.items() if moment - min(load.posted.values()) > asked.warm_up]
    waits = [load.arrived[key] - load.posted[key] for key in warm if key in load.arrived]
    print(percentiles("from POST to webhook", waits))
    return not missing and not load.repeated


async def _post(api: httpx.AsyncClient, load: Load, name: str, asked: argparse.Namespace) -> None:
    async def send(number: int) -> None:
        key = f"{name}-{number}"
        began = load.posted[key] = time.monotonic()
        record = {"actorId": name, "action": "webhook_load.posted", "resourceType": "load", "resourceId": key}
        (await api.post("/audit-logs", json=record)).raise_for_status()
        load.answers.append(time.monotonic() - began)

    begin, sending = time.monotonic(), []
    for number in range(int(asked.rate * asked.seconds)):
        await asyncio.sleep(max(0.0, begin + number / asked.rate - time.monotonic()))
        sending.append(asyncio.create_task(send(number)))
    await asyncio.gather(*sending)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Webhooks under load.")
    parser.add_argument("--running", action="store_true", help="take the stack of make up")
    parser.add_argument("--rate", type=float, default=20, help="records a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=10, help="seconds whose records do not count")
    asked = parser.parse_args()
    if asked.running:
        measured = _measure(from_environment(), asked)
    else:
        with own_stack() as settings:
            measured = _measure(settings, asked)
    raise SystemExit(0 if measured else 1)


def _measure(settings: LocalSettings, asked: argparse.Namespace) -> bool:
    return asyncio.run(run(json.loads(settings.stack_file.read_text()), asked))


if __name__ == "__main__":
    main()
