"""The restored set through the API: the filters and the isolation of the live set."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chancery.audit.collections import LIST_FIELDS
from chancery.audit.restored_records import RestoredSet
from chancery.core.mongo.client import DatabaseFailure
from tests.builders import http, ids, principal, record, writer

DAY = datetime(2024, 2, 1, tzinfo=UTC)
PARTITION, OTHER = "01J00000000000000000000000", "01J11111111111111111111111"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def get(call) -> Callable[..., tuple[int, Any]]:
    def send(path: str = "/v1/audit-logs", role: str = "user", query: Any = None, **caller: Any) -> tuple[int, Any]:
        request = http("GET", path, caller=principal(role, **caller), query={"source": "restored", **(query or {})})
        return call("read_audit_logs", request, "reader")[:2]

    return send


@pytest.fixture
def restore(connect) -> Callable[..., list[dict[str, Any]]]:
    """Puts records into the restored set, and into the live one."""

    def put(*records: dict[str, Any], until: datetime | None = None, live: bool = False) -> list[dict[str, Any]]:
        if live:
            writer(connect("writer")).insert([dict(one) for one in records])
        plain = [{name: value for name, value in one.items() if name != "_id"} for one in records]
        RestoredSet(connect("archiver")).add(PARTITION, plain, until or TOMORROW)
        return list(records)

    return put


def happened(minutes: int, tenant_id: str | None = "acme", **changes: Any) -> dict[str, Any]:
    moment = DAY + timedelta(minutes=minutes)
    return record(tenant_id, resourceId=f"p{minutes}", createdOn=moment.isoformat(), **changes)


def test_a_search_finds_restored_records_and_no_live_ones(get, restore, connect):
    writer(connect("writer")).insert([record(resourceId="live")])
    restore(*map(happened, range(3)))

    status, answer = get()

    assert (status, ids(answer)) == (200, ["p2", "p1", "p0"])
    assert set(answer["items"][0]) <= set(LIST_FIELDS)
    assert ids(get(query={"source": "live"})[1]) == ["live"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"actorId": "omar"}, [3]),
        ({"action": "invoice.paid"}, [2]),
        ({"action": "invoice.*"}, [2]),
        ({"resourceType": "invoice"}, [2]),
        ({"resourceType": "blog_post", "resourceId": "p1"}, [1]),
        ({"traceId": "t-1"}, [0]),
        ({"from": (DAY + timedelta(minutes=2)).isoformat()}, [3, 2]),
        ({"to": (DAY + timedelta(minutes=1)).isoformat()}, [0]),
        ({"order": "asc"}, [0, 1, 2, 3]),
        ({"q": "omar"}, [3]),
        ({"q": "nobody"}, []),
        ({"actorId": "nobody"}, []),
    ],
)
def test_a_restored_search_has_the_filters_of_the_live_search(get, restore, query, found):
    restore(
        happened(0, traceId="t-1"),
        happened(1),
        happened(2, action="invoice.paid", resourceType="invoice"),
        happened(3, actorId="omar", actorName="Omar", description="Omar approved it"),
    )

    status, answer = get(query=query)

    assert (status, ids(answer)) == (200, [f"p{number}" for number in found])


def test_pages_follow_each_other_and_a_cursor_is_bound_to_its_source(get, restore):
    restore(*(happened(number // 3) for number in range(11)), live=True)
    found, cursor = [], None
    while True:
        page = get(query={"limit": "3"} | ({"cursor": cursor} if cursor else {}))[1]
        found += [(item["createdOn"], item["refId"]) for item in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = page["nextCursor"]

    assert len(found) == 11
    assert found == sorted(found, reverse=True)
    assert get(query={"limit": "3", "cursor": cursor, "source": "live"})[0] == 422
    live = get(query={"limit": "3", "source": "live"})[1]["nextCursor"]
    assert get(query={"limit": "3", "cursor": live, "source": "live"})[0] == 200
    assert get(query={"limit": "3", "cursor": live})[0] == 422


def test_fields_narrow_the_list_and_a_record_is_returned_without_the_fields_of_the_set(get, restore):
    (restored,) = restore(happened(1))

    assert get(query={"fields": "refId,action"})[1]["items"] == [
        {"refId": restored["refId"], "action": restored["action"]}
    ]
    whole = get(f"/v1/audit-logs/{restored['refId']}")[1]
    assert set(whole) == set(restored) - {"_id"}
    assert set(whole["salts"]) == set(restored["salts"])


def test_another_tenants_records_are_not_there(get, restore):
    (theirs,) = restore(happened(1, "globex"))

    assert get()[1]["items"] == []
    assert get(f"/v1/audit-logs/{theirs['refId']}")[0] == 404
    assert get(query={"tenantId": "globex"})[0] == 404
    assert len(get(tenants=("globex",))[1]["items"]) == 1


def test_an_administrator_sees_every_tenant_and_the_platform(get, restore, bus):
    platform, acme = restore(happened(1, None), happened(2))

    assert len(get(role="super_admin", tenants=())[1]["items"]) == 2
    assert ids(get(role="super_admin", tenants=(), query={"tenantId": "null"})[1]) == ["p1"]
    for one in (platform, acme):
        assert get(f"/v1/audit-logs/{one['refId']}", "super_admin", tenants=())[0] == 200
    assert "tenant.crossed" in {event["action"] for event in bus.of("Record Audit Event")}


def test_an_auditors_read_is_audited_with_its_source(get, restore, bus):
    (restored,) = restore(happened(1))

    get(role="auditor")
    get(f"/v1/audit-logs/{restored['refId']}", "auditor")
    get(role="auditor", query={"source": "live"})

    assert [(event["action"], event["metadata"]) for event in bus.of("Record Audit Event")] == [
        ("audit_log.searched", {"filters": [], "source": "restored"}),
        ("audit_log.viewed", {"source": "restored"}),
        ("audit_log.searched", {"filters": []}),
    ]


def test_expired_and_partly_loaded_records_are_not_found(get, restore, connect):
    gone, loading = restore(happened(1), until=datetime.now(UTC) - timedelta(seconds=1)), happened(2)
    restored = RestoredSet(connect("archiver"))
    restored.mark_incomplete("acme", OTHER, TOMORROW)
    restored.add(OTHER, [loading], TOMORROW)

    assert get()[1]["items"] == []
    for one in (*gone, loading):
        assert get(f"/v1/audit-logs/{one['refId']}")[0] == 404
    restored.mark_complete("acme", OTHER)
    assert ids(get()[1]) == ["p2"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({"source": "elsewhere"}, "/source"), ({"limit": "0"}, "/limit")],
)
def test_invalid_parameters_of_a_restored_search_are_422(get, query, pointer):
    status, problem = get(query=query)

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_mongodb_deletes_expired_records(connect):
    (sweep,) = [index for index in connect("admin").restored_audit_logs.list_indexes() if "expireAfterSeconds" in index]

    assert (dict(sweep["key"]), sweep["expireAfterSeconds"]) == ({"expiresOn": 1}, 0)


def test_a_record_that_is_there_already_is_written_anew_and_stays_as_long_as_the_others(restore, connect):
    (restored,) = restore(happened(1), until=datetime.now(UTC))
    connect("archiver").restored_audit_logs.update_one({}, {"$set": {"actorId": "somebody-else", "actorName": "X"}})
    plain = {name: value for name, value in restored.items() if name != "_id"}

    RestoredSet(connect("archiver")).add(OTHER, [plain, happened(2)], TOMORROW)

    found = {item["refId"]: item for item in connect("reader").restored_audit_logs.find({}, {"_id": 0})}
    assert len(found) == 2
    assert {item["partitionId"] for item in found.values()} == {OTHER}
    assert min(item.pop("expiresOn") for item in found.values()) > datetime.now(UTC) + timedelta(hours=23)
    assert {name: value for name, value in found[restored["refId"]].items() if name != "partitionId"} == plain


def test_a_refusal_by_the_validator_is_an_error_that_quotes_nothing(restore):
    with pytest.raises(DatabaseFailure, match=r"code 121") as refused:
        restore(happened(1) | {"digest": "short"})

    assert "Sarah" not in str(refused.value)


def test_a_record_that_mongodb_sweeps_meanwhile_is_loaded_again(restore, connect, monkeypatch):
    (restored,) = restore(happened(1))
    plain = {name: value for name, value in restored.items() if name != "_id"}
    write = RestoredSet._write

    def late(self: RestoredSet, operations: Any) -> list[int]:
        known = write(self, operations)
        if known:
            connect("admin").restored_audit_logs.delete_many({})
        return known

    monkeypatch.setattr(RestoredSet, "_write", late)
    RestoredSet(connect("archiver")).add(OTHER, [plain, happened(2)], TOMORROW)

    assert connect("reader").restored_audit_logs.count_documents({}) == 1  # the one that was swept, again
