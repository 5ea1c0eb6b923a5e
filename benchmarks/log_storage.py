"""How lines of logs are stored best: `python -m benchmarks.log_storage`. docs/adr has the decision and the figures.

The same lines are inserted into each form, a batch each in turn, so that noise hits all alike: bytes a line on disk,
lines a second, and pages of 50. The sequence for live views by compare-and-set is measured against a transaction.
"""

import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

import bson
import orjson
from pymongo import ReturnDocument
from pymongo.database import Database

from benchmarks.stage import Stage, median, stage
from chancery.core.formats.identifiers import ref_id_of
from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import DURABLE
from chancery.logs.collections import BY_KIND
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.queries import at_least
from chancery.logs.sequence import LogSequence
from chancery.logs.store import LogStore

LINES, BATCH, BUCKET = 60_000, 1000, 250
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
TENANTS, USERS = 5, 400
_ENDPOINTS = ("/api/v1/contacts", "/api/v1/deals", "/api/v1/auth/login", "/api/v1/analytics/dashboard")
_NEWEST = [("createdOn", -1), ("refId", -1)]
_SELECTIVE = ("traceId", "userId", "activityId")
Line = dict[str, Any]


def sent_line(place: int, rng: random.Random) -> Line:
    """A line as a CRM's logger writes it, about 430 bytes of JSON."""
    endpoint, user = rng.choice(_ENDPOINTS), rng.randrange(USERS)
    line = {
        "level": rng.choices(("debug", "info", "warn", "error"), (20, 70, 7, 3))[0],
        "message": f"{endpoint} answered {rng.choice((200, 200, 200, 404, 500))} for contact {rng.randrange(10**6)}",
        "template": "{endpoint} answered {status} for contact {contact}",
        "logger": rng.choice(("http.access", "crm.contacts", "crm.deals")),
        "endpoint": endpoint,
        "method": "GET",
        "statusCode": 200,
        "durationMs": round(rng.expovariate(1 / 40), 2),
        "userId": f"user-{user}",
        "sessionId": hashlib.md5(f"{user}-{place // 5000}".encode()).hexdigest(),
        "traceId": hashlib.md5(f"{place // 4}".encode()).hexdigest(),
        "release": "crm@2.4.1",
        "attributes": {"host": f"web-{rng.randrange(4)}", "region": "eu-west-1", "attempt": 1},
    }
    return line if place % 3 else {**line, "activityId": f"run-{place // 50}"}


def stored_lines(count: int) -> Iterator[Line]:
    """The lines as they are stored."""
    rng, batch = random.Random(1), bson.ObjectId().binary
    for place in range(count):
        created_on = BEGIN + timedelta(milliseconds=40 * place)
        ref_id = ref_id_of(int(created_on.timestamp() * 1000), str(place))
        yield {
            "_id": ref_id,
            "refId": ref_id,
            "tenantId": f"tenant-{rng.randrange(TENANTS)}",
            "createdBy": "crm.backend",
            "createdOn": created_on,
            **sent_line(place, rng),
            "batch": batch,
            "expiresOn": created_on + timedelta(days=30),
        }


class Form:
    """A way to store lines: its collection, its indexes, and how a line becomes documents."""

    name = "plain, declared indexes"

    def __init__(self, database: Database[Line], number: int) -> None:
        self.collection = self.create(database, f"form_{number}").with_options(write_concern=DURABLE)
        self.seconds: list[float] = []

    def create(self, database: Database[Line], name: str) -> Any:
        database.create_collection(name)
        database.command({"createIndexes": name, "indexes": self.indexes()})
        return database[name]

    def indexes(self) -> list[Line]:
        return [index.definition() for index in BY_KIND["app"].all_indexes({})]

    def documents(self, lines: list[Line]) -> list[Line]:
        return lines

    def insert(self, lines: list[Line]) -> None:
        documents = self.documents([dict(line) for line in lines])
        began = time.perf_counter()
        self.collection.insert_many(documents, ordered=False)
        self.seconds.append(time.perf_counter() - began)

    def page(self, query: Line) -> int:
        if "level" in query:
            query = {**query, **at_least("error")}
        return len(list(self.collection.find(query, {"_id": 0}).sort(_NEWEST).limit(50)))


