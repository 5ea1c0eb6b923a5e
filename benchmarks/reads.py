"""A page of 50 through the handler against raw pymongo and orjson."""

import time
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.stage import Stage, median, show
from chancery.audit.collections import LIST_FIELDS
from tests.builders import http, principal
from tests.fakes import LambdaContext

PAGE, ROUNDS = 50, 300


def bench_reads(stage: Stage) -> None:
    """The newest page of a tenant, both ways in turn."""
    handler = stage.function("read_audit_logs", "reader").handler
    request = http("GET", "/v1/audit-logs", caller=principal(), query={"limit": str(PAGE)})
    projection = {"_id": 0, **dict.fromkeys(LIST_FIELDS, 1)}

    def raw() -> bytes:
        cursor = stage.audit_logs.find({"tenantId": "acme"}, projection)
        return orjson.dumps(list(cursor.sort([("createdOn", -1), ("refId", -1)]).limit(PAGE)))

    def ours() -> Any:
        return handler(request, LambdaContext())

    assert len(orjson.loads(ours()["body"])["items"]) == len(orjson.loads(raw())) == PAGE
    pairs = [(_milliseconds(raw), _milliseconds(ours)) for _ in range(ROUNDS)]
    theirs, mine = (median(list(side)) for side in zip(*pairs, strict=True))
    show("page of 50, handler / raw", mine / theirs, "at most 3", f"{mine:.2f} ms, raw {theirs:.2f} ms")


def _milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
