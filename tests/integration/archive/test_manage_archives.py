"""The archive's routes for administrators, through the real handler."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from chancery.archive.months import Month, last_due
from chancery.core.identifiers import new_ref_id
from chancery.core.times import now
from chancery.openapi import document
from chancery.routes import ROUTES
from tests.builders import http, message, principal
from tests.fakes import LambdaContext
from tests.integration.archive.planning import Planning, stored

RUNS = "/v1/archives/runs"
STATES = ("pending", "running", "archived", "restoring", "restored", "failed")
UNKNOWN = "01J00000000000000000000000"


@pytest.fixture
def send(call, monkeypatch):
    """A request to the function, by default a super_admin's."""
    monkeypatch.setenv("CHANCERY_ARCHIVE_AFTER_MONTHS", "24")
    monkeypatch.setenv("CHANCERY_ARCHIVE_STORAGE_CLASS", "GLACIER")
    for name in ("PLAN_", ""):
        monkeypatch.setenv(f"CHANCERY_ARCHIVE_{name}QUEUE_URL", "https://queue")

    def request(method, path, body=None, role="super_admin", query=None, headers=None, tenants=()):
        caller = principal(role, tenants=tenants)
        asked = http(method, path, body, caller=caller, query=query, headers=headers)
        status, answer, headers = call("manage_archives", asked, "archiver")
        if status < 400:
            check_documented(method, path, status, answer)
        return status, answer, headers

    return request


def check_documented(method, path, status, answer):
    """That an answer is what the OpenAPI document says of the route."""
    matching = [route for route in ROUTES if route.method == method and route.pattern.fullmatch(path)]
    route = next((route for route in matching if route.path == path), matching[0])
    schemas = {"components": {"schemas": document()["components"]["schemas"]}}
    Draft202012Validator({"$ref": f"#/components/schemas/{route.answers[status]}", **schemas}).validate(answer)


@pytest.fixture
def get(send):
    return lambda path, **query: send("GET", path, query={k: str(v) for k, v in query.items()} or None)


@pytest.fixture
def post(send):
    return lambda body, **options: send("POST", RUNS, body, **options)


@pytest.fixture
def planning(connect) -> Planning:
    """A planner on the same database, today."""
    return Planning(connect("archiver"), now())


@pytest.fixture
def plan(load_function, retry_queue, environment):
    """The planning function takes what is in the queue of runs."""

    def deliver():
        environment("archiver")
        handler = load_function("plan_archives").handler
        bodies = [body for body in retry_queue.sent if "runId" in body]
        retry_queue.sent.clear()
        for body in bodies:
            assert handler({"Records": [message(body)]}, LambdaContext()) == {"batchItemFailures": []}

    return deliver


@pytest.fixture
def months(connect, planning):
    """Five tenants and the platform with a record in each of some old months, all of them planned."""
    last = last_due(now(), 24)
    for at, tenant in enumerate((None, "acme", "globex", "initech", "umbrella")):
        moments = [last.plus(-back).start + timedelta(days=3) for back in range(at + 1)]
        stored(connect("writer"), *moments, tenant=tenant)
    planning.run()
    return planning


def audited(bus) -> list[tuple[str, str, str | None]]:
    """Action, resource and tenant of what was audited, but for the crossings of tenants."""
    events = bus.of("Record Audit Event")
    return [(it["action"], it["resourceId"], it["tenantId"]) for it in events if it["action"] != "tenant.crossed"]


# ---- who may


@pytest.mark.parametrize("role", ["dm_user", "user", "auditor", "producer"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/archives", None),
        ("GET", f"/v1/archives/{UNKNOWN}", None),
        ("GET", RUNS, None),
        ("GET", f"{RUNS}/{UNKNOWN}", None),
        ("POST", RUNS, {}),
        ("POST", RUNS, {"dryRun": True}),
        ("POST", RUNS, {"nonsense": True}),
    ],
)
def test_only_a_super_admin_may(send, bus, connect, retry_queue, role, method, path, body):
    status, problem, _ = send(method, path, body, role=role, tenants=("acme",))

    assert (status, problem["title"]) == (403, "Not allowed")
    assert not bus.published and not retry_queue.sent
    assert connect("admin").archive_runs.count_documents({}) == 0


