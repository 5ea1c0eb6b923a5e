"""Exchanges: opening and closing in the handler, and health over a million: `python -m benchmarks.exchanges`."""

import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from pymongo import WriteConcern

from benchmarks.stage import Stage, median, stage
from chancery.core.aws.event_bus import Bus
from chancery.core.formats.identifiers import ref_id_of
from chancery.core.formats.times import now
from chancery.core.mongo.schema import apply, plan
from chancery.integrations.exchanges.completion import ExchangeCompletion
from chancery.integrations.exchanges.rollups import RollupKey, increments
from chancery.integrations.exchanges.store import ExchangeStore
from chancery.wiring.registry import COLLECTIONS
from tests.builders import http, principal
from tests.fakes import LambdaContext

CALLS, READS, VIEWS, BATCH = 500, 200, 20, 2000
SYSTEMS, ENDPOINTS = 20, 5
_BODY = {"PurchaseOrder": {"VendorCode": "V-100", "Items": [{"Material": f"M-{n}", "Qty": n} for n in range(20)]}}


def bench_exchanges(stage: Stage, exchanges: int) -> None:
    """Opening and closing on an empty collection and on a full one, then reads."""
    os.environ |= {"CHANCERY_CONTENT_BUCKET": "bench", "CHANCERY_EXCHANGE_COMPLETIONS_QUEUE_URL": "https://queue"}
    bench_writes(stage, "empty")
    fill(stage, exchanges)
    bench_writes(stage, f"{exchanges:,} exchanges")
    bench_health(stage, exchanges)


def bench_writes(stage: Stage, about: str) -> None:
    """Opens and closes exchanges in turn, through the handler."""
    handler = stage.function("record_exchanges", "writer").handler
    opened, closed, caller = list[float](), list[float](), principal("producer")
    for place in range(CALLS + 20):
        request_id = f"{about}-{place}"
        started = {
            "requestId": request_id,
            "systemCode": "sap",
            "endpointCode": "orders",
            "httpMethod": "POST",
            "requestUrl": "https://sap.example/orders?page=2",
            "requestHeaders": {"Content-Type": "application/json", "Accept": "*/*"},
            "requestBody": _BODY,
            "context": {"entityType": "purchase_order", "entityId": f"po-{place}"},
            "actor": {"userId": f"user-{place % 200}"},
        }
        ended = {"responseStatus": 201, "responseBody": {"po_number": "4500012345"}}
        first = http("POST", "/v1/exchanges", started, caller=caller)
        second = http("PATCH", f"/v1/exchanges/{request_id}", ended, caller=caller)
        times = [milliseconds(lambda event=event: _done(handler, event)) for event in (first, second)]  # type: ignore[misc]
        if place >= 20:
            opened.append(times[0])
            closed.append(times[1])
    for name, found in (("opening", opened), ("closing", closed)):
        print(f"{name}, {about}: p50 {median(found):.2f} ms, p95 {percentile(found, 0.95):.2f}, min {min(found):.2f}")


def fill(stage: Stage, exchanges: int) -> None:
    """Finished exchanges of the last hour with their rollups; the last batch is counted as the schedule does it."""
    rng, end = random.Random(1), now()
    collection = stage.database.get_collection("integration_logs", write_concern=WriteConcern(w=1))
    collection.drop_indexes()  # built in one go afterwards, in a tenth of the time
    counted: dict[RollupKey, Counter[str]] = defaultdict(Counter)
    for begin in range(0, exchanges, BATCH):
        documents = [_exchange(rng, end, place) for place in range(begin, begin + BATCH)]
        for key, changes in increments(documents).items():
            counted[key].update(changes)
        collection.insert_many(documents, ordered=False)
    apply(stage.database, plan(stage.database, COLLECTIONS))
    for some in batched((_rollup(key, changes) for key, changes in counted.items()), BATCH, strict=False):
        stage.database["exchange_rollups"].insert_many(some)
    late = [{**_exchange(rng, end, place), "uncounted": end} for place in range(exchanges, exchanges + BATCH)]
    collection.insert_many(late, ordered=False)
    began = time.perf_counter()
    done = ExchangeCompletion(stage.database, ExchangeStore(stage.database), Bus("bench")).sweep(lambda: 300_000)
    print(f"counting: {done['counted'] / (time.perf_counter() - began):,.0f} exchanges/s, spread over an hour")


def _rollup(key: RollupKey, changes: Mapping[str, int]) -> dict[str, Any]:
    durations = {path.partition(".")[2]: number for path, number in changes.items() if path.startswith("durations.")}
    sums = {path: number for path, number in changes.items() if "." not in path}
    return {**key.query(), **sums, "durations": durations, "expiresOn": key.expires_on}


def bench_health(stage: Stage, exchanges: int) -> None:
    """Health through the handler, of a tenant and of all, and the view."""
    handler = stage.function("read_exchanges", "reader").handler
    for role in ("user", "super_admin"):
        request = http(
            "GET", "/v1/integrations/health", caller=principal(role, () if role == "super_admin" else ("acme",))
        )
        found = sorted(milliseconds(lambda event=request: _done(handler, event)) for _ in range(READS))  # type: ignore[misc]
        times = f"p50 {median(found):.1f} ms, p95 {percentile(found, 0.95):.1f} (under 200), min {found[0]:.1f}"
        print(f"health, {role}, {exchanges:,} exchanges in the hour: {times}")
    view = stage.database["v_system_health"]
    found = sorted(milliseconds(lambda: list(view.find({"tenantId": "acme"}))) for _ in range(VIEWS))
    print(f"v_system_health: p50 {median(found):.1f} ms, p95 {percentile(found, 0.95):.1f}, min {found[0]:.1f}")


def milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _done(handler: Callable[..., Any], event: dict[str, Any]) -> None:
    answer = handler(event, LambdaContext())
    assert answer["statusCode"] < 300, answer


def _exchange(rng: random.Random, end: datetime, place: int) -> dict[str, Any]:
    started, took = end - timedelta(seconds=rng.random() * 3500), int(rng.lognormvariate(5, 1))
    failed = rng.random() < 0.03
    return {
        "refId": ref_id_of(place, str(place)),
        "requestId": f"filled-{place}",
        "tenantId": "acme" if rng.random() < 0.9 else "globex",
        "createdBy": "bench",
        "createdOn": started,
        "startedAt": started,
        "completedAt": started + timedelta(milliseconds=took),
        "durationMs": took,
        "version": 2,
        "systemCode": f"system-{rng.randrange(SYSTEMS)}",
        "endpointCode": f"endpoint-{rng.randrange(ENDPOINTS)}",
        "httpMethod": "POST",
        "requestUrl": "https://sap.example/orders",
        "status": "FAILED" if failed else "SUCCESS",
        "isSuccess": not failed,
        "context": {"entityType": "purchase_order", "entityId": f"po-{rng.randrange(100_000)}"},
    }


def main() -> None:
    with stage() as database:
        bench_exchanges(database, int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)


if __name__ == "__main__":
    main()
