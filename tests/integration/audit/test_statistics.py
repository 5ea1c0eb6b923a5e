"""Statistics, traces, catalogue and coverage through the real handler."""

import json

import pytest

from chancery.audit.store import AuditStore, last_seen_pipeline
from tests.builders import at, ids, record


def test_stats_count_in_groups(get, store):
    store(
        *[record(actorId=f"a{n % 2}", createdOn=at(n * 60)) for n in range(5)],
        record(action="invoice.paid", resourceType="invoice", actorId="a0", createdOn="2026-04-01T00:00:00Z"),
        record("globex"),
    )

    def groups(by: str) -> list[tuple]:
        found = get("/v1/audit-logs/stats", query={"groupBy": by})[1]["groups"]
        return [(group["key"], group["count"]) for group in found]

    assert groups("action") == [("blog_post.approved", 5), ("invoice.paid", 1)]
    assert groups("actor") == [("a0", 4), ("a1", 2)]
    assert groups("resourceType") == [("blog_post", 5), ("invoice", 1)]
    assert groups("month") == [("2026-03-01T00:00:00.000Z", 5), ("2026-04-01T00:00:00.000Z", 1)]
    assert groups("day") == [("2026-03-01T00:00:00.000Z", 5), ("2026-04-01T00:00:00.000Z", 1)]
    assert len(groups("hour")) == 6
    assert [key[11:] for key, _ in groups("minute")][:2] == [key[11:] for key, _ in groups("hour")][:2]


@pytest.mark.parametrize(("most", "truncated"), [(1, True), (2, True), (3, False)])
def test_stats_report_that_there_are_more_groups_than_returned(get, store, monkeypatch, most, truncated):
    monkeypatch.setattr("chancery.audit.search.MAX_GROUPS", most)
    store(*[record(actorId=f"a{n}", createdOn=at(n * 60)) for n in (0, 1, 1, 2, 2, 2)])

    by_actor = get("/v1/audit-logs/stats", query={"groupBy": "actor"})[1]
    by_hour = get("/v1/audit-logs/stats", query={"groupBy": "hour"})[1]

    assert by_actor["truncated"] is by_hour["truncated"] is truncated
    assert [group["key"] for group in by_actor["groups"]] == ["a2", "a1", "a0"][:most]
    assert [group["key"][11:13] for group in by_hour["groups"]] == ["12", "13", "14"][-most:]


def test_stats_need_a_field_to_group_by(get):
    status, problem, _ = get("/v1/audit-logs/stats")

    assert status == 422
    assert problem["errors"][0]["pointer"] == "/groupBy"


def test_a_trace_is_every_record_of_it_in_time_order_page_by_page(get, store):
    store(*[record(resourceId=f"p{n}", traceId="t", createdOn=at(9 - n)) for n in range(4)], record(traceId="other"))

    first = get("/v1/traces/t", query={"limit": "3"})[1]
    rest = get("/v1/traces/t", query={"limit": "3", "cursor": first["nextCursor"]})[1]

    assert ids(first) + ids(rest) == ["p3", "p2", "p1", "p0"]
    assert first["items"][0]["kind"] == "audit_log"
    assert rest["nextCursor"] is None


def test_coverage_tells_seen_from_unseen_in_the_callers_tenant(get, store):
    store(record(action="user.login", createdOn=at(0)), record(action="user.login", createdOn=at(5)))
    store(record(action="my.own"), record("globex", action="user.registered"))

    answer = get("/v1/audit-catalog/coverage")[1]

    auth = answer["domains"][0]
    assert (auth["seen"], auth["unseen"], auth["lastSeen"]) == (1, 5, "2026-03-01T12:05:00.000Z")
    assert [item["action"] for item in answer["uncatalogued"]] == ["my.own"]


def test_coverage_reads_one_index_key_an_action(connect, store):
    store(*[record(action=f"thing.verb_{n % 5}", createdOn=at(n)) for n in range(200)])
    audit = AuditStore(connect("reader"))
    profiled = connect("admin").command(
        "explain",
        {
            "aggregate": "audit_logs",
            "pipeline": last_seen_pipeline("acme"),
            "cursor": {},
        },
        verbosity="executionStats",
    )

    assert len(audit.last_seen({"tenantId": "acme"})) == 5
    assert "DISTINCT_SCAN" in json.dumps(profiled, default=str)


def test_the_catalogue_is_answered_whole(get):
    answer = get("/v1/audit-catalog")[1]

    assert answer["counts"]["actions"] == 172
    assert {item["action"] for item in answer["actions"] if item["added"]} >= {"payment.failed", "tenant.crossed"}
