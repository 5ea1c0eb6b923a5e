"""Aggregates of log lines through the real handler."""

from datetime import timedelta

import pytest

from chancery.core.formats.times import now, to_rfc3339
from chancery.logs import aggregate
from chancery.logs.kinds import KINDS
from chancery.logs.queries import sample_rate
from tests.builders import http, principal
from tests.integration.logs.test_record_logs import MINIMAL


@pytest.fixture
def get(call):
    def send(kind, role="user", tenants=("acme",), **query):
        request = http("GET", f"/v1/logs/{kind}/aggregate", caller=principal(role, tenants=tenants), query=query)
        return call("read_logs", request, "reader")

    return send


@pytest.fixture
def groups(get):
    """Returns the groups of an aggregate: key → group."""

    def find(kind="app", **query):
        status, body, _ = get(kind, **query)
        assert status == 200, body
        assert (body["sampledOneIn"], body["truncated"]) == (1, False)
        return {group.pop("key"): group for group in body["groups"]}

    return find


def counts(found):
    return {key: group["count"] for key, group in found.items()}


def test_lines_are_counted_by_a_field_the_largest_group_first(post, groups):
    for endpoint, times in (("/a", 2), ("/b", 3), (None, 1)):
        line = {"message": "x", **({"endpoint": endpoint} if endpoint else {})}
        post("app", {"records": [line] * times})

    found = groups(groupBy="endpoint")

    assert list(counts(found).items()) == [("/b", 3), ("/a", 2), (None, 1)]


@pytest.mark.parametrize(
    ("kind", "group_by"), [("app", "level"), ("app", "logger"), ("app", "user"), ("app", "endpoint")]
)
def test_every_field_is_one_of_the_lines(post, groups, kind, group_by):
    line = {"message": "x", "level": "warn", "logger": "crm", "userId": "sarah", "endpoint": "/a"}
    post(kind, line)

    expected = {"level": "warn", "logger": "crm", "user": "sarah", "endpoint": "/a"}[group_by]
    assert counts(groups(kind, groupBy=group_by)) == {expected: 1}


def test_percentiles_are_by_nearest_rank_and_of_lines_with_a_duration(post, groups):
    records = [{"endpoint": "/a", "durationMs": n} for n in range(1, 201)]
    post("performance", {"records": records})
    post("app", {"message": "x", "endpoint": "/a"})

    assert groups("performance", groupBy="endpoint")["/a"]["durationMs"] == {"p50": 100, "p95": 190, "p99": 198}
    assert groups("app", groupBy="endpoint")["/a"]["durationMs"] is None


def test_the_use_of_features_is_counted_by_different_users(post, groups):
    uses = [("export", "sarah"), ("export", "sarah"), ("export", "tom"), ("import", "tom"), ("import", None)]
    records = [{"feature": feature, **({"userId": user} if user else {})} for feature, user in uses]
    post("feature-usage", {"records": records})

    found = groups("feature-usage", groupBy="feature")

    assert {key: (group["count"], group["users"]) for key, group in found.items()} == {
        "export": (3, 2),
        "import": (2, 1),
    }


def test_errors_are_counted_by_their_fingerprint(post, groups):
    for text in ("contact is null", "contact is null", "owner"):
        post(
            "error",
            {"error": {"type": "TypeError", "message": text, "stack": f"at {text.split()[0]} (/app/{text}.js:1:1)"}},
        )

    assert sorted(counts(groups("error", groupBy="fingerprint")).values()) == [1, 2]


