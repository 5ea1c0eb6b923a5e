"""Sealing: leaves a second from the outbox to a signed checkpoint, and what it takes from the ingest beside it.

S3, KMS and the bus stand in memory: they are the outside world. The sealer is a process of its own, as in a deployment.
"""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.ingest import BATCH, consume, rate
from benchmarks.stage import Stage, documents, median, messages, show
from chancery.audit.writer import AuditWriter
from chancery.core.mongo.client import DURABLE, connect
from chancery.core.observability import logger
from chancery.sealing.outbox import Outbox
from chancery.sealing.sealer import Sealer
from chancery.sealing.signing import LogKey
from tests.builders import sealer
from tests.fakes import FakeBus, FakeKms, FakeObjects

LEAVES = 50_000
BATCHES, ROUNDS = 20, 5
EVERY = 1.0  # seconds between two seals of a tenant: the delay of the seal queue


def bench_sealing(stage: Stage) -> None:
    """The sealer alone; then ingest with outbox and sealer against ingest without, in turn."""
    logger.setLevel("ERROR")
    own = _sealer(stage.database)
    rates = [_leaves_a_second(stage, own, f"bench-{number}") for number in range(3)]
    print(f"{'sealing':<34}{median(rates):,.0f} leaves/s   (at least 5,000)")
    _bench_ingest(stage)


def _leaves_a_second(stage: Stage, own: Sealer, tenant: str) -> float:
    (known,) = documents(1)
    outbox = Outbox(stage.database)
    with stage.database.client.start_session() as session:
        for start in range(0, LEAVES, 250):
            records = [{**known, "tenantId": tenant, "refId": f"{start + at:026d}"} for at in range(250)]
            outbox.mark_published(outbox.add(records, session).items())
    began = time.perf_counter()
    assert own.seal(tenant) == LEAVES
    return LEAVES / (time.perf_counter() - began)


def _bench_ingest(stage: Stage) -> None:
    handler = stage.function("consume_audit_events", "writer").handler
    without, sealed = [], []
    with _sealing_beside(stage) as active:
        for number in range(ROUNDS):
            start = 10_000_000 * (number + 1)
            ready = [
                [{"Records": messages(BATCH, start + (side + at) * BATCH)} for at in range(BATCHES)]
                for side in (0, 500)
            ]
            with _unsealed():
                without.append(rate(ready[0], lambda batch: consume(handler, batch)))
            active.set()
            sealed.append(rate(ready[1], lambda batch: consume(handler, batch)))
            while stage.database.audit_outbox.find_one({"sequencedOn": None}):
                time.sleep(0.1)
            active.clear()
    ratio = median([mine / theirs for mine, theirs in zip(sealed, without, strict=True)])
    show(
        "ingest, sealed / not sealed",
        ratio,
        "at least 0.85",
        f"{median(sealed):,.0f} and {median(without):,.0f} events/s",
    )


@contextmanager
def _unsealed() -> Iterator[None]:
    """Records stored without leaves, as if there were no sealing."""

    def plain(writer: AuditWriter, records: Any) -> dict[str | None, Any]:
        writer._collection.with_options(write_concern=DURABLE).insert_many(records, ordered=False)
        return {}

    commit, AuditWriter._commit = AuditWriter._commit, plain  # type: ignore[method-assign,assignment]
    mark, Outbox.mark_published = Outbox.mark_published, lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        AuditWriter._commit, Outbox.mark_published = commit, mark  # type: ignore[method-assign]


@contextmanager
def _sealing_beside(stage: Stage) -> Iterator[Any]:
    """A sealer in a process of its own, at work while the event it gives is set."""
    context = multiprocessing.get_context("spawn")
    active, done = context.Event(), context.Event()
    process = context.Process(target=_seal_on, args=(stage.uri("sealer"), stage.database.name, active, done))
    process.start()
    try:
        yield active
    finally:
        done.set()
        process.join()
        assert process.exitcode == 0


def _seal_on(uri: str, database: str, active: Any, done: Any) -> None:
    logger.setLevel("ERROR")
    with connect(uri) as client:
        own = _sealer(client[database])
        while not done.wait(EVERY):
            if active.is_set():
                own.seal("acme")


def _sealer(database: Any) -> Sealer:
    return sealer(database, FakeObjects(), LogKey("key", "bench", FakeKms()), FakeBus())
