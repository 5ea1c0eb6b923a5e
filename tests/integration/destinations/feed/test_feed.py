"""`GET /v1/feed`: every event of a tenant once and in order, whatever a reader asks for."""

import json
from datetime import timedelta

import orjson
import pytest

from chancery.core.web.listing import MOST_BYTES
from chancery.destinations.events import Event, Item
from chancery.destinations.feed import reader as reading
from chancery.destinations.feed.cursor import encode
from chancery.destinations.feed.reader import FeedReader
from chancery.destinations.feed.subscription import Subscription
from chancery.destinations.ports import SourcePage
from tests.builders import NOON
from tests.integration.destinations.conftest import fact
from tests.integration.destinations.feed.conftest import names


def test_an_item_is_an_event_with_what_names_it(feed, sequenced, logged, store):
    sequenced("post-1", action="blog_post.updated")
    logged("disk full", kind="error")
    store.add("acme", [fact("r-1")])

    items = {item["source"]: item for item in feed()["items"]}

    assert items.keys() == {"audit", "logs", "events"}
    assert (items["audit"]["type"], items["audit"]["sequence"], items["audit"]["leafIndex"]) == (
        "audit.blog_post.updated",
        1,
        0,
    )
    assert (items["logs"]["type"], items["events"]["type"]) == ("log.error", "exchange.completed")
    assert items["logs"]["refId"] == items["logs"]["data"]["refId"]
    assert {item["data"]["tenantId"] for item in items.values()} == {"acme"}


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_a_reader_gets_each_event_once_in_the_order_of_its_source(feed, sequenced, logged, store, limit):
    sequenced(*[f"a{place}" for place in range(4)])
    logged("l0", "l1")
    logged("l2")
    store.add("acme", [fact("e0"), fact("e1")])

    found, cursor = [], "beginning"
    while True:
        answer = feed(cursor, limit=str(limit))
        assert len(answer["items"]) <= limit
        found += answer["items"]
        cursor = answer["cursor"]
        if not answer["items"]:
            break

    for source, count in {"audit": 4, "logs": 3, "events": 2}.items():
        assert [item["sequence"] for item in found if item["source"] == source] == [*range(1, count + 1)]
    assert len({item["refId"] for item in found}) == 9
    assert feed(cursor)["items"] == []


def test_an_item_is_the_same_whenever_it_is_read(feed, sequenced):
    sequenced("a", "b", "c")
    whole = feed()["items"]

    cursor = feed(limit="1")["cursor"]

    assert feed(cursor)["items"] == whole[1:]
    assert feed(cursor)["items"] == whole[1:]


def test_without_a_cursor_it_begins_now(feed, sequenced, logged, store):
    sequenced("before")
    logged("before")
    store.add("acme", [fact("before")])

    begun = feed(after=None)
    assert begun["items"] == []
    sequenced("after")
    logged("after")
    store.add("acme", [fact("after")])

    assert names(feed(begun["cursor"])) == ["after"] * 3


def test_types_and_a_filter_select(feed, sequenced, logged):
    sequenced("post-1", action="blog_post.updated")
    sequenced("post-2", action="blog_post.approved")
    sequenced("i-1", action="invoice.sent")
    logged("disk full", kind="error")

    assert names(feed(events="audit.blog_post.*")) == ["post-1", "post-2"]
    assert names(feed(events="audit.invoice.sent,log.error")) == ["i-1", "disk full"]
    assert names(feed(events="audit.*", filter=json.dumps({"resourceId": [{"prefix": "post-"}]}))) == [
        "post-1",
        "post-2",
    ]
    assert names(feed(filter=json.dumps({"$or": [{"resourceId": ["i-1"]}, {"level": ["error"]}]}))) == [
        "i-1",
        "disk full",
    ]