class FewIndexes(Form):
    name = "plain, time and expiry only"

    def indexes(self) -> list[Line]:
        return [index for index in super().indexes() if next(iter(index["key"])) in ("tenantId", "expiresOn")][::2]


class Keys(Form):
    """One multikey index over `userId=...` and the like, in place of an index a field."""

    name = "plain, one multikey index"

    def indexes(self) -> list[Line]:
        kept = [index for index in super().indexes() if next(iter(index["key"])) not in _SELECTIVE]
        key = {"tenantId": 1, "keys": 1, "createdOn": -1, "refId": -1}
        return [*kept, {"key": key, "name": "keys"}]

    def documents(self, lines: list[Line]) -> list[Line]:
        return [{**line, "keys": [f"{name}={line[name]}" for name in _SELECTIVE if name in line]} for line in lines]

    def page(self, query: Line) -> int:
        keys = [f"{name}={query[name]}" for name in _SELECTIVE if name in query]
        rest = {name: value for name, value in query.items() if name not in _SELECTIVE}
        return super().page({**rest, "keys": keys[0]} if keys else rest)


class TimeSeries(Form):
    """No unique index, so that the ids of lines would need a collection of their own, which is not measured here."""

    name = "time-series, same indexes"

    def create(self, database: Database[Line], name: str) -> Any:
        options = {"timeField": "createdOn", "metaField": "tenantId", "granularity": "seconds"}
        database.create_collection(name, timeseries=options, expireAfterSeconds=30 * 86_400)
        for field in (None, *_SELECTIVE):
            keys = {**({field: 1} if field else {}), "tenantId": 1, "createdOn": -1}
            database.command({"createIndexes": name, "indexes": [{"key": keys, "name": str(field)}]})
        return database[name]


class Buckets(Form):
    """A document for up to 250 lines of a tenant; the ids of its lines make a unique multikey index."""

    name = f"buckets of {BUCKET} lines"

    def indexes(self) -> list[Line]:
        fields = ("lines.refId", *(f"lines.{name}" for name in _SELECTIVE))
        keys = [{field: 1, "tenantId": 1, "to": -1} for field in fields]
        keys += [{"tenantId": 1, "to": -1}, {"expiresOn": 1}]
        return [{"key": key, "name": "_".join(key), "unique": at == 0} for at, key in enumerate(keys)]

    def documents(self, lines: list[Line]) -> list[Line]:
        by_tenant: dict[str, list[Line]] = {}
        for line in lines:
            own = {name: line.pop(name) for name in ("_id", "tenantId", "batch", "expiresOn")}
            by_tenant.setdefault(own["tenantId"], []).append(line)
        return [
            {
                "tenantId": tenant,
                "from": some[0]["createdOn"],
                "to": some[-1]["createdOn"],
                "expiresOn": some[-1]["createdOn"] + timedelta(days=30),
                "lines": list(some),
            }
            for tenant, found in by_tenant.items()
            for some in batched(found, BUCKET, strict=False)
        ]

    def page(self, query: Line) -> int:
        inner = {f"lines.{name}": value for name, value in query.items() if name not in ("tenantId", "createdOn")}
        pipeline = [
            {"$match": {"tenantId": query["tenantId"], "to": {"$gte": BEGIN}, **inner}},
            {"$sort": {"to": -1}},
            {"$limit": 60},
            {"$unwind": "$lines"},
            {"$match": inner},
            {"$sort": {"lines.createdOn": -1, "lines.refId": -1}},
            {"$limit": 50},
        ]
        return len(list(self.collection.aggregate(pipeline)))


FORMS = (Form, FewIndexes, Keys, TimeSeries, Buckets)


