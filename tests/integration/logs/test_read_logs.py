"""Searching and reading lines through the real handler."""

from datetime import timedelta

import pytest

from chancery.core.formats.times import now, to_rfc3339
from chancery.logs import search
from chancery.logs.kinds import KINDS
from tests.builders import http, principal
from tests.integration.logs.test_record_logs import EVERY, MINIMAL, names


@pytest.fixture
def get(call):
    def send(path, role="user", query=None, **caller):
        request = http("GET", f"/v1/logs/{path}", caller=principal(role, **caller), query=query)
        return call("read_logs", request, "reader")

    return send


@pytest.fixture
def texts(get):
    """Returns the messages that a search finds, over all of its pages."""

    def find(kind="app", role="user", tenants=("acme",), **query):
        found, cursor = [], None
        while True:
            status, body, _ = get(kind, role, {**query, **({"cursor": cursor} if cursor else {})}, tenants=tenants)
            assert status == 200, body
            found += [item.get("message") for item in body["items"]]
            cursor = body["nextCursor"]
            if cursor is None:
                return found

    return find


@pytest.fixture
def ago():
    """Returns the time so many minutes before the test began."""
    began = now()
    return lambda minutes: to_rfc3339(began - timedelta(minutes=minutes))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_line_that_is_written_can_be_read_whole(post, get, kind):
    body = {name: value for name, value in EVERY.items() if name in names(kind)}
    ref_id = post(kind.name, body)[1]["refId"]

    status, line, _ = get(f"{kind.name}/{ref_id}")

    assert status == 200
    assert line.items() >= {**body, "level": "warn", "refId": ref_id, "tenantId": "acme"}.items()
    assert not {"batch", "expiresOn", "_id"} & line.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_list_has_the_lines_of_its_kind_newest_first_without_large_fields(post, get, ago, kind):
    for minutes in (3, 1, 2):
        body = {**MINIMAL[kind.name], "message": str(minutes), "data": {"x": 1}, "createdOn": ago(minutes)}
        post(kind.name, body)

    status, body, _ = get(kind.name)

    assert (status, body["nextCursor"]) == (200, None)
    assert [item["message"] for item in body["items"]] == ["1", "2", "3"]
    assert "data" not in body["items"][0]


@pytest.mark.parametrize(
    "query",
    [
        {"userId": "sarah"},
        {"sessionId": "session-1"},
        {"activityId": "run-1"},
        {"traceId": "4BF92F3577B34DA6A3CE929D0E0E4736"},
        {"endpoint": "/api/v1/contacts"},
        {"logger": "crm.ops"},
        {"level": "warn"},
        {"level": "WARNING"},
        {"q": "disk"},
        {"q": "91 % DISK"},
        {"q": "b"},
        {"userId": "sarah", "endpoint": "/api/v1/contacts", "level": "info", "q": "disk"},
    ],
)
def test_a_filter_finds_the_lines_that_have_its_value(post, texts, query):
    post("app", {name: value for name, value in EVERY.items() if name in names(KINDS[2])})
    post("app", {"message": "another", "level": "debug"})

    assert texts(**query) == ["Disk at 91 %"]


@pytest.mark.parametrize(
    "query", [{"userId": "sar"}, {"q": "di.k"}, {"q": "disk full"}, {"level": "error"}, {"q": "%s"}]
)
def test_a_filter_finds_no_other_lines(post, texts, query):
    post("app", {"message": "Disk at 91 %", "userId": "sarah", "level": "warn"})

    assert texts(**query) == []


def test_errors_are_found_by_their_fingerprint(post, get, texts):
    ref_id = post("error", {"message": "m", "error": {"type": "TypeError", "message": "contact is null"}})[1]["refId"]
    post("error", {"message": "n", "error": {"type": "KeyError", "message": "owner"}})

    fingerprint = get(f"error/{ref_id}")[1]["fingerprint"]

    assert texts("error", fingerprint=fingerprint) == ["m"]


