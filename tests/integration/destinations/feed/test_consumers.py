"""Named consumers of the feed: what they get, what they have committed, and who may change them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chancery.core.errors import Conflict
from chancery.destinations.feed import store as stores
from chancery.destinations.feed.cursor import encode
from chancery.destinations.feed.store import ConsumerStore
from tests.integration.destinations.conftest import fact
from tests.integration.destinations.feed.conftest import names

ALL = {"events": ["*"], "startAfter": "beginning"}


@pytest.fixture
def read(get):
    """The next events of a consumer without waiting."""

    def events(name="siem", **query):
        status, answer = get(f"/consumers/{name}/events", query={"wait": "0", **query})
        assert status == 200, answer
        return answer

    return events


@pytest.fixture
def commit(change):
    return lambda cursor, name="siem", **body: change("POST", f"{name}/commit", {"cursor": cursor, **body})


def test_a_consumer_is_created_once_and_changed_then(change, get):
    status, created = change("PUT", "siem", {"events": ["audit.*", "log.error"]})
    assert status == 201
    assert created["lag"] == {"audit": 0, "logs": 0}
    assert created["filter"] is None

    wanted = {"$or": [{"level": ["error"]}, {"action": [{"prefix": "post."}]}]}
    status, changed = change("PUT", "siem", {"events": ["audit.*"], "filter": wanted})

    assert status == 200
    assert (changed["refId"], changed["version"], changed["filter"]) == (created["refId"], 2, wanted)
    assert get("/consumers/siem")[1] == changed
    assert get("/consumers")[1] == {"items": [changed]}


def test_reading_moves_nothing_and_a_commit_moves_to_its_cursor(change, read, commit, get, sequenced, logged, store):
    change("PUT", "siem", ALL)
    sequenced("a", "b")
    logged("l")
    store.add("acme", [fact("e")])

    first = read(limit="2")
    assert read(limit="2") == first
    assert get("/consumers/siem")[1]["lag"] == {"audit": 2, "logs": 1, "events": 1}
    status, moved = commit(first["cursor"])

    assert status == 200
    assert sum(moved["lag"].values()) == 2
    assert moved["committedOn"]
    rest = read()
    assert sorted(names(first) + names(rest)) == ["a", "b", "e", "l"]
    assert commit(rest["cursor"])[1]["lag"] == {"audit": 0, "logs": 0, "events": 0}
    assert read()["items"] == []


def test_a_commit_moves_forward_only_unless_it_says_so(change, read, commit, sequenced):
    change("PUT", "siem", ALL)
    sequenced("a", "b")
    begin, first = read(limit="1"), None
    first = begin["cursor"]
    last = read()["cursor"]
    assert commit(last)[0] == 200

    assert commit(last)[0] == 200  # again
    assert commit(first)[0] == 409
    assert read()["items"] == []
    assert commit(first, rewind=True)[0] == 200

    assert names(read()) == ["b"]


def test_a_commit_that_is_behind_in_one_source_moves_none(change, read, commit, sequenced, logged):
    change("PUT", "siem", ALL)
    sequenced("a", "b")
    logged("l", "m")
    assert commit(encode("acme", {"audit": 1, "logs": 1, "events": 0}))[0] == 200

    assert commit(encode("acme", {"audit": 2, "logs": 0, "events": 0}))[0] == 409

    assert sorted(names(read())) == ["b", "m"]


def test_of_commits_at_once_the_newest_stays(change, connect):
    change("PUT", "siem", {"events": ["audit.*"], "startAfter": "beginning"})
    store = ConsumerStore(connect("writer"))
    consumer = store.get("acme", "siem")

    def move(at):
        try:
            store.commit(consumer, {"audit": at}, rewind=False)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(move, range(1, 17)))

    assert store.get("acme", "siem")["positions"]["audit"] == 16
    assert moved[-1]


@pytest.mark.parametrize(
    "cursor",
    [encode("globex", {"audit": 1}), encode("acme", {"audit": 2}), "damaged"],
    ids=["tenant", "beyond", "text"],
)
def test_a_cursor_that_the_feed_has_not_answered_with_is_refused(change, commit, sequenced, cursor):
    change("PUT", "siem", ALL)
    sequenced("a")

    status, problem = commit(cursor)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/cursor")


def test_a_changed_consumer_goes_on_where_it_was_and_a_new_source_begins_now(change, read, sequenced, logged):
    change("PUT", "siem", {"events": ["audit.*"], "startAfter": "beginning"})
    sequenced("a")
    logged("before")

    change("PUT", "siem", {"events": ["audit.*", "log.*"]})
    logged("after")

    assert sorted(names(read())) == ["a", "after"]


def test_a_consumer_is_of_its_tenant(change, get):
    change("PUT", "siem", ALL)

    other = {"tenants": ("globex",)}
    assert get("/consumers/siem", **other)[0] == 404
    assert get("/consumers", **other)[1] == {"items": []}
    assert change("POST", "siem/commit", {"cursor": encode("globex", {})}, **other)[0] == 404
    assert change("DELETE", "siem", **other)[0] == 404
    assert change("PUT", "siem", ALL, **other)[0] == 201


def test_a_deleted_consumer_is_gone_and_its_name_is_free(change, get, read, sequenced):
    change("PUT", "siem", ALL)
    assert change("DELETE", "siem")[0] == 204

    assert get("/consumers/siem")[0] == 404
    assert get("/consumers/siem/events", query={"wait": "0"})[0] == 404
    assert change("DELETE", "siem")[0] == 404
    sequenced("a")
    assert change("PUT", "siem", {"events": ["audit.*"]})[0] == 201
    assert read()["items"] == []


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("siem", {}, "/events"),
        ("siem", {"events": []}, "/events"),
        ("siem", {"events": ["post.updated"]}, "/events/0"),
        ("siem", {"events": ["*"], "filter": {"a": 1}}, "/filter/a"),
        ("siem", {"events": ["*"], "filter": {"a": ["ghp_" + "k7" * 18]}}, "/filter"),
        ("siem", {"events": ["*"], "startAfter": "yesterday"}, "/startAfter"),
        ("SIEM", {"events": ["*"]}, "/name"),
        ("a" * 65, {"events": ["*"]}, "/name"),
    ],
)
def test_wrong_settings_are_refused(change, connect, name, body, pointer):
    status, problem = change("PUT", name, body)

    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])
    assert "ghp_" not in str(problem)
    assert connect("reader").feed_consumers.count_documents({}) == 0


def test_a_tenant_has_so_many_consumers(change, monkeypatch):
    monkeypatch.setattr(stores, "MOST_CONSUMERS", 2)
    assert [change("PUT", name, ALL)[0] for name in ("a", "b", "c", "a")] == [201, 201, 409, 200]
    assert change("DELETE", "a")[0] == 204
    assert change("PUT", "c", ALL)[0] == 201


def test_changes_are_audited_and_one_that_cannot_be_does_not_happen(change, bus, get):
    change("PUT", "siem", ALL)
    change("PUT", "siem", {"events": ["audit.*"]})
    change("POST", "siem/commit", {"cursor": encode("acme", {})})
    bus.unavailable = True
    assert change("PUT", "siem", {"events": ["log.*"]})[0] == 503
    assert change("PUT", "other", ALL)[0] == 503
    assert change("DELETE", "siem")[0] == 503
    bus.unavailable = False

    (consumer,) = get("/consumers")[1]["items"]
    assert consumer["events"] == ["audit.*"]
    change("DELETE", "siem")
    events = bus.of("Record Audit Event")
    assert [event["action"] for event in events] == [
        "feed_consumer.created",
        "feed_consumer.updated",
        "feed_consumer.deleted",
    ]
    assert events[1]["metadata"]["after"] == {"events": ["audit.*"]}


def test_roles(change, get):
    change("PUT", "siem", ALL)

    assert change("PUT", "siem", ALL, role="auditor")[0] == 403
    assert change("POST", "siem/commit", {"cursor": encode("acme", {})}, role="auditor")[0] == 403
    assert change("DELETE", "siem", role="producer")[0] == 403
    assert get("/consumers/siem", role="auditor")[0] == 200
    assert change("PUT", "siem", ALL, role="super_admin", tenants=(), query={"tenantId": "acme"})[0] == 200
    assert change("PUT", "siem", ALL, role="super_admin", tenants=())[0] == 422
