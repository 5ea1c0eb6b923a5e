"""From record to proof on the running local stack: `python -m benchmarks.latency` after `make up`.

Fifty events a second go in over the bus; beside them a record goes in over HTTP four times a second, and its proof is
asked for until there is one.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.emulator import Emulator
from local.settings import from_environment

SECONDS, EVENTS_A_SECOND, PROBES_A_SECOND = 60, 50, 4
_EVENT = {"actorId": "bench", "action": "blog_post.approved", "resourceType": "blog_post", "resourceId": "post-1"}


def main() -> None:
    """Prints the percentiles of record to proof."""
    settings = from_environment()
    stack = json.loads(settings.stack_file.read_text())
    done = threading.Event()
    events = Emulator(settings).client("events")
    sender = threading.Thread(target=_send, args=(events, stack["eventBusName"], done), daemon=True)
    sender.start()
    headers = {"Authorization": f"Bearer {stack['tokens']['user']}"}
    with (
        httpx.Client(base_url=stack["apiUrl"], headers=headers, timeout=30) as api,
        ThreadPoolExecutor(3 * PROBES_A_SECOND) as pool,
    ):
        probes = []
        for _ in range(SECONDS * PROBES_A_SECOND):
            probes.append(pool.submit(_probe, api))
            time.sleep(1 / PROBES_A_SECOND)
        waits = sorted(probe.result() for probe in probes)
    done.set()
    sender.join()
    p50, p99 = (waits[int(len(waits) * share)] for share in (0.5, 0.99))
    print(f"record to proof, {len(waits)} records beside {EVENTS_A_SECOND} events/s: "
          f"p50 {p50:.2f} s, p99 {p99:.2f} s (under 3), longest {waits[-1]:.2f} s")  # fmt: skip


def _send(events: Any, bus: str, done: threading.Event) -> None:
    entry = {"EventBusName": bus, "Source": "bench", "DetailType": "Record Audit Event"}
    detail = json.dumps({**_EVENT, "tenantId": "acme"})
    next_call = time.monotonic()
    while not done.is_set():
        events.put_events(Entries=[{**entry, "Detail": detail}] * 10)
        next_call += 10 / EVENTS_A_SECOND
        time.sleep(max(0.0, next_call - time.monotonic()))


def _probe(api: httpx.Client) -> float:
    stored = api.post("/audit-logs", json=_EVENT)
    began = time.monotonic()
    path = f"/audit-logs/{stored.raise_for_status().json()['refId']}/proof"
    while api.get(path).status_code != 200:
        time.sleep(0.1)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
