"""`after=<refId>`: records in the order they were stored, whenever they happened."""

import json

import pytest

from chancery.audit.ingest import RecordBuilder
from tests.builders import at, built, event, ids

BEGINNING = "0" * 26


def in_turn(number: int, tenant_id: str | None = "acme", **changes):
    """The record that was the so-and-so-many-eth to be stored."""
    builder = RecordBuilder(new_id=lambda: f"01K00000000000000000000{number:03d}")
    return built(event(resourceId=f"p{number}", **changes), tenant_id, builder)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("filters", [{}, {"actorId": "a"}, {"action": "blog_post.approved"}, {"traceId": "t"}])
def test_records_stored_after_another_are_read_by_an_index(connect, filters, direction):
    query = {"tenantId": "acme", **filters, "refId": {"$gt": BEGINNING}}

    explained = connect("admin").audit_logs.find(query).sort([("refId", direction)]).limit(51).explain()

    plan = json.dumps(explained["queryPlanner"]["winningPlan"], default=str)
    assert "IXSCAN" in plan
    assert '"COLLSCAN"' not in plan
    if not filters:
        assert '"tenantId_1_refId_1"' in plan
        assert '"SORT"' not in plan


def test_records_after_another_are_in_the_order_of_storage_and_not_of_time(get, store):
    first, *_ = store(*[in_turn(n, createdOn=at(moment)) for n, moment in enumerate((5, 900, 1, 7))])
    store(in_turn(8, "globex"), in_turn(9, None))

    def after(ref_id, **query):
        return ids(get("/v1/audit-logs", query={"after": ref_id, **query})[1])

    assert after(BEGINNING) == ["p0", "p1", "p2", "p3"]
    assert after(first["refId"]) == ["p1", "p2", "p3"]
    assert after(BEGINNING, order="desc", limit="1") == ["p3"]
    assert after(first["refId"], **{"from": at(6), "actorId": "user-1"}) == ["p1", "p3"]
    assert after(first["refId"], action="invoice.*") == []
    assert after("7ZZZZZZZZZZZZZZZZZZZZZZZZZ") == []


@pytest.mark.parametrize("order", ["asc", "desc", None])
def test_pages_after_a_record_follow_each_other_without_gap_or_repeat(get, store, order):
    stored = store(*[in_turn(n, createdOn=at(-n % 7)) for n in range(23)])
    found, query = [], {"limit": "5", "after": stored[2]["refId"]} | ({"order": order} if order else {})
    while True:
        answer = get("/v1/audit-logs", query=query)[1]
        found += ids(answer)
        if answer["nextCursor"] is None:
            break
        query["cursor"] = answer["nextCursor"]

    expected = [f"p{n}" for n in range(3, 23)]
    assert found == (expected[::-1] if order == "desc" else expected)
    elsewhere = {**query, "after": stored[3]["refId"]}
    assert get("/v1/audit-logs", query=elsewhere)[0] == 422


def test_another_tenants_refid_is_a_place_in_time_and_shows_nothing_of_it(get, store):
    (theirs,) = store(in_turn(1, "globex"))
    store(in_turn(2))

    assert ids(get("/v1/audit-logs", query={"after": theirs["refId"]})[1]) == ["p2"]
    assert get("/v1/audit-logs", query={"after": theirs["refId"], "tenantId": "globex"})[0] == 404
    cursor = get("/v1/audit-logs", query={"after": BEGINNING, "limit": "1"}, tenants=("globex",))[1]["nextCursor"]
    assert cursor is None
    store(in_turn(3, "globex"))
    cursor = get("/v1/audit-logs", query={"after": BEGINNING, "limit": "1"}, tenants=("globex",))[1]["nextCursor"]
    assert get("/v1/audit-logs", query={"after": BEGINNING, "limit": "1", "cursor": cursor})[0] == 422


def test_an_admin_follows_one_tenant_or_the_platform_but_not_all_at_once(get, store):
    store(in_turn(1, "globex"), in_turn(2, None), in_turn(3))

    def after(**query):
        return get("/v1/audit-logs", "super_admin", query={"after": BEGINNING, **query}, tenants=())

    assert ids(after(tenantId="globex")[1]) == ["p1"]
    assert ids(after(tenantId="null")[1]) == ["p2"]
    status, problem, _ = after()
    assert (status, problem["errors"][0]["pointer"]) == (422, "/after")
    assert "add tenantId" in problem["errors"][0]["detail"]
