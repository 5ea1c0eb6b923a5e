"""What destinations cost writers: `python -m benchmarks.delivery_ingest`.

Batches of audit records and of log lines through the handlers of their queues, in turn for a tenant with ten enabled
destinations and for the same tenant with none.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.ingest import BATCH, consume, rate
from benchmarks.logs import single
from benchmarks.stage import Stage, median, messages, show, stage
from chancery.core.aws.queue import Queue
from chancery.core.formats.times import now
from chancery.wiring import delivery_trigger
from tests.destinations import destination_of

DESTINATIONS, ROUNDS = 10, 40


def bench_delivery_ingest(stage: Stage) -> None:
    """The ratio of the rates with and without destinations, of both kinds of records."""
    Queue.send = lambda *_: None  # type: ignore[method-assign]
    for _ in range(DESTINATIONS):
        destination = destination_of(events=["audit.*", "log.*"], createdOn=now())
        stage.database.destinations.insert_one(destination)
        state = {"tenantId": "acme", "refId": destination["refId"], "positions": {"audit": 0, "logs": 0}}
        stage.database.destination_states.insert_one(state)
    of_audit = stage.function("consume_audit_events", "writer").handler
    _bench(stage, "audit records", of_audit, lambda number: messages(BATCH, number * BATCH))
    _bench(stage, "log lines", stage.function("consume_logs", "writer").handler, single)


def _bench(
    stage: Stage, name: str, handler: Callable[..., Any], batch_of: Callable[[int], list[dict[str, Any]]]
) -> None:
    rates: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS + 2):
        is_enabled = number % 2 == 0
        stage.database.destinations.update_many({}, {"$set": {"enabled": is_enabled}})
        delivery_trigger.trigger()._read_at = None  # it reads who has destinations with each batch: the worst case
        found = rate([{"Records": batch_of(number)}], lambda batch: consume(handler, batch))
        if number > 1:
            rates[is_enabled].append(found)
    ratio = median([mine / other for mine, other in zip(rates[True], rates[False], strict=True)])
    detail = (
        f"{median(rates[True]):,.0f} a second with {DESTINATIONS} destinations, {median(rates[False]):,.0f} without"
    )
    show(f"ingest with destinations, {name}", ratio, "at least 0.95", detail)


if __name__ == "__main__":
    with stage() as database:
        bench_delivery_ingest(database)
