"""GET /v1/traces/{traceId} over several kinds of records: one list in time order, page by page."""

from datetime import timedelta

import pytest

from chancery.wiring.registry import COLLECTIONS
from tests.builders import NOON, http, principal, record, writer

TRACE = "c" * 32


def base(number, minutes, tenant="acme", trace=TRACE):
    return {
        "refId": f"{number:026d}",
        "tenantId": tenant,
        "createdBy": "user-1",
        "createdOn": NOON + timedelta(minutes=minutes),
        "traceId": trace,
    }


def output(number, minutes, **changes):
    counted = {"wordCount": 1, "charCount": 1, "metadata": {}, "bodies": {}, "content": "secret body", "version": 1}
    return (
        base(number, minutes, **changes)
        | counted
        | {
            "activityId": "a",
            "activityRunId": "r",
            "type": "report",
            "status": "draft",
        }
    )


def strategy(number, minutes, **changes):
    texts = {"fullText": "secret body", "bodies": {}, "textBytes": 11}
    return base(number, minutes, **changes) | texts | {"strategyId": "s"}


@pytest.fixture
def stored(connect):
    """Audit records, outputs and strategies of a trace by turns, and others that do not belong to it."""
    audit = [record(traceId=TRACE, createdOn=(NOON + timedelta(minutes=n)).isoformat()) for n in (0, 3, 3, 9)]
    others = [record(traceId="d" * 32), record("globex", traceId=TRACE)]
    writer(connect("writer")).insert([*audit, *others])
    admin = connect("admin")
    admin.activity_outputs.insert_many(
        [output(1, 1), output(2, 3), output(3, 4), output(4, 5, trace="d" * 32), output(5, 2, tenant="globex")]
    )
    admin.strategies_content.insert_many([strategy(11, 2), strategy(12, 3), strategy(13, 8), strategy(14, -1)])
    minutes = {"audit_log": (0, 3, 3, 9), "activity_output": (1, 3, 4), "strategy_content": (2, 3, 8, -1)}
    return [(kind, at) for kind, times in minutes.items() for at in times]


@pytest.fixture
def ask(call):
    def get(role="user", tenants=("acme",), **query):
        query = {name: str(value) for name, value in query.items()}
        request = http("GET", f"/v1/traces/{TRACE}", caller=principal(role, tenants=tenants), query=query or None)
        return call("read_traces", request, "reader")[:2]

    return get


def seen(items):
    return [(item["kind"], item["createdOn"]) for item in items]


def expected(stored):
    at = ((kind, NOON + timedelta(minutes=minutes)) for kind, minutes in stored)
    return [(kind, moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")) for kind, moment in at]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10, 11, 500])
def test_several_kinds_are_one_list_in_time_order_page_by_page(stored, ask, limit):
    items, cursor, pages = [], None, 0
    while cursor or not pages:
        status, page = ask(limit=limit, **({"cursor": cursor} if cursor else {}))
        assert status == 200 and 0 < len(page["items"]) <= limit
        items, cursor, pages = items + page["items"], page["nextCursor"], pages + 1

    assert pages == -(-len(stored) // limit)
    assert sorted(seen(items)) == sorted(expected(stored))
    places = [(item["createdOn"], item["refId"]) for item in items]
    assert places == sorted(places)
    assert len({(item["kind"], item["refId"]) for item in items}) == len(stored)


def test_a_trace_has_the_fields_of_lists_and_no_bodies(stored, ask):
    items = ask()[1]["items"]

    declared = {collection.trace_kind: {"kind", *collection.list_fields} for collection in COLLECTIONS}
    assert all(item.keys() <= declared[item["kind"]] for item in items)
    assert "secret body" not in str(items)


def test_each_tenant_sees_its_own_part_of_a_trace(stored, ask):
    assert {item["tenantId"] for item in ask()[1]["items"]} == {"acme"}
    assert sorted(item["kind"] for item in ask(tenants=("globex",))[1]["items"]) == ["activity_output", "audit_log"]
    assert len(ask("super_admin", ())[1]["items"]) == len(stored) + 2