@pytest.mark.parametrize("limit", ["1", "2", "3", "50"])
@pytest.mark.parametrize("query", [{}, {"userId": "sarah"}, {"endpoint": "/x"}, {"level": "warn"}, {"q": "line"}])
def test_pages_have_every_line_once(post, texts, ago, query, limit):
    sent = [
        {"message": f"line {n}", "userId": "sarah", "endpoint": "/x", "level": "error", "createdOn": ago(n // 3)}
        for n in range(9)
    ]
    post("app", {"records": sent})

    found = texts(**query, limit=limit)

    assert sorted(found) == [f"line {n}" for n in range(9)]
    assert [int(text[5:]) // 3 for text in found] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_search_reads_so_many_lines_a_page_and_goes_on(post, get, texts, ago, monkeypatch):
    monkeypatch.setattr(search, "SCAN_STEPS", (1, 3))
    lines = [{"message": "x", "logger": "rare" if n == 9 else "http", "createdOn": ago(n)} for n in range(12)]
    post("app", {"records": lines})

    first = get("app", query={"logger": "rare"})[1]

    assert first["items"] == [] and first["nextCursor"] is not None
    assert texts(logger="rare") == ["x"]
    assert len(texts(logger="http", limit="3")) == 11


def test_a_search_goes_on_within_lines_of_one_time(post, texts, ago, monkeypatch):
    monkeypatch.setattr(search, "SCAN_STEPS", (1, 2))
    moment = ago(5)
    post("app", {"records": [{"message": str(n), "logger": "http", "createdOn": moment} for n in range(9)]})
    post("app", {"message": "later", "logger": "http", "createdOn": ago(1)})

    found = texts(logger="http", limit="2")

    assert found[0] == "later"
    assert sorted(found[1:]) == [str(n) for n in range(9)]


def test_a_search_without_times_is_of_the_last_day(post, texts, ago):
    for minutes in (60, 23 * 60, 25 * 60, 50 * 60):
        post("app", {"message": str(minutes), "createdOn": ago(minutes)})

    assert texts() == ["60", str(23 * 60)]
    assert texts(to=ago(24 * 60)) == [str(25 * 60)]
    assert texts(**{"from": ago(49 * 60)}) == ["60", str(23 * 60), str(25 * 60)]
    assert texts(**{"from": ago(26 * 60), "to": ago(24 * 60)}) == [str(25 * 60)]


def test_a_cursor_belongs_to_its_search(post, get):
    post("app", {"records": [{"message": "x"}, {"message": "y"}]})
    cursor = get("app", query={"limit": "1"})[1]["nextCursor"]

    assert get("app", query={"limit": "1", "cursor": cursor})[0] == 200
    assert get("app", query={"limit": "1", "cursor": cursor, "level": "warn"})[0] == 422
    assert get("error", query={"limit": "1", "cursor": cursor})[0] == 422


def test_the_lines_around_a_line(post, get, ago):
    sent = [{"message": str(n), "createdOn": ago(10 - n)} for n in range(9)]
    results = post("app", {"records": sent})[1]["results"]
    post("app", {"message": "foreign", "createdOn": ago(5)}, tenants=("globex",))

    status, body, _ = get(f"app/{results[4]['refId']}/context", query={"before": "2", "after": "3"})

    assert status == 200
    assert [item["message"] for item in body["before"]] == ["2", "3"]
    assert body["line"]["message"] == "4"
    assert [item["message"] for item in body["after"]] == ["5", "6", "7"]
    assert get(f"app/{results[0]['refId']}/context", query={"before": "0"})[1]["before"] == []


def test_another_tenants_line_does_not_exist(post, get, texts):
    ref_id = post("app", {"message": "x"})[1]["refId"]

    assert get(f"app/{ref_id}", tenants=("globex",))[0] == 404
    assert get(f"app/{ref_id}/context", tenants=("globex",))[0] == 404
    assert get(f"error/{ref_id}")[0] == 404
    assert texts(tenants=("globex",)) == []


def test_an_expired_line_is_not_shown(post, get, texts, connect):
    ref_id = post("app", {"message": "x"})[1]["refId"]
    connect("admin").app_logs.update_one({}, {"$set": {"expiresOn": now()}})

    assert texts() == []
    assert get(f"app/{ref_id}")[0] == 404


def test_a_super_admin_searches_one_tenant_and_reads_any_line(post, get, bus):
    ref_id = post("app", {"message": "x"})[1]["refId"]

    assert get("app", "super_admin", tenants=())[0] == 422
    assert get("app", "super_admin", {"tenantId": "acme"}, tenants=())[0] == 200
    assert get(f"app/{ref_id}", "super_admin", tenants=())[0] == 200
    assert [event["action"] for event in bus.of("Record Audit Event")] == ["tenant.crossed"] * 2


def test_an_auditors_reads_are_audited_and_a_producer_reads_nothing(post, get, bus):
    ref_id = post("app", {"message": "x"})[1]["refId"]

    get("app", "auditor", {"userId": "sarah"})
    get(f"app/{ref_id}", "auditor")

    events = bus.of("Record Audit Event")
    assert [event["action"] for event in events] == ["log.searched", "log.viewed"]
    assert events[0]["metadata"] == {"filters": ["app", "userId"]}
    assert get("app", "producer")[0] == 403


@pytest.mark.parametrize(
    "query", [{"level": "loud"}, {"q": " "}, {"q": "a " * 11}, {"from": "yesterday"}, {"fields": "batch"}]
)
def test_a_wrong_parameter_is_named(get, query):
    status, body, _ = get("app", query=query)

    assert (status, [error["pointer"] for error in body["errors"]]) == (422, [f"/{name}" for name in query])


def test_a_page_of_long_messages_ends_where_an_answer_does(post, get, texts):
    for _ in range(10):
        assert post("app", {"records": [{"message": "ü" * 32_000} for _ in range(12)]})[0] == 201

    first = get("app", query={"limit": "500"})[1]

    assert 0 < len(first["items"]) < 120
    assert len(texts(limit="500")) == 120
