"""Which index serves which search and aggregate: the server's profiler is asked what it reads."""

import random
from datetime import timedelta
from itertools import combinations

import pytest

from chancery.core.formats.identifiers import ref_id_of
from chancery.core.formats.times import now, to_rfc3339
from chancery.logs import aggregate, search
from chancery.logs.collections import BY_KIND
from chancery.logs.kinds import KINDS
from chancery.logs.queries import SEVERE, at_least, sample_rate
from tests.builders import http, principal

LINES, BOUND = 3000, 400
SELECTIVE = ("traceId", "userId", "activityId", "fingerprint")
OTHERS = ("sessionId", "endpoint", "logger")


@pytest.fixture
def filled(connect):
    """Lines of two tenants, one a second, in the collection of the kind app."""
    rng, begin = random.Random(7), now() - timedelta(hours=2)
    collection, lines = connect("admin").app_logs, []
    for place in range(LINES):
        ref_id = ref_id_of(place, str(place))
        line = {
            "_id": ref_id,
            "refId": ref_id,
            "tenantId": rng.choice(("acme", "acme", "globex")),
            "createdBy": "crm",
            "createdOn": begin + timedelta(seconds=place),
            "level": rng.choices(("debug", "info", "warn", "error", "fatal"), (30, 60, 6, 3, 1))[0],
            "message": f"line {place}",
            "userId": f"user-{rng.randrange(100)}",
            "sessionId": f"session-{rng.randrange(300)}",
            "activityId": f"run-{rng.randrange(300)}",
            "traceId": f"trace-{rng.randrange(1000)}",
            "endpoint": rng.choice(("/a", "/b")),
            "logger": rng.choice(("http", "crm")),
            "batch": b"0" * 12,
            "expiresOn": begin + timedelta(days=30),
        }
        if line["level"] in ("error", "fatal"):
            line["fingerprint"] = f"f-{rng.randrange(8)}"
        if rate := sample_rate(ref_id):
            line["sample"] = rate
        lines.append(line)
    collection.insert_many(lines)
    return collection


@pytest.fixture
def read(filled, call, monkeypatch):
    """Returns what a request to `read_logs` reads: the profiler's entry of each command."""
    monkeypatch.setattr(search, "SCAN_STEPS", (50, 100, BOUND - 150))
    monkeypatch.setattr(aggregate, "MOST_READ", BOUND)
    database = filled.database

    def send(query, path="app"):
        database.command("profile", 0)
        database["system.profile"].drop()
        database.command("profile", 2)
        status, body, _ = call("read_logs", http("GET", f"/v1/logs/{path}", caller=principal(), query=query), "reader")
        assert status == 200
        return body, list(database["system.profile"].find({"ns": filled.full_name}).sort("$natural"))

    yield send
    database.command("profile", 0)
    database["system.profile"].drop()


def every_combination(line, most):
    """Every combination of up to so many filters that the line fulfils."""
    values = [(name, line[name]) for name in (*SELECTIVE, *OTHERS)]
    values += [("level", "error"), ("level", "info"), ("q", "line")]
    for count in range(1, most + 1):
        for some in combinations(values, count):
            if len(dict(some)) == count:
                yield dict(some)


def test_no_combination_of_filters_reads_more_lines_than_an_index_finds_or_a_scan_may(filled, read):
    line = filled.find_one({"tenantId": "acme", "level": "error"})
    found_by = {name: filled.count_documents({"tenantId": "acme", name: line[name]}) for name in SELECTIVE}
    severe = filled.count_documents({"tenantId": "acme", **at_least("error")})

    for filters in every_combination(line, 3):
        body, commands = read({**filters, "limit": "500"})
        if body["nextCursor"]:
            commands = read({**filters, "limit": "500", "cursor": body["nextCursor"]})[1]

        bounds = [found_by[name] for name in SELECTIVE if name in filters]
        bounds += [severe] if filters.get("level") in SEVERE else []
        keys, documents = (sum(command[name] for command in commands) for name in ("keysExamined", "docsExamined"))
        assert documents <= (max(bounds) if bounds else BOUND + 3), (filters, commands[-1]["planSummary"])
        assert keys <= (severe + max(bounds) if bounds else 2 * BOUND + 12), filters  # four more a step
        assert not any(command.get("hasSortStage") for command in commands), filters
        assert body["items"] or body["nextCursor"]


@pytest.mark.parametrize("group_by", ["fingerprint", "endpoint", "user", "level", "logger", "minute", "hour", "day"])
def test_no_aggregate_reads_more_lines_than_it_may(filled, read, group_by):
    line = filled.find_one({"tenantId": "acme", "level": "error"})

    for filters in ({}, *every_combination(line, 2)):
        body, commands = read({"groupBy": group_by, **filters}, "app/aggregate")

        aggregated = commands[-1]
        assert aggregated["docsExamined"] <= BOUND, (filters, aggregated["planSummary"])
        assert all(command["keysExamined"] <= BOUND + 1 for command in commands), filters
        if body["sampledOneIn"] > 1 and "q" not in filters and "traceId" not in filters:
            assert aggregated["docsExamined"] == 0, filters


@pytest.mark.parametrize("level", ["warn", "error", "fatal"])
def test_severe_levels_are_served_by_an_index_that_has_no_other_lines(filled, read, level):
    body, (command,) = read({"level": level, "limit": "50"})

    assert command["docsExamined"] <= 51
    assert len(body["items"]) == min(50, filled.count_documents({"tenantId": "acme", **at_least(level)}))


def test_all_lines_of_a_time_are_read_in_order_of_time_and_no_more_than_are_in_it(filled, read):
    first = filled.find_one({}, sort=[("createdOn", 1)])["createdOn"]
    hour = {"from": to_rfc3339(first + timedelta(minutes=10)), "to": to_rfc3339(first + timedelta(minutes=11))}

    body, (command,) = read({**hour, "limit": "500"})

    assert command["docsExamined"] == command["keysExamined"] == len(body["items"]) <= 60


def test_what_at_least_finds_is_the_level_and_all_above_it(filled):
    severity = ["trace", "debug", "info", "warn", "error", "fatal"]
    for at, level in enumerate(severity):
        found = filled.distinct("level", at_least(level))
        assert set(found) == set(filled.distinct("level")) & set(severity[at:])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_the_same_few_indexes(connect, kind):
    names = {index["name"] for index in connect("admin")[BY_KIND[kind.name].name].list_indexes()}

    assert {"_id_", "expiresOn_1", "tenantId_1_createdOn_-1_refId_-1"} <= names
    assert "traceId_1_tenantId_1_createdOn_-1_refId_-1" in names  # a trace is looked for without a time
    assert len(names) <= 9
