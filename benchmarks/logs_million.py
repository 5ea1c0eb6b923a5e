"""Pages and aggregates over a day of a million lines of one tenant: `python -m benchmarks.logs_million [LINES]`.

Each pair of filters is searched for by the handler and by the driver with the same conditions, in turn. Then each
aggregate of the whole day is read. The first line of the report is what a line costs on disk.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import batched, combinations
from typing import Any

import bson
import orjson

from benchmarks.log_storage import Line, sent_line
from benchmarks.stage import Stage, median, show, stage
from chancery.core.formats.identifiers import ref_id_of
from chancery.core.formats.times import now, to_rfc3339
from chancery.logs.aggregate import AggregateQuery
from chancery.logs.collections import BY_KIND
from chancery.logs.ingest import sample_rate
from chancery.logs.queries import NEWEST, conditions
from tests.builders import http, principal
from tests.fakes import LambdaContext

LINES, BATCH, PAGE, ROUNDS = 1_000_000, 5000, 50, 40
BEGIN = now().replace(microsecond=0) - timedelta(hours=24, minutes=-5)
_END = BEGIN + timedelta(days=1)
_SLOW_MS = 200
_KIND = BY_KIND["app"]


def lines_of_a_day(count: int) -> Iterator[Line]:
    """As many stored lines of a tenant, at equal distances."""
    rng, batch = random.Random(1), bson.ObjectId().binary
    for place in range(count):
        created_on = BEGIN + timedelta(days=1) * place / count
        ref_id = ref_id_of(int(created_on.timestamp() * 1000), str(place))
        line = {
            "_id": ref_id,
            "refId": ref_id,
            "tenantId": "acme",
            "createdBy": "crm.backend",
            "createdOn": created_on,
            **sent_line(place, rng),
            "batch": batch,
            "expiresOn": created_on + timedelta(days=30),
        }
        if line["level"] == "error":
            line["fingerprint"] = f"{rng.randrange(40):064x}"
        if rate := sample_rate(ref_id):
            line["sample"] = rate
        yield line


def fill(stage: Stage, count: int) -> None:
    """Inserts the lines, and prints the bytes of one: as JSON, as BSON, and on disk."""
    collection, texts = stage.database[_KIND.name], list[int]()
    for lines in batched(lines_of_a_day(count), BATCH, strict=False):
        collection.insert_many(lines, ordered=False)
        texts.append(len(orjson.dumps(sent_line(len(texts), random.Random(len(texts))))))
    stage.database.client.admin.command({"fsync": 1})
    stats = stage.database.command({"collStats": _KIND.name})
    data, indexes = stats["storageSize"] / count, stats["totalIndexSize"] / count
    print(
        f"{count:,} lines of {sum(texts) / len(texts):.0f} bytes of JSON, {stats['size'] / count:.0f} of BSON: "
        f"on disk {data:.0f} + {indexes:.0f} of indexes = {data + indexes:.0f} bytes a line"
    )


def bench_pages(stage: Stage) -> None:
    """Prints the pairs of filters with the largest ratio of the 95th percentiles, and the median of all pairs."""
    collection = stage.database[_KIND.name]
    handler = stage.function("read_logs", "reader").handler
    sample = collection.find_one({"level": "error", "activityId": {"$exists": True}})
    assert sample is not None
    names = ("userId", "sessionId", "activityId", "traceId", "endpoint", "logger", "fingerprint")
    values = {name: {name: sample[name]} for name in names}
    choices = [*values.values(), {"level": "error"}, {"level": "info"}, {"q": "answered 404"}]
    ratios = []
    for one, other in combinations(choices, 2):
        if one.keys() == other.keys():
            continue
        filters = one | other
        raw, ours = _both_pages(collection, handler, filters)
        rounds = ROUNDS if _milliseconds(raw) < _SLOW_MS else 3  # the driver's search is not bound
        pairs = [(_milliseconds(raw), _milliseconds(ours)) for _ in range(rounds)]
        theirs, mine = (_p95(list(side)) for side in zip(*pairs, strict=True))
        ratios.append(
            (mine / theirs, f"p95 {mine:.1f} ms, raw {theirs:.1f} ms: {', '.join(map(':'.join, filters.items()))}")
        )
    show(
        "page of 50, handler / raw",
        median([ratio for ratio, _ in ratios]),
        "at most 3",
        f"median of {len(ratios)} pairs",
    )
    for ratio, text in sorted(ratios, reverse=True)[:8]:
        show("  largest", ratio, "at most 3", text)


def _both_pages(collection: Any, handler: Any, filters: Line) -> tuple[Callable[[], Any], Callable[[], Any]]:
    window = {"from": to_rfc3339(BEGIN), "to": to_rfc3339(_END)}
    request = http("GET", "/v1/logs/app", caller=principal(), query={"limit": str(PAGE), **window, **filters})
    query = {"$and": [{"tenantId": "acme", "createdOn": {"$gte": BEGIN, "$lt": _END}}, *conditions(filters)]}
    projection = {"_id": 0, **dict.fromkeys(_KIND.list_fields, 1)}

    def raw() -> bytes:
        return orjson.dumps(list(collection.find(query, projection).sort(NEWEST).limit(PAGE)))

    def ours() -> Any:
        return handler(request, LambdaContext())

    assert ours()["statusCode"] == 200
    return raw, ours


def bench_aggregates(stage: Stage) -> None:
    """Prints the median and the fastest of every aggregate of the day: of all lines, and with a filter."""
    handler = stage.function("read_logs", "reader").handler
    window = {"from": to_rfc3339(BEGIN), "to": to_rfc3339(_END)}
    for filters in ({}, {"level": "info"}, {"level": "error"}, {"endpoint": "/api/v1/deals"}, {"q": "answered 404"}):
        for group_by in ("fingerprint", "endpoint", "user", "level", "logger", "minute", "hour", "day"):
            query = {"groupBy": group_by, **window, **filters}
            AggregateQuery.model_validate(query)
            request = http("GET", "/v1/logs/app/aggregate", caller=principal(), query=query)
            answer = orjson.loads(handler(request, LambdaContext())["body"])
            took = [_milliseconds(lambda: handler(request, LambdaContext())) for _ in range(7)]  # noqa: B023
            detail = f"ms at the median; {len(answer['groups'])} groups of one line in {answer['sampledOneIn']}"
            show(f"{group_by} {filters or ''}", median(took), "under 500", f"{detail}; fastest {min(took):.0f} ms")


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    with stage() as database:
        fill(database, int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
        bench_pages(database)
        bench_aggregates(database)
