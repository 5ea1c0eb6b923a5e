"""Which index serves which search: the server is asked what it reads."""

import random
from datetime import timedelta

import pytest

from chancery.core.formats.identifiers import ref_id_of
from chancery.logs.collections import BY_KIND
from chancery.logs.kinds import KINDS
from chancery.logs.queries import at_least
from tests.builders import NOON

NEWEST = [("createdOn", -1), ("refId", -1)]
LINES = 3000


@pytest.fixture
def filled(connect):
    """Lines of two tenants, one a second, in the collection of the kind app."""
    rng = random.Random(7)
    collection = connect("admin").app_logs
    lines = []
    for place in range(LINES):
        ref_id = ref_id_of(place, str(place))
        lines.append(
            {
                "_id": ref_id,
                "refId": ref_id,
                "tenantId": rng.choice(("acme", "globex")),
                "createdBy": "crm",
                "createdOn": NOON + timedelta(seconds=place),
                "level": rng.choices(("debug", "info", "warn", "error", "fatal"), (30, 60, 6, 3, 1))[0],
                "message": f"line {place}",
                "userId": f"user-{rng.randrange(100)}",
                "sessionId": f"session-{rng.randrange(300)}",
                "activityId": f"run-{rng.randrange(300)}",
                "traceId": f"trace-{rng.randrange(1000)}",
                "endpoint": rng.choice(("/a", "/b")),
                "logger": rng.choice(("http", "crm")),
                "batch": b"0" * 12,
                "expiresOn": NOON + timedelta(days=30),
            }
        )
    collection.insert_many(lines)
    return collection


def examined(collection, query):
    """Keys and documents that the server reads for a page, and whether it sorts in memory."""
    plan = collection.find(query).sort(NEWEST).limit(50).explain()
    statistics = plan["executionStats"]
    assert "'SORT'" not in str(plan["queryPlanner"]["winningPlan"])
    return statistics["totalKeysExamined"], statistics["totalDocsExamined"]


@pytest.mark.parametrize("field", ["userId", "activityId", "traceId"])
@pytest.mark.parametrize("other", [{}, {"endpoint": "/a"}, {"logger": "crm"}, at_least("error")])
def test_a_selective_field_is_served_by_its_index_with_any_other_filter(filled, field, other):
    value = filled.find_one({"tenantId": "acme"})[field]
    in_time = {"tenantId": "acme", "createdOn": {"$gte": NOON, "$lte": NOON + timedelta(days=1)}}
    matching = filled.count_documents({field: value})

    _, documents = examined(filled, {**in_time, field: value, **other})

    assert documents <= matching


@pytest.mark.parametrize("level", ["warn", "error", "fatal"])
def test_severe_levels_are_served_by_an_index_that_has_no_other_lines(filled, level):
    _, documents = examined(filled, {"tenantId": "acme", "createdOn": {"$gte": NOON}, **at_least(level)})

    assert documents <= 50
    assert filled.count_documents(at_least(level)) > 20


@pytest.mark.parametrize("query", [{}, at_least("info"), {"endpoint": "/a"}, {"logger": "crm"}])
def test_other_filters_read_the_tenants_lines_by_time_and_no_more_than_are_in_it(filled, query):
    hour = {
        "tenantId": "acme",
        "createdOn": {"$gte": NOON + timedelta(minutes=10), "$lt": NOON + timedelta(minutes=15)},
    }

    keys, documents = examined(filled, {**hour, **query})

    assert documents <= keys <= filled.count_documents(hour)


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
    assert len(names) <= 8