def bench_forms(database: Database[Line], count: int) -> None:
    """Prints a line a form."""
    forms = [form(database, number) for number, form in enumerate(FORMS)]
    sample = list(stored_lines(2000))
    own = [sent_line(place, random.Random(place)) | {"createdOn": to_rfc3339(BEGIN)} for place in range(2000)]
    as_json, as_bson = sum(map(len, map(orjson.dumps, own))) / 2000, sum(map(len, map(bson.encode, sample))) / 2000
    print(f"a line as JSON {as_json:.0f} bytes, as the BSON that is stored {as_bson:.0f} bytes; {count:,} lines")
    for number, batch in enumerate(batched(stored_lines(count), BATCH, strict=False)):
        for form in forms[number % len(forms) :] + forms[: number % len(forms)]:
            form.insert(list(batch))
    database.client.admin.command({"fsync": 1})
    tenant = {"tenantId": "tenant-1", "createdOn": {"$gte": BEGIN}}
    queries = {
        "newest": tenant,
        "user": {**tenant, "userId": "user-17"},
        "errors": {**tenant, "level": {"$in": ["error", "fatal"]}},
        "trace": {**tenant, "traceId": hashlib.md5(b"17").hexdigest()},
        "user, endpoint": {**tenant, "userId": "user-17", "endpoint": _ENDPOINTS[1]},
    }
    print(
        f"{'form':<30}{'lines/s':>9}{'data':>7}{'indexes':>9}  bytes a line; median page of 50 in ms: {list(queries)}"
    )
    for form in forms:
        stats = _sizes(database, form.collection.name)
        data, indexes = stats[0] / count, stats[1] / count
        pages = "  ".join(f"{1000 * _median_seconds(form, query):8.2f}" for query in queries.values())
        print(f"{form.name:<30}{BATCH / median(form.seconds):>9,.0f}{data:>7.0f}{indexes:>9.0f}  {pages}")


def _sizes(database: Database[Line], name: str) -> tuple[int, int]:
    stats = database.command({"collStats": name})
    return stats["storageSize"], stats["totalIndexSize"]


def _median_seconds(form: Form, query: Line) -> float:
    took = []
    for _ in range(31):
        began = time.perf_counter()
        form.page(query)
        took.append(time.perf_counter() - began)
    return median(took)


def bench_sequence(stage: Stage, rounds: int = 300) -> None:
    """Milliseconds to number a batch, alone and with eight writers of the same tenant."""
    database = stage.database
    heads, numbered = (database.get_collection(name, write_concern=DURABLE) for name in ("heads", "numbered"))
    numbered.create_index([("tenantId", 1), ("first", 1)], unique=True)

    def in_transaction(_: int) -> None:
        def work(session: Any) -> None:
            head = heads.find_one_and_update(
                {"_id": "acme"},
                {"$inc": {"next": 5}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            numbered.insert_one({"tenantId": "acme", "first": head["next"] - 5, "count": 5}, session=session)

        with database.client.start_session() as session:
            session.with_transaction(work, write_concern=DURABLE)

    sequences = [LogSequence(database, LogStore(database)) for _ in range(8)]  # a process each

    def compare_and_set(place: int) -> None:
        batch = sequences[place % 8].new("acme", KINDS_BY_NAME["app"])
        sequences[place % 8].begin([batch])
        sequences[place % 8].number({batch: 5})

    for name, work in (("transaction", in_transaction), ("begin, compare-and-set", compare_and_set)):
        for writers in (1, 8):
            print(f"{name:<24}{writers} writers: {_per_batch(work, writers, rounds):6.2f} ms a batch")


def _per_batch(work: Callable[[int], None], writers: int, rounds: int) -> float:
    places = [place - place % 8 for place in range(rounds)] if writers == 1 else list(range(rounds))
    work(0)
    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(work, places))
    return 1000 * (time.perf_counter() - began) / rounds


if __name__ == "__main__":
    with stage() as database:
        bench_sequence(database)
        bench_forms(database.database, int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