def test_nobody_may_without_a_token(call, send):
    assert call("manage_archives", http("GET", "/v1/archives"), "archiver")[0] == 401


# ---- what is archived


def test_a_partition_is_shown_whole_and_the_look_is_audited_in_its_tenant(send, get, months, bus):
    (part,) = months.store.of_month("globex", str(last_due(now(), 24)))

    status, shown, _ = get(f"/v1/archives/{part['refId']}")

    assert status == 200
    assert shown == {
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
        "createdOn": shown["createdOn"],
        "updatedOn": shown["updatedOn"],
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


# ---- runs


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
    shown = get(f"{RUNS}/{run}")[1]
    assert (shown["everyTenant"], shown["tenantId"], shown["month"]) == (False, "globex", "2023-06")
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
    bus.away = True

    assert post({})[0] == post({"dryRun": True})[0] == get("/v1/archives")[0] == get(RUNS)[0] == 503
    assert connect("admin").archive_runs.count_documents({}) == 0
    assert not retry_queue.sent


def test_a_run_whose_message_was_lost_is_told_of_again_when_somebody_looks(post, get, retry_queue, connect):
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


# ---- dry runs


def test_a_dry_run_shows_what_is_due_and_stores_nothing(post, connect, planning, bus, retry_queue):
    stored(connect("writer"), "2023-05-10T12:00:00Z", "2023-05-11T12:00:00Z", "2023-06-10T12:00:00Z", tenant=None)
    planning.run()
    planning.archive()
    stored(connect("writer"), "2023-05-12T12:00:00Z", tenant=None, recorded=now() - timedelta(minutes=11))
    connect("admin").archive_partitions.update_many({}, {"$set": {"recordedTo": now() - timedelta(days=1)}})
    stored(connect("writer"), "2023-05-10T12:00:00Z", tenant="acme")
    stored(connect("writer"), now() - timedelta(days=100), tenant="young")
    before = planning.partitions(), connect("admin").archive_runs.count_documents({})

    status, due, _ = post({"dryRun": True}, headers={"Idempotency-Key": "plan"})

    assert status == 200
    assert due["items"] == [
        {"tenantId": None, "month": "2023-05", "supplement": 1, "state": "due", "records": 1},
        {"tenantId": "acme", "month": "2023-05", "supplement": 0, "state": "due", "records": 1},
    ]
    assert (due["dueUntil"], due["nextCursor"]) == (str(last_due(now(), 24)), None)
    assert (planning.partitions(), connect("admin").archive_runs.count_documents({})) == before
    assert retry_queue.sent == [] and connect("admin").idempotency_keys.count_documents({}) == 0
    assert audited(bus) == [("archive.run_previewed", "*", None)]


def test_a_dry_run_shows_what_is_open_and_what_has_failed(post, months):
    newest = str(last_due(now(), 24))
    months.store.advance(months.store.of_month("acme", newest)[0], state="failed", error="S3 was away")

    due = post({"dryRun": True, "tenantId": "acme"})[1]["items"]

    assert [(item["month"], item["state"], item["records"]) for item in due] == [
        (str(Month.parse(newest).plus(-1)), "pending", 1),
        (newest, "failed", 1),
    ]


def test_a_dry_run_that_runs_out_of_time_carries_on_with_its_cursor(post, months, monkeypatch):
    whole = post({"dryRun": True})[1]["items"]
    monkeypatch.setattr(LambdaContext, "get_remaining_time_in_millis", lambda _: 1000)
    items, cursor = [], None
    while True:
        page = post({"dryRun": True} | ({"cursor": cursor} if cursor else {}))[1]
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
        assert len(page["items"]) <= 1

    assert items == whole
    assert len(items) == 15
