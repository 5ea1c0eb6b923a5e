"""Archived partitions: one, and the list."""

import pytest

from chancery.archive.month_selection import Month, last_due
from chancery.core.formats.times import now
from tests.integration.archive.planning import stored
from tests.integration.archive.routes.conftest import RUNS, UNKNOWN, audited


def test_a_partition_is_returned_whole_and_the_read_is_audited_in_its_tenant(send, get, months, bus):
    (part,) = months.store.of_month("globex", str(last_due(now(), 24)))

    status, answer, _ = get(f"/v1/archives/{part['refId']}")

    assert status == 200
    assert answer == {
        "id": part["refId"],
        "tenantId": "globex",
        "month": part["month"],
        "supplement": 0,
        "state": "pending",
        "runId": part["runId"],
        "recordedFrom": None,
        "recordedTo": part["recordedTo"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "storageClass": "GLACIER",
        "key": f"archives/tenant-globex/{part['month']}/000.ndjson.zst",
        "records": 0,
        "rawBytes": 0,
        "bytes": 0,
        "seconds": 0.0,
        "createdOn": answer["createdOn"],
        "updatedOn": answer["updatedOn"],
        "progress": {"parts": 0, "records": 0, "rawBytes": 0, "bytes": 0},
        **dict.fromkeys(("first", "last", "manifestSha256", "cost", "restore", "error", "log")),
    }
    assert audited(bus) == [("archive.viewed", part["refId"], "globex")]
    crossed = [event for event in bus.of("Record Audit Event") if event["action"] == "tenant.crossed"]
    assert [(event["tenantId"], event["resourceId"]) for event in crossed] == [("globex", "globex")]


def test_an_unknown_archive_or_run_is_404_and_another_tenants_too(send, get, months, bus):
    part = months.store.of_month("globex", str(last_due(now(), 24)))[0]["refId"]

    assert get(f"/v1/archives/{UNKNOWN}")[0] == 404
    assert get(f"{RUNS}/{UNKNOWN}")[0] == 404
    assert send("GET", f"/v1/archives/{part}", headers={"X-Tenant-Id": "acme"})[0] == 404
    assert send("GET", f"/v1/archives/{part}", headers={"X-Tenant-Id": "globex"})[0] == 200
    assert [action for action, *_ in audited(bus)] == ["archive.viewed"]


@pytest.mark.parametrize("limit", [1, 2, 4, 15, 500])
def test_the_list_is_newest_month_first_and_its_pages_join(get, months, limit):
    items, cursor = [], None
    while True:
        status, page, _ = get("/v1/archives", limit=limit, **({"cursor": cursor} if cursor else {}))
        assert status == 200
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            break

    found = [(item["month"], item["id"]) for item in items]
    assert found == sorted(found, reverse=True)
    assert sorted(item["id"] for item in items) == sorted(part["refId"] for part in months.partitions())
    assert len(items) == 15
    assert not any("log" in item or "uploadId" in item for item in items)


def test_new_partitions_between_two_pages_repeat_and_skip_nothing(get, months, connect):
    first = get("/v1/archives", limit=7)[1]
    before = {part["refId"] for part in months.partitions()}
    stored(connect("writer"), *(last_due(now(), 24).plus(-back).start for back in range(6)), tenant="newcomer")
    months.run()

    rest = get("/v1/archives", limit=500, cursor=first["nextCursor"])[1]

    seen = [item["id"] for item in first["items"] + rest["items"]]
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_the_list_is_narrowed_by_tenant_month_and_state(get, months, bus):
    newest = str(last_due(now(), 24))
    months.store.advance(months.store.of_month("acme", newest)[0], state="failed", error="S3 was away")

    def found(**query):
        return [(it["tenantId"], it["month"], it["state"]) for it in get("/v1/archives", **query)[1]["items"]]

    assert found(tenantId="acme") == [
        ("acme", newest, "failed"),
        ("acme", str(Month.parse(newest).plus(-1)), "pending"),
    ]
    assert found(tenantId="null") == [(None, newest, "pending")]
    assert {tenant for tenant, *_ in found(month=newest)} == {None, "acme", "globex", "initech", "umbrella"}
    assert found(state="failed") == found(state="failed", month=newest, tenantId="acme") == [("acme", newest, "failed")]
    assert found(state="archived") == found(tenantId="nobody") == []
    last = [event for event in bus.of("Record Audit Event") if event["action"] == "archive.listed"][-1]
    assert (last["tenantId"], last["metadata"], last["actorId"]) == ("nobody", {"filters": []}, "super_admin-1")


def test_a_tenant_header_narrows_as_elsewhere(send, months):
    listed = send("GET", "/v1/archives", headers={"X-Tenant-Id": "acme"})[1]["items"]

    assert {item["tenantId"] for item in listed} == {"acme"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "0"}, "/limit"),
        ({"limit": "501"}, "/limit"),
        ({"limit": "x"}, "/limit"),
        ({"month": "2024-13"}, "/month"),
        ({"month": "2024-1"}, "/month"),
        ({"month": "0000-01"}, "/month"),
        ({"state": "lost"}, "/state"),
        ({"cursor": "damaged!"}, "/cursor"),
        ({"tenantid": "acme"}, "/tenantid"),
        ({"tenantId": ""}, "/tenantId"),
    ],
)
def test_a_wrong_parameter_is_422_and_named(send, query, pointer):
    status, problem, _ = send("GET", "/v1/archives", query=query)

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])


def test_a_cursor_is_of_use_for_its_own_list_only(get, months):
    cursor = get("/v1/archives", limit=1)[1]["nextCursor"]

    for path, query in (("/v1/archives", {"tenantId": "acme"}), ("/v1/archives", {"state": "pending"}), (RUNS, {})):
        assert get(path, cursor=cursor, **query)[0] == 422