def test_a_filter_that_matches_nothing_moves_the_cursor(feed, sequenced):
    sequenced("a", "b")

    answer = feed(events="audit.invoice.*")

    assert answer["items"] == []
    sequenced("c", action="invoice.sent")
    assert names(feed(answer["cursor"])) == ["c"]


def test_a_source_that_the_cursor_lacks_begins_now(feed, sequenced, logged):
    sequenced("a")
    logged("before")
    cursor = feed(events="audit.*")["cursor"]

    begun = feed(cursor)
    logged("after")

    assert begun["items"] == []
    assert names(feed(begun["cursor"])) == ["after"]


def test_lines_that_are_no_longer_numbered_are_named_once(feed, logged, connect):
    logged("a", "b")
    begun = feed(events="log.*", limit="1")
    logged("c")
    connect("admin").log_batches.delete_one({"first": 1})

    answer = feed(begun["cursor"], events="log.*")

    assert answer["missed"] == [{"source": "logs", "from": 2, "to": 2}]
    assert names(answer) == ["c"]
    assert feed(answer["cursor"], events="log.*")["missed"] == []
    assert feed(events="log.*")["missed"] == []  # the beginning is the oldest that there is


def test_other_tenants_events_are_not_in_it(feed, sequenced, logged, store):
    sequenced("x", tenant_id="globex")
    logged("x", tenant_id="globex")
    store.add("globex", [fact("x", "globex")])

    assert feed()["items"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"after": "abc"}, "/after"),
        ({"after": "W10"}, "/after"),
        ({"after": "beginning!"}, "/after"),
        ({"after": encode("globex", {"audit": 1})}, "/after"),
        ({"after": encode("acme", {"audit": -1})}, "/after"),
        ({"after": encode("acme", {"audit": 1.5})}, "/after"),
        ({"after": encode("acme", {"audit": True})}, "/after"),
        ({"events": "blog_post.updated"}, "/events"),
        ({"events": "audit.*,"}, "/events"),
        ({"events": ",".join(["audit.*"] * 51)}, "/events"),
        ({"filter": "{"}, "/filter"),
        ({"filter": "[]"}, "/filter"),
        ({"filter": '{"amount": [{"numeric": ["<>", 1]}]}'}, "/filter/amount/0/numeric"),
        ({"limit": "501"}, "/limit"),
        ({"wait": "9"}, "/wait"),
        ({"surprise": "1"}, "/surprise"),
    ],
)
def test_wrong_parameters_are_refused(get, query, pointer):
    status, problem = get(query={"wait": "0", **query})

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])


def test_who_may_follow_whom(get, sequenced):
    sequenced("a")
    begin = {"wait": "0", "after": "beginning"}

    assert get(role="producer", query=begin)[0] == 403
    assert get(role="super_admin", tenants=(), query=begin)[0] == 422  # names no tenant
    assert get(role="super_admin", tenants=(), query={**begin, "tenantId": "null"})[0] == 422
    assert names(get(role="super_admin", tenants=(), query={**begin, "tenantId": "acme"})[1]) == ["a"]
    assert get(query={**begin, "tenantId": "globex"})[0] == 404


def test_following_is_audited_for_auditors_and_crossings(get, bus):
    begin = {"wait": "0", "events": "audit.*"}

    get(query=begin)
    assert bus.of("Record Audit Event") == []
    get(role="auditor", query=begin)
    get(role="super_admin", tenants=(), query={**begin, "tenantId": "acme"})

    assert [event["action"] for event in bus.of("Record Audit Event")] == ["feed.followed", "tenant.crossed"]


LONG = 3600  # seconds, of which none passes


# ---- the reader, over sources that a test has in its hand


class Listed:
    """A source of a list of events."""

    def __init__(self, name="audit", size=100):
        self.name, self.size = name, size
        self.events = []

    def add(self, *types):
        for each in types:
            number = len(self.events) + 1
            item = Item(number, f"{number:026}")
            self.events.append(
                Event(self.name, item, each, NOON + timedelta(seconds=number), {"text": "x" * self.size})
            )

    def last(self, _):
        return len(self.events)

    def after(self, _, sequence, limit):
        found = self.events[sequence : sequence + limit]
        return SourcePage(found, sequence + len(found))


