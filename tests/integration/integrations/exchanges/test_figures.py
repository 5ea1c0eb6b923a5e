"""Health, figures of systems and endpoints, and the MongoDB views, against a plain count of the same exchanges."""

import random
from datetime import datetime, timedelta
from itertools import count
from math import ceil

import pytest
from pymongo.errors import OperationFailure

from chancery.core.formats.times import now, to_rfc3339
from tests.integration.integrations.exchanges.conftest import closed, exchange_event, opened

STATUSES = ("SUCCESS", "SUCCESS", "SUCCESS", "FAILED", "TIMEOUT", "CANCELLED")
_IDS = count()


def finished(started, ms, status="SUCCESS", **changes):
    """A finished exchange that began at a time."""
    ends = {"startedAt": to_rfc3339(started), "completedAt": to_rfc3339(started + timedelta(milliseconds=ms))}
    return {**opened(requestId=f"r-{next(_IDS)}"), **closed(status=status), **ends, **changes}


@pytest.fixture
def filled(consume, complete):
    """Exchanges of the last hour: some are counted, the last ones are not."""
    rng, end = random.Random(5), now()
    details = [
        finished(
            end - timedelta(seconds=rng.randrange(3000)),
            rng.choice((0, 1, 20, 150, 151, 2500, 60_000)),
            rng.choice(STATUSES),
            systemCode=rng.choice(("sap", "crm")),
            endpointCode=rng.choice(("orders", "stock")),
            tenantId=rng.choice(("acme", "acme", "globex")),
        )
        for _ in range(90)
    ]
    details.append(finished(end - timedelta(hours=3), 7, tenantId="acme", systemCode="old"))
    assert consume(*map(exchange_event, details[:70])) == []
    complete()
    assert consume(*map(exchange_event, details[70:])) == []
    return details


def duration_of(detail):
    took = datetime.fromisoformat(detail["completedAt"]) - datetime.fromisoformat(detail["startedAt"])
    return took // timedelta(milliseconds=1)


def expected(details, **filters):
    """Figures by counting."""
    chosen = [d for d in details if all(d[name] == value for name, value in filters.items())]
    durations = sorted(map(duration_of, chosen))
    by_status = {status: sum(d["status"] == status for d in chosen) for status in STATUSES}
    return {
        "totalRequests": len(chosen),
        "successful": by_status["SUCCESS"],
        "failed": by_status["FAILED"],
        "timeout": by_status["TIMEOUT"],
        "cancelled": by_status["CANCELLED"],
        "successRate": round(100 * by_status["SUCCESS"] / len(chosen), 2),
        "avgDurationMs": round(sum(durations) / len(durations), 2),
        **{f"p{share}DurationMs": durations[ceil(len(durations) * share / 100) - 1] for share in (50, 95, 99)},
    }


def assert_figures(found, wanted):
    exact = [name for name in wanted if not name.startswith("p")]
    assert {name: found[name] for name in exact} == {name: wanted[name] for name in exact}
    for name in wanted.keys() - {*exact} & found.keys():
        assert found[name] == pytest.approx(wanted[name], rel=0.05, abs=1)


def test_health_is_what_a_count_of_the_last_hour_finds(filled, get):
    status, health, _ = get("/integrations/health")

    assert status == 200
    assert [(system["tenantId"], system["systemCode"]) for system in health["systems"]] == [
        ("acme", "crm"),
        ("acme", "sap"),
    ]
    for system in health["systems"]:
        assert_figures(system, expected(filled, tenantId="acme", systemCode=system["systemCode"]))


def test_a_super_admin_sees_the_systems_of_each_tenant(filled, get):
    _, health, _ = get("/integrations/health", role="super_admin", tenants=())

    systems = {(system["tenantId"], system["systemCode"]): system for system in health["systems"]}
    assert len(systems) == 4
    assert_figures(systems["globex", "sap"], expected(filled, tenantId="globex", systemCode="sap"))


@pytest.mark.parametrize("bucket", ["minute", "hour", "day"])
@pytest.mark.parametrize("endpoint", [None, "orders"])
def test_figures_of_a_system_and_an_endpoint_by_time(filled, get, bucket, endpoint):
    path = "/integrations/systems/sap" + (f"/endpoints/{endpoint}" if endpoint else "")

    status, found, _ = get(f"{path}/stats", query={"bucket": bucket})

    assert status == 200, found
    codes = {"systemCode": "sap"} | ({"endpointCode": endpoint} if endpoint else {})
    assert_figures(found["total"], expected(filled, tenantId="acme", **codes))
    assert sum(item["totalRequests"] for item in found["items"]) == found["total"]["totalRequests"]
    begins = [item["beginsOn"] for item in found["items"]]
    assert begins == sorted(set(begins))
    assert all(
        moment.endswith({"minute": ":00.000Z", "hour": ":00:00.000Z", "day": "T00:00:00.000Z"}[bucket])
        for moment in begins
    )


def test_a_system_without_exchanges_has_no_rate(get):
    _, found, _ = get("/integrations/systems/none/stats")

    assert (found["total"]["totalRequests"], found["total"]["successRate"], found["items"]) == (0, None, [])


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", "bucket": "minute"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "bucket": "day"},
    ],
)
def test_a_period_that_cannot_be_answered_is_refused(get, query):
    status, problem, _ = get("/integrations/systems/sap/stats", query=query)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/from")


def test_another_tenants_figures_are_not_found(filled, get):
    assert get("/integrations/health", query={"tenantId": "globex"})[0] == 404
    assert get("/integrations/systems/sap/stats", query={"tenantId": "globex"})[0] == 404


def test_the_view_of_health_has_the_same_figures(filled, connect, get):
    found = list(connect("reader").v_system_health.find({"tenantId": "acme"}))

    assert [row["systemCode"] for row in found] == ["crm", "sap"]
    systems = {system["systemCode"]: system for system in get("/integrations/health")[1]["systems"]}
    for row in found:
        assert {**systems[row["systemCode"]], **row} == systems[row["systemCode"]]


def test_the_view_of_failed_requests_has_those_of_a_day_without_bodies(filled, consume, connect):
    consume(exchange_event(finished(now() - timedelta(hours=30), 5, "FAILED", tenantId="acme")))

    found = list(connect("reader").v_failed_requests_24h.find({"tenantId": "acme"}))

    failed = [d for d in filled if d["tenantId"] == "acme" and d["status"] != "SUCCESS"]
    assert {row["requestId"] for row in found} == {d["requestId"] for d in failed}
    assert [row["startedAt"] for row in found] == sorted((row["startedAt"] for row in found), reverse=True)
    assert not any({"requestBody", "responseBody", "requestHeaders", "_id"} & row.keys() for row in found)


@pytest.mark.parametrize("view", ["v_system_health", "v_failed_requests_24h"])
def test_the_reader_may_read_the_views_and_nobody_writes_them(connect, view):
    assert list(connect("reader")[view].find()) == []
    for role in ("reader", "writer"):
        with pytest.raises(OperationFailure):
            connect(role)[view].insert_one({})
    with pytest.raises(OperationFailure):
        list(connect("sealer")[view].find())


def test_the_schedule_counts_what_was_not_counted(filled, complete, get, connect):
    before = get("/integrations/health")[1]["systems"]
    complete()

    assert get("/integrations/health")[1]["systems"] == before
    assert connect("reader").integration_logs.count_documents({"uncounted": {"$exists": True}}) == 0
