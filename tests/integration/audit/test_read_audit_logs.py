"""The reads of the audit trail through the real handler."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chancery.audit.access import AccessTrail
from chancery.audit.collections import LIST_FIELDS
from chancery.audit.restored_records import RestoredRecords
from chancery.audit.routes import READS
from chancery.audit.search import AuditReader
from chancery.audit.store import AuditStore
from chancery.core.errors import ValidationFailed
from tests.builders import at, handle, http, ids, principal, record, set_settings, writer
from tests.fakes import FakeBus


def test_a_list_is_newest_first_and_never_answers_with_bodies(get, store):
    store(*[record(resourceId=f"p{n}", createdOn=at(n)) for n in range(3)])

    status, answer, headers = get("/v1/audit-logs")

    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert ids(answer) == ["p2", "p1", "p0"]
    assert set(answer["items"][0]) <= set(LIST_FIELDS)
    assert answer["nextCursor"] is None


def test_pages_follow_each_other_without_gap_or_repeat_even_at_equal_times(get, store):
    store(*[record(resourceId=f"p{n}", createdOn=at(n // 4)) for n in range(23)])
    for order in ("asc", "desc"):
        found, cursor = [], None
        while True:
            query = {"limit": "5", "order": order} | ({"cursor": cursor} if cursor else {})
            answer = get("/v1/audit-logs", query=query)[1]
            found += [(item["createdOn"], item["refId"]) for item in answer["items"]]
            cursor = answer["nextCursor"]
            if cursor is None:
                break

        assert len(found) == 23
        assert found == sorted(found, reverse=order == "desc")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.integers(0, 5), max_size=12), limit=st.integers(1, 5), order=st.sampled_from(["asc", "desc"]))
def test_any_page_size_over_any_times_gives_every_record_once(connect, times, limit, order):
    connect("admin").audit_logs.delete_many({})
    writer(connect("writer")).insert([record(createdOn=at(minute)) for minute in times])
    reader = AuditReader(AuditStore(connect("reader")), AccessTrail(FakeBus()), RestoredRecords(connect("reader")))

    found, parameters = [], {"limit": str(limit), "order": order}
    while True:
        page = handle(READS, reader, http("GET", "/v1/audit-logs", caller=principal(), query=parameters)).body
        found += [(item["createdOn"], item["refId"]) for item in page["items"]]
        if page["nextCursor"] is None:
            break
        parameters = {**parameters, "cursor": page["nextCursor"]}

    assert len(found) == len(set(found)) == len(times)
    assert found == sorted(found, reverse=order == "desc")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"actorId": "a1"}, ["p1"]),
        ({"action": "invoice.paid"}, ["p2"]),
        ({"action": "blog_post.*"}, ["p3", "p1", "p0"]),
        ({"resourceType": "invoice"}, ["p2"]),
        ({"resourceType": "blog_post", "resourceId": "p0"}, ["p0"]),
        ({"traceId": "t-3"}, ["p3"]),
        ({"onBehalfOfId": "b1"}, ["p1"]),
        ({"onBehalfOfId": "b1", "actorId": "a1", "from": "2026-03-01T12:01:00Z"}, ["p1"]),
        ({"onBehalfOfId": "b1", "action": "invoice.*"}, []),
        ({"q": "Ōsaka"}, ["p1"]),
        ({"from": "2026-03-01T12:02:00Z"}, ["p3", "p2"]),
        ({"to": "2026-03-01T14:02:00+02:00"}, ["p1", "p0"]),
        ({"from": "2026-03-01T12:01:00Z", "to": "2026-03-01T12:02:00Z"}, ["p1"]),
        ({"q": "quarterly"}, ["p3"]),
        ({"q": "Zoë"}, ["p2"]),
        ({"action": "blog_post.*", "from": "2026-03-01T12:01:00Z", "q": "SEO"}, ["p1"]),
        ({"actorId": "nobody"}, []),
    ],
)
def test_each_filter_finds_its_records(get, store, query, expected):
    store(
        record(resourceId="p0", createdOn=at(0)),
        record(resourceId="p1", createdOn=at(1), actorId="a1", onBehalfOfId="b1", onBehalfOfName="Ōsaka"),
        record(resourceId="p2", createdOn=at(2), action="invoice.paid", resourceType="invoice", actorName="Zoë")
        | {"description": "paid", "resourceName": "i"},
        record(resourceId="p3", createdOn=at(3), traceId="t-3", description="quarterly", resourceName="r"),
        record("globex", resourceId="other", traceId="t-3", actorId="a1"),
    )

    assert ids(get("/v1/audit-logs", query=query)[1]) == expected


def test_a_page_that_would_be_too_large_ends_earlier_and_the_next_goes_on_there(get, store):
    store(*[record(resourceId=f"p{n:03d}", createdOn=at(n), description="\u20ac" * 10_000) for n in range(300)])

    found, query = [], {"limit": "300", "order": "asc"}
    while True:
        answer = get("/v1/audit-logs", query=query)[1]
        assert len(json.dumps(json.dumps(answer, ensure_ascii=False), ensure_ascii=False).encode()) < 6_000_000
        found += ids(answer)
        if answer["nextCursor"] is None:
            break
        query = {**query, "cursor": answer["nextCursor"]}

    assert found == [f"p{n:03d}" for n in range(300)]


def test_fields_narrow_the_answer_and_cannot_widen_it(get, store):
    store(record())

    narrowed = get("/v1/audit-logs", query={"fields": "action, actorId"})
    widened = get("/v1/audit-logs", query={"fields": "action,before"})

    assert set(narrowed[1]["items"][0]) == {"refId", "action", "actorId"}
    assert widened[0] == 422
    assert "choose from" in widened[1]["errors"][0]["detail"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "many"},
        {"order": "random"},
        {"from": "yesterday"},
        {"from": "2026-03-01T12:00:00"},
        {"from": "1767225600"},
        {"from": "0001-01-01T00:00:00+12:00"},
        {"to": "9999-12-31T23:59:59.999-12:00"},
        {"q": ""},
        {"q": "x" * 257},
        {"cursor": "x" * 600},
        {"cursor": "nonsense"},
        {"surprise": "1"},
        {"actorId": "a\0b"},
        {"after": "yesterday"},
        {"after": "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
        {"after": "01jzzzzzzzzzzzzzzzzzzzzzzz"},
    ],
)
def test_a_wrong_parameter_is_named(get, query):
    status, problem, _ = get("/v1/audit-logs", query=query)

    assert status == 422
    assert problem["errors"][0]["pointer"] == f"/{next(iter(query))}"


@pytest.mark.parametrize(
    "text", ["(a+)+$", ".*" * 100, "-SEO", '"why seo', "$where: sleep(10000)", "\0", '{"$gt": ""}', "'; drop"]
)
def test_a_search_text_is_words_and_never_a_pattern_or_a_query(get, store, text):
    store(record())

    status, answer, _ = get("/v1/audit-logs", query={"q": text})

    assert status == 200
    assert isinstance(answer["items"], list)


def test_a_cursor_of_another_query_or_tenant_is_refused(get, store):
    store(*[record(createdOn=at(n)) for n in range(3)], *[record("globex", createdOn=at(n)) for n in range(3)])
    cursor = get("/v1/audit-logs", query={"limit": "1"})[1]["nextCursor"]

    other_filter = get("/v1/audit-logs", query={"limit": "1", "cursor": cursor, "actorId": "user-1"})
    other_tenant = get("/v1/audit-logs", query={"limit": "1", "cursor": cursor}, tenants=("globex",))

    assert other_filter[0] == other_tenant[0] == 422


def test_a_forged_cursor_cannot_leave_the_tenant(get, store):
    store(record("globex", resourceId="secret"), record(resourceId="own"))
    forged = base64.urlsafe_b64encode(json.dumps([2**42, "Z", "0" * 16]).encode()).decode()

    assert get("/v1/audit-logs", query={"cursor": forged})[0] == 422


def test_one_record_is_whole_with_its_salts_in_hex(get, store):
    (stored,) = store(record(before={"a": [1, {"b": None}]}))

    status, answer, _ = get(f"/v1/audit-logs/{stored['refId']}")

    assert status == 200
    assert answer["before"] == {"a": [1, {"b": None}]}
    assert answer["salts"] == {field: salt.hex() for field, salt in stored["salts"].items()}
    assert "_id" not in answer


def test_another_tenants_record_is_404_as_is_one_that_does_not_exist(get, store):
    (stored,) = store(record("globex"))

    theirs = get(f"/v1/audit-logs/{stored['refId']}")
    none = get("/v1/audit-logs/01J00000000000000000000000")

    assert theirs[0] == none[0] == 404
    assert theirs[1]["detail"] == none[1]["detail"]


def test_another_tenant_asked_for_by_name_or_header_is_404(get):
    assert get("/v1/audit-logs", query={"tenantId": "globex"})[0] == 404
    assert get("/v1/audit-logs", headers={"X-Tenant-Id": "globex"})[0] == 404
    assert get("/v1/audit-logs/stats", query={"groupBy": "action", "tenantId": "globex"})[0] == 404


def test_staff_switch_tenants_with_the_header(get, store):
    store(record(resourceId="a"), record("globex", resourceId="g"))

    found = get("/v1/audit-logs", "dm_user", headers={"X-Tenant-Id": "globex"}, tenants=("acme", "globex"))

    assert ids(found[1]) == ["g"]


def test_a_producer_cannot_read(get):
    assert get("/v1/audit-logs", "producer")[0] == 403
    assert get("/v1/audit-catalog", "producer")[0] == 403


def test_an_admin_reads_all_one_or_the_platforms_records_and_each_crossing_is_audited(get, store, bus):
    store(record(resourceId="a"), record("globex", resourceId="g"), record(None, resourceId="p"))

    assert set(ids(get("/v1/audit-logs", "super_admin", tenants=())[1])) == {"a", "g", "p"}
    assert ids(get("/v1/audit-logs", "super_admin", query={"tenantId": "globex"}, tenants=())[1]) == ["g"]
    assert ids(get("/v1/audit-logs", "super_admin", query={"tenantId": "null"}, tenants=())[1]) == ["p"]
    crossings = [(item["tenantId"], item["resourceId"]) for item in bus.of("Record Audit Event")]
    assert crossings == [(None, "*"), ("globex", "globex")]


def test_an_admins_read_of_a_record_is_a_crossing_into_its_tenant(get, store, bus):
    (stored,) = store(record("globex"))

    assert get(f"/v1/audit-logs/{stored['refId']}", "super_admin", tenants=())[0] == 200
    (crossed,) = bus.of("Record Audit Event")
    assert (crossed["tenantId"], crossed["metadata"]["resourceId"]) == ("globex", stored["refId"])


@pytest.mark.parametrize(
    ("path", "query", "action"),
    [
        ("/v1/audit-logs", {"q": "private words"}, "audit_log.searched"),
        ("/v1/audit-logs/stats", {"groupBy": "actor"}, "audit_log.searched"),
        ("/v1/traces/t-1", None, "trace.viewed"),
        ("/v1/audit-catalog/coverage", None, "audit_log.searched"),
    ],
)
def test_an_auditors_reads_are_audited_without_the_values_of_filters(get, bus, path, query, action):
    assert get(path, "auditor", query=query)[0] == 200

    (seen,) = bus.of("Record Audit Event")
    assert (seen["action"], seen["actorId"], seen["tenantId"]) == (action, "auditor-1", "acme")
    assert "private words" not in json.dumps(seen)


def test_an_id_that_no_trace_can_have_is_refused_by_its_own_name(get, bus):
    for trace_id in ("x" * 256, "a\0b", "4111111111111111", "a\u202eb"):
        for role in ("auditor", "user"):
            status, problem, _ = get(f"/v1/traces/{trace_id}", role)

            assert (status, problem["errors"][0]["pointer"]) == (422, "/traceId")
    assert bus.published == []


def test_a_read_that_cannot_be_audited_is_not_answered(get, store, bus):
    (stored,) = store(record())
    bus.unavailable = True

    assert get(f"/v1/audit-logs/{stored['refId']}", "auditor")[0] == 503
    assert get(f"/v1/audit-logs/{stored['refId']}", "user")[0] == 200


@pytest.mark.parametrize(
    "query",
    [
        {"tenantId": "acme"},
        {"tenantId": "acme", "actorId": "a"},
        {"tenantId": "acme", "action": "blog_post.approved"},
        {"tenantId": "acme", "resourceType": "blog_post", "resourceId": "p"},
        {"tenantId": "acme", "traceId": "t"},
        {"tenantId": "acme", "onBehalfOfId": "b"},
        {"onBehalfOfId": "b"},
        {"actorId": "a"},
        {"traceId": "t"},
        {},
    ],
)
def test_every_search_is_served_by_an_index_in_its_order(connect, query):
    explained = connect("admin").audit_logs.find(query).sort([("createdOn", -1), ("refId", -1)]).limit(51).explain()

    plan = json.dumps(explained["queryPlanner"]["winningPlan"], default=str)
    assert "IXSCAN" in plan
    assert '"COLLSCAN"' not in plan
    if "tenantId" in query or not query:
        assert '"SORT"' not in plan


@pytest.mark.parametrize("path", ["/v1/nonsense", "/v1/audit-logs\n", "/v1/audit-logs/\n", "/v1/audit-logs/stats\n"])
def test_an_unknown_route_is_404_problem_json(get, path):
    status, problem, headers = get(path)

    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["instance"] == path


def test_a_crash_is_answered_500_without_its_content(get, capsys, monkeypatch):
    def crash(*_, **__):
        raise ZeroDivisionError("secret words of a record")

    monkeypatch.setattr(AuditStore, "page", crash)

    status, problem, _ = get("/v1/audit-logs")

    assert status == 500
    assert "secret words" not in json.dumps(problem) + capsys.readouterr().out


def test_text_search_across_tenants_asks_for_one(get):
    status, problem, _ = get("/v1/audit-logs", "super_admin", query={"q": "x"}, tenants=())

    assert status == 422
    assert "add tenantId" in problem["errors"][0]["detail"]


def test_a_wrong_parameter_leaves_no_trace_of_a_read(connect):
    bus = FakeBus()
    reader = AuditReader(AuditStore(connect("reader")), AccessTrail(bus), RestoredRecords(connect("reader")))

    with pytest.raises(ValidationFailed):
        handle(READS, reader, http("GET", "/v1/audit-logs", caller=principal("auditor"), query={"limit": "0"}))

    assert not bus.published


def test_an_error_of_the_audit_event_of_a_read_has_no_pointer_into_that_event(get, connect):
    set_settings(connect("writer"), redaction={"patterns": [{"name": "staff", "pattern": "auditor-[0-9]"}]})

    status, problem, _ = get("/v1/audit-logs", "auditor")

    assert (status, problem["detail"]) == (422, "This access cannot be audited.")
    ((pointer, detail),) = [(error["pointer"], error["detail"]) for error in problem["errors"]]
    assert (pointer, detail.startswith("has an audit event whose actorId holds")) == ("", True)