@pytest.fixture
def listed():
    return Listed()


def read_all(source, limit=500, wait=0, patterns=("*",), sleep=lambda _: None, after=0):
    """One page of the reader."""
    reader = FeedReader({"audit": source}, sleep)
    of = Subscription(["audit.*" if pattern == "*" else pattern for pattern in patterns], None)
    return reader.read("acme", of, {"audit": after}, limit, wait)


def test_it_waits_until_an_event_comes(listed):
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            listed.add("audit.post.updated")

    page = read_all(listed, wait=LONG, sleep=sleep)

    assert len(page.items) == 1
    assert len(pauses) == 3


def test_it_does_not_wait_where_there_are_events(listed):
    listed.add("audit.post.updated")

    def sleep(_):
        raise AssertionError("waited")

    assert len(read_all(listed, wait=LONG, sleep=sleep).items) == 1


def test_what_following_records_ends_no_wait_and_is_not_lost(listed):
    listed.add("audit.feed.followed")
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            listed.add("audit.tenant.crossed", "audit.post.updated")

    page = read_all(listed, wait=LONG, sleep=sleep)

    assert [item["type"] for item in page.items] == [
        "audit.feed.followed",
        "audit.tenant.crossed",
        "audit.post.updated",
    ]
    assert len(pauses) == 2


def test_it_looks_through_many_events_for_few_matches(listed, monkeypatch):
    monkeypatch.setattr(reading, "_READ", 10)
    listed.add(*["audit.post.updated"] * 95, "audit.invoice.sent")

    page = read_all(listed, patterns=("audit.invoice.*",))

    assert [item["sequence"] for item in page.items] == [96]


def test_it_says_where_there_is_more_than_one_request_reads(listed, monkeypatch):
    monkeypatch.setattr(reading, "_READ", 10)
    listed.add(*["audit.post.updated"] * 250, "audit.invoice.sent")

    page = read_all(listed, patterns=("audit.invoice.*",))
    assert (page.items, page.more, page.positions) == ([], True, {"audit": 200})

    page = read_all(listed, patterns=("audit.invoice.*",), after=200)
    assert [item["sequence"] for item in page.items] == [251]


def test_an_answer_has_at_most_five_megabytes_and_at_least_one_event():
    source = Listed(size=1_500_000)
    source.add(*["audit.post.updated"] * 5)

    pages, at = [], 0
    while at < 5:
        page = read_all(source, after=at)
        pages.append([item["sequence"] for item in page.items])
        assert len(orjson.dumps(orjson.dumps(page.items).decode())) < MOST_BYTES * 1.01
        at = page.positions["audit"]

    assert pages == [[1, 2, 3], [4, 5]]
    huge = Listed(size=6_000_000)
    huge.add("audit.post.updated", "audit.post.updated")
    assert [item["sequence"] for item in read_all(huge).items] == [1]


def test_sources_are_merged_by_time():
    audit, logs = Listed(), Listed("logs")
    audit.add(*["audit.post.updated"] * 3)
    logs.add(*["log.app"] * 3)
    logs.events[0] = logs.events[0]._replace(occurred_on=NOON + timedelta(minutes=1))  # holds back those behind it
    reader = FeedReader({"audit": audit, "logs": logs}, lambda _: None)
    of = Subscription(["audit.*", "log.*"], None)

    page = reader.read("acme", of, {"audit": 0, "logs": 0}, 4, 0)

    assert [(item["source"], item["sequence"]) for item in page.items] == [
        ("audit", 1),
        ("audit", 2),
        ("audit", 3),
        ("logs", 1),
    ]
    assert page.positions == {"audit": 3, "logs": 1}
    assert page.more
