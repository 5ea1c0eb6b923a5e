"""Which index serves which search: the server is asked what it reads for each combination of filters."""

import random
from datetime import timedelta
from itertools import combinations

import pytest

from chancery.core.formats.identifiers import ref_id_of
from chancery.core.formats.times import now
from chancery.integrations.exchanges.search import ExchangeSearch

NEWEST = [("createdOn", -1), ("refId", -1)]
EXCHANGES, LIMIT = 3000, 20
FILTERS = {
    "system_code": "sap",
    "endpoint_code": "orders",
    "status": "FAILED",
    "is_success": False,
    "entity_id": "po-7",
    "correlation_id": "c-7",
    "trace_id": "7" * 32,
    "user_id": "user-7",
}
SELECTIVE = {"entity_id", "correlation_id", "trace_id", "user_id"}


@pytest.fixture
def filled(connect):
    """Exchanges of two tenants, one a second, of which one in twenty has failed."""
    rng, start = random.Random(3), now() - timedelta(seconds=EXCHANGES)
    collection = connect("admin").integration_logs
    documents = []
    for place in range(EXCHANGES):
        failed = rng.random() < 0.05
        moment = start + timedelta(seconds=place)
        documents.append(
            {
                "refId": ref_id_of(place, str(place)),
                "requestId": f"r-{place}",
                "tenantId": rng.choice(("acme", "globex")),
                "createdBy": "crm",
                "createdOn": moment,
                "startedAt": moment,
                "version": 1,
                "systemCode": rng.choice(("sap", "crm", "erp", "wms")),
                "endpointCode": rng.choice(("orders", "stock")),
                "status": rng.choice(("FAILED", "TIMEOUT")) if failed else "SUCCESS",
                "isSuccess": not failed,
                "context": {"entityId": f"po-{rng.randrange(300)}"},
                "actor": {"userId": f"user-{rng.randrange(300)}"},
                "correlationId": f"c-{rng.randrange(300)}",
                "traceId": str(rng.randrange(10)) * 32,
            }
        )
    collection.insert_many(documents)
    return collection


def combined():
    """Every combination of filters that a search may have."""
    for number in range(len(FILTERS) + 1):
        for names in combinations(FILTERS, number):
            if "endpoint_code" not in names or "system_code" in names:
                yield {name: FILTERS[name] for name in names}


def test_no_combination_of_filters_reads_more_than_its_best_index_has(filled):
    failed = filled.count_documents({"tenantId": "acme", "isSuccess": False})
    checked = 0
    for given in combined():
        query = {"tenantId": "acme", **ExchangeSearch(**given).filters(now(), every_tenant=False)}
        plan = filled.find(query).sort(NEWEST).limit(LIMIT).explain()
        statistics, winner = plan["executionStats"], str(plan["queryPlanner"]["winningPlan"])

        assert "COLLSCAN" not in winner, given
        bound = LIMIT
        if SELECTIVE & given.keys():
            first = [name for name in ("entity_id", "correlation_id", "trace_id", "user_id") if name in given]
            fields = {"entity_id": "context.entityId", "correlation_id": "correlationId"}
            fields |= {"trace_id": "traceId", "user_id": "actor.userId"}
            bound = max(filled.count_documents({fields[name]: given[name]}) for name in first)
        elif {"status", "is_success"} & given.keys():
            bound = failed
        assert statistics["totalDocsExamined"] <= bound, (given, statistics["totalDocsExamined"], bound)
        checked += 1
    assert checked == 192


@pytest.mark.parametrize("given", [{}, {"system_code": "sap"}, {"is_success": False}, {"entity_id": "po-7"}], ids=str)
def test_a_search_in_every_tenant_is_served_by_an_index_or_bound_in_time(filled, given):
    query = ExchangeSearch(**given).filters(now(), every_tenant=True)
    winner = str(filled.find(query).sort(NEWEST).limit(LIMIT).explain()["queryPlanner"]["winningPlan"])

    assert "COLLSCAN" not in winner
    assert ("createdOn" in query) == (not SELECTIVE & given.keys())


def test_work_that_remains_is_found_without_reading_the_rest(filled):
    moment = now()
    first = [document["_id"] for document in filled.find({}, {"_id": 1}).limit(5)]
    filled.update_many({"_id": {"$in": first}}, {"$set": {"uncounted": moment, "unpublished": moment}})
    filled.update_many({"_id": {"$in": first}}, {"$set": {"status": "PENDING", "deadline": moment}})

    queries = [
        ({"uncounted": {"$exists": True}}, "uncounted"),
        ({"unpublished": {"$exists": True}}, "unpublished"),
        ({"status": "PENDING", "deadline": {"$lt": moment + timedelta(days=1)}}, "deadline"),
    ]
    for query, order in queries:
        statistics = filled.find(query).sort(order, 1).limit(250).explain()["executionStats"]
        assert (statistics["totalDocsExamined"], statistics["nReturned"]) == (5, 5), order


def test_the_views_read_what_they_show(filled):
    database = filled.database
    explained = database.command(
        {"explain": {"find": "v_failed_requests_24h", "filter": {"tenantId": "acme"}}, "verbosity": "executionStats"}
    )
    failed = filled.count_documents({"tenantId": "acme", "isSuccess": False})

    assert "COLLSCAN" not in str(explained)
    examined = [int(value) for value in _values(explained, "totalDocsExamined")]
    assert max(examined) <= failed


def _values(document, name):
    if isinstance(document, dict):
        for key, value in document.items():
            if key == name:
                yield value
            yield from _values(value, name)
    elif isinstance(document, list):
        for item in document:
            yield from _values(item, name)
