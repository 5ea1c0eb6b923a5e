"""Audit records and log lines as events: types, order, data, and reading them again by item."""

from datetime import timedelta

import pytest

from chancery.core.feeds import Item
from chancery.destinations.events import selects
from chancery.logs.collections import BY_KIND


def names(events):
    return [event.data.get("resourceId") or event.data["message"] for event in events]


def test_audit_records_are_events_in_the_order_of_the_log(audit, audited):
    audited("post-1", "post-2", action="blog_post.updated")
    audited("post-3", tenant_id="globex")

    assert audit.last("acme") == 2
    page = audit.after("acme", 0, 10)

    assert names(page.events) == ["post-1", "post-2"]
    assert (page.last, page.missed) == (2, None)
    assert [event.item.sequence for event in page.events] == [1, 2]
    assert [event.data["leafIndex"] for event in page.events] == [0, 1]
    first = page.events[0]
    assert first.source == "audit"
    assert first.type == "audit.blog_post.updated"
    assert first.item.ref_id == first.data["refId"]
    assert first.data["tenantId"] == "acme"
    assert first.data["createdOn"].startswith(f"{first.occurred_on:%Y-%m-%dT%H:%M:%S}")
    assert not {"before", "after", "metadata", "salts"} & first.data.keys()  # a list has none of these


def test_log_lines_are_events_of_their_kind(logs, logged):
    logged("a", "b")
    logged("c", kind="error")
    logged("d", tenant_id="globex")

    assert logs.last("acme") == 3
    page = logs.after("acme", 0, 10)

    assert [(event.item.sequence, event.type) for event in page.events] == [
        (1, "log.app"),
        (2, "log.app"),
        (3, "log.error"),
    ]
    assert names(page.events) == ["a", "b", "c"]
    assert page.events[2].item.kind == "error"
    assert page.events[0].data["tenantId"] == "acme"
    assert not {"batch", "sample", "expiresOn"} & page.events[0].data.keys()
    assert selects(["log.*"])(page.events[0].type)


@pytest.mark.parametrize("source", ["audit", "logs"])
def test_events_after_a_number_are_those_behind_it(request, source, audited, logged):
    audited("1", "2", "3")
    logged("1", "2", "3")
    read = request.getfixturevalue(source)
    assert read.last("acme") == 3

    pages = [read.after("acme", at, 2) for at in range(4)]

    assert [names(page.events) for page in pages] == [["1", "2"], ["2", "3"], ["3"], []]
    assert [page.last for page in pages] == [2, 3, 3, 3]
    assert read.last("globex") == 0
    assert read.after("globex", 0, 10).events == []


@pytest.mark.parametrize("source", ["audit", "logs"])
def test_items_are_read_again_in_their_order_as_the_same_events(request, source, audited, logged):
    audited("1", "2", "3")
    logged("1", "2")
    logged("3", kind="error")
    read = request.getfixturevalue(source)
    assert read.last("acme") == 3
    events = read.after("acme", 0, 10).events

    assert read.get("acme", [event.item for event in reversed(events)]) == [*reversed(events)]
    assert read.get("acme", [events[1].item]) == [events[1]]
    assert read.get("acme", []) == []


@pytest.mark.parametrize("source", ["audit", "logs"])
def test_items_of_another_tenant_and_unknown_ones_are_left_out(request, source, audited, logged):
    audited("1")
    logged("1")
    read = request.getfixturevalue(source)
    assert read.last("acme") == 1
    event = read.after("acme", 0, 10).events[0]
    unknown = Item(7, "0" * 26, event.item.kind)

    assert read.get("acme", [unknown, event.item]) == [event]
    assert read.get("globex", [event.item]) == []


def test_an_expired_line_is_left_out_although_the_server_has_not_removed_it(logs, logged, connect):
    logged("old", "new")
    events = logs.after("acme", 0, 10).events
    lines = connect("admin")[BY_KIND["app"].name]
    stored = lines.find_one({"message": "old"})
    lines.update_one({"_id": stored["_id"]}, {"$set": {"expiresOn": stored["createdOn"] - timedelta(days=1)}})

    assert names(logs.get("acme", [event.item for event in events])) == ["new"]


def test_lines_whose_numbers_are_gone_are_named_as_missed(logs, logged, connect):
    logged("a", "b")
    logged("c")
    connect("admin").log_batches.delete_one({"first": 1})

    page = logs.after("acme", 0, 10)

    assert names(page.events) == ["c"]
    assert page.missed == (1, 2)
    assert page.last == 3
