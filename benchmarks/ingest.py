"""Throughput of the batch consumer's handler against raw `insert_many` of ready documents into the same collection."""

import gc
import time
from collections.abc import Callable
from typing import Any

from benchmarks.stage import Stage, documents, median, messages, show
from tests.fakes import LambdaContext

BATCH, ROUNDS = 1000, 60  # the batch of the template's event source


def bench_ingest(stage: Stage) -> None:
    """A batch of each side in turn, so that noise and a growing collection hit both alike."""
    handler = stage.function("consume_audit_events", "writer").handler
    stage.audit_logs.insert_many(documents(5000))
    handler({"Records": messages(BATCH)}, LambdaContext())
    raw, ours = [], []
    for number in range(1, ROUNDS + 1):
        ready, incoming = documents(BATCH, number * BATCH), {"Records": messages(BATCH, number * BATCH)}
        raw.append(rate([ready], lambda batch: stage.audit_logs.insert_many(batch, ordered=False)))
        ours.append(rate([incoming], lambda batch: consume(handler, batch)))
    ratio = median([mine / theirs for mine, theirs in zip(ours, raw, strict=True)])
    rates = f"{median(ours):,.0f} events/s, raw {median(raw):,.0f} documents/s, batches of {BATCH}"
    show("ingest, handler / raw insert_many", ratio, "at least 0.5", rates)


def consume(handler: Callable[..., Any], batch: dict[str, Any]) -> None:
    """Has the handler take a batch whole."""
    assert handler(batch, LambdaContext()) == {"batchItemFailures": []}


def rate(batches: list[Any], work: Callable[[Any], Any]) -> float:
    """Events a second over batches of BATCH."""
    gc.collect()
    gc.freeze()  # the prepared input is neither side's garbage
    began = time.perf_counter()
    for batch in batches:
        work(batch)
    took = time.perf_counter() - began
    gc.unfreeze()
    return BATCH * len(batches) / took