@pytest.mark.parametrize(("unit", "expected"), [("minute", [1, 2]), ("hour", [1, 2]), ("day", [3])])
def test_periods_begin_at_their_time_and_are_in_order(post, groups, unit, expected):
    noon = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=12)
    for moment in (noon, noon + timedelta(hours=1, seconds=10), noon + timedelta(hours=1, seconds=20)):
        post("app", {"message": "x", "createdOn": to_rfc3339(moment)})

    found = groups(groupBy=unit, **{"from": to_rfc3339(noon - timedelta(days=1))})

    begins = sorted({to_rfc3339(noon if unit != "day" else noon.replace(hour=0)), *list(found)})
    assert (list(found), list(counts(found).values())) == (begins, expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"level": "warn"}, 2), ({"userId": "sarah"}, 2), ({"q": "disk"}, 1), ({"logger": "crm", "level": "error"}, 1)],
)
def test_the_filters_of_a_search_hold(post, groups, query, expected):
    post("app", {"message": "Disk full", "level": "error", "userId": "sarah", "logger": "crm"})
    post("app", {"message": "x", "level": "warn", "userId": "tom"})
    post("app", {"message": "y", "userId": "sarah"})

    assert sum(counts(groups(groupBy="level", **query)).values()) == expected


def test_lines_of_another_tenant_time_or_kind_and_expired_ones_are_not_counted(post, groups, connect):
    post("app", {"message": "foreign"}, tenants=("globex",))
    post("app", {"message": "old", "createdOn": to_rfc3339(now() - timedelta(hours=25))})
    post("error", {"message": "x"})
    post("app", {"message": "expired", "logger": "expired"})
    connect("admin").app_logs.update_one({"logger": "expired"}, {"$set": {"expiresOn": now()}})

    assert groups(groupBy="level") == {}


@pytest.mark.parametrize("query", [{}, {"logger": "crm"}, {"userId": "sarah"}])
def test_of_more_lines_than_are_read_a_sample_is_counted_and_the_answer_says_so(post, get, lines, monkeypatch, query):
    monkeypatch.setattr(aggregate, "MOST_READ", 300)
    one = {"message": "x", "logger": "crm", "userId": "sarah", "durationMs": 5}
    for line in (one, one, {"message": "x", "logger": "crm"}):
        post("app", {"records": [line] * 500})

    body = get("app", groupBy="logger", **query)[1]

    (group,) = body["groups"]
    assert body["sampledOneIn"] == 32
    assert group["count"] == 32 * sum(sample_rate(line["refId"]) is not None for line in lines(**query))
    assert 200 < group["count"] < 3500
    assert (group["users"], group["durationMs"]["p99"]) == (1, 5)


def test_more_groups_than_an_answer_has_are_cut_off_and_the_answer_says_so(post, get, monkeypatch):
    monkeypatch.setattr(aggregate, "MOST_GROUPS", 2)
    post("app", {"records": [{"message": "x", "logger": f"logger-{n}"} for n in range(3)]})

    body = get("app", groupBy="logger")[1]

    assert (len(body["groups"]), body["truncated"]) == (2, True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_counted_by_level_user_and_hour(post, groups, kind):
    post(kind.name, MINIMAL[kind.name])

    for group_by in ("level", "user", "hour"):
        assert list(counts(groups(kind.name, groupBy=group_by)).values()) == [1]


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("event", {"groupBy": "endpoint"}),
        ("app", {"groupBy": "feature"}),
        ("performance", {"groupBy": "fingerprint"}),
        ("app", {"groupBy": "message"}),
        ("app", {}),
    ],
)
def test_a_field_that_lines_of_the_kind_do_not_have_is_refused(get, kind, query):
    status, body, _ = get(kind, **query)

    assert (status, [error["pointer"] for error in body["errors"]]) == (422, ["/groupBy"])


def test_a_super_admin_names_a_tenant_and_an_auditors_aggregates_are_audited(post, get, bus):
    post("app", {"message": "x"})

    assert get("app", "super_admin", (), groupBy="level")[0] == 422
    assert get("app", "super_admin", (), groupBy="level", tenantId="acme")[0] == 200
    get("app", "auditor", groupBy="level", userId="sarah")

    events = bus.of("Record Audit Event")
    assert [event["action"] for event in events] == ["tenant.crossed", "log.searched"]
    assert events[1]["metadata"] == {"filters": ["app", "level", "userId"]}
    assert get("app", "producer", groupBy="level")[0] == 403
