"""Runs: started, read, listed, and invalid requests."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chancery.archive.month_selection import last_due
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import now
from tests.integration.archive.planning import stored
from tests.integration.archive.routes.conftest import RUNS, STATES, audited


def test_a_run_is_begun_audited_planned_and_followed(post, get, plan, connect, planning, bus, retry_queue):
    stored(connect("writer"), "2023-05-10T12:00:00Z", "2023-06-10T12:00:00Z", tenant="acme")

    status, begun, headers = post({})

    assert (status, begun["state"], headers["Location"]) == (202, "planning", f"../..{RUNS}/{begun['id']}")
    assert audited(bus) == [("archive.run_started", begun["id"], None)]
    assert [json.loads(body) for body in retry_queue.sent] == [{"runId": begun["id"]}]
    plan()
    planning.archive()
    part = planning.partitions()[0]
    planning.store.advance(part, seconds=2.5, rawBytes=70, cost={"writingUsd": 0.0001, "monthlyUsd": 0.000002})

    status, run, _ = get(f"{RUNS}/{begun['id']}")

    assert (status, run["state"], run["trigger"], run["createdBy"]) == (200, "planned", "request", "super_admin-1")
    assert (run["everyTenant"], run["tenantId"], run["month"]) == (True, None, None)
    assert run["partitions"] == dict.fromkeys(STATES, 0) | {"archived": 2, "total": 2}
    assert (run["records"], run["bytes"], run["rawBytes"], run["seconds"]) == (2, 2, 70, 2.5)
    assert run["cost"] == {"writingUsd": 0.0001, "monthlyUsd": 0.000002}
    assert run["dueUntil"] == str(last_due(now(), 24))
    assert get(RUNS)[1]["items"] == [{name: value for name, value in run.items() if name != "progress"}]
    assert [action for action, *_ in audited(bus)] == [
        "archive.run_started",
        "archive.run_viewed",
        "archive.runs_listed",
    ]


def test_a_run_tells_how_far_files_are_that_are_being_written(post, get, plan, connect, planning):
    stored(connect("writer"), "2023-05-10T12:00:00Z")
    run = post({})[1]["id"]
    plan()
    moment = datetime(2023, 5, 10, tzinfo=UTC)
    working = planning.store.advance(planning.partitions()[0], state="running", uploadId="upload")
    place = {"createdOn": moment, "refId": new_ref_id()}
    sizes = {"bytes": 50, "rawBytes": 400, "records": 7}
    empty = {"positions": b"", "subtrees": [], "actors": b"", "actions": [], "resources": b""}
    planning.store.add_part(working, {"number": 1, "sha256": "0" * 64, "first": place, "last": place, **sizes, **empty})

    assert get(f"{RUNS}/{run}")[1]["progress"] == sizes
    assert get(f"/v1/archives/{working['refId']}")[1]["progress"] == {"parts": 1, **sizes}


def test_a_run_may_be_of_one_tenant_one_month_and_another_class(post, get, plan, connect, planning, bus):
    for tenant in (None, "acme", "globex"):
        stored(connect("writer"), "2023-05-10T12:00:00Z", "2023-06-10T12:00:00Z", tenant=tenant)

    run = post({"tenantId": "globex", "month": "2023-06", "storageClass": "DEEP_ARCHIVE"})[1]["id"]
    plan()

    assert planning.planned() == [("globex", "2023-06", 0)]
    assert planning.partitions()[0]["storageClass"] == "DEEP_ARCHIVE"
    found = get(f"{RUNS}/{run}")[1]
    assert (found["everyTenant"], found["tenantId"], found["month"]) == (False, "globex", "2023-06")
    (started,) = [event for event in bus.of("Record Audit Event") if event["action"] == "archive.run_started"]
    assert (started["tenantId"], started["resourceId"]) == ("globex", run)
    assert started["metadata"] == {"tenantId": "globex", "month": "2023-06", "storageClass": "DEEP_ARCHIVE"}

    post({"tenantId": "null"})
    plan()
    assert planning.planned() == [(None, "2023-05", 0), (None, "2023-06", 0), ("globex", "2023-06", 0)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"month": "2024-13"}, "/month"),
        ({"month": "2124-01"}, "/month"),
        ({"month": 202401}, "/month"),
        ({"storageClass": "STANDARD"}, "/storageClass"),
        ({"tenantId": 7}, "/tenantId"),
        ({"dryRun": "perhaps"}, "/dryRun"),
        ({"tenant": "acme"}, "/tenant"),
        ({"cursor": "x"}, "/cursor"),
        ({"dryRun": True, "cursor": "damaged!"}, "/cursor"),
        ([], ""),
        ("{", ""),
        (None, ""),
    ],
)
def test_a_wrong_body_is_422_and_nothing_is_begun(post, connect, retry_queue, bus, body, pointer):
    status, problem, _ = post(body)

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])
    assert connect("admin").archive_runs.count_documents({}) == 0
    assert not retry_queue.sent and not bus.published


def test_the_newest_month_that_is_due_may_be_asked_for_and_the_next_may_not(post):
    newest = last_due(now(), 24)

    assert post({"month": str(newest)})[0] == 202
    status, problem, _ = post({"month": str(newest.plus(1))})
    assert status == 422
    assert str(newest) in problem["errors"][0]["detail"]


def test_the_same_key_begins_one_run(post, connect, retry_queue, bus):
    key = {"Idempotency-Key": "march"}

    first, again = post({}, headers=key), post({}, headers=key)

    assert first[:2] == again[:2]
    assert first[2]["Location"] == again[2]["Location"]
    assert connect("admin").archive_runs.count_documents({}) == len(retry_queue.sent) == 1
    assert post({"month": "2023-01"}, headers=key)[0] == 422
    assert post({}, headers={"Idempotency-Key": "april"})[1]["id"] != first[1]["id"]


def test_nothing_is_begun_that_cannot_be_audited(post, get, bus, connect, retry_queue):
    bus.unavailable = True

    assert post({})[0] == post({"dryRun": True})[0] == get("/v1/archives")[0] == get(RUNS)[0] == 503
    assert connect("admin").archive_runs.count_documents({}) == 0
    assert not retry_queue.sent


def test_a_read_sends_the_lost_message_of_a_run_again(post, get, retry_queue, connect):
    run = post({})[1]["id"]
    retry_queue.sent.clear()
    get(f"{RUNS}/{run}")
    assert retry_queue.sent == []

    connect("admin").archive_runs.update_one({"refId": run}, {"$set": {"updatedOn": now() - timedelta(hours=1)}})
    get(f"{RUNS}/{run}")
    assert [json.loads(body) for body in retry_queue.sent] == [{"runId": run}]


def test_runs_are_listed_newest_first_and_their_pages_join(post, get):
    begun = [post({})[1]["id"] for _ in range(5)]
    items, cursor = [], None
    for _ in range(3):
        page = get(RUNS, limit=2, **({"cursor": cursor} if cursor else {}))[1]
        items += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]

    assert (items, cursor) == (begun[::-1], None)
