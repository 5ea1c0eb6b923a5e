"""`GET /v1/audit-logs/stream`: records in the order of their tenant's log, each once however often a reader is cut."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock

import pytest

from chancery.audit import feed
from chancery.audit.feed import AuditFeed, FeedQuery
from chancery.audit.store import AuditStore
from chancery.core.detectors import SHARED
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.request import Call, Request
from chancery.sealing.store import LogStore
from tests.builders import at, http, principal, record, sequence, writer

PATH = "/v1/audit-logs/stream"
CALLER = Principal("user-1", Role.USER, ("acme",))


@pytest.fixture
def stored(connect):
    """Stores records of a tenant, each named by its resourceId, and gives them their places in the log."""

    def insert(*names, tenant_id="acme", sequenced=True, **changes):
        records = [record(tenant_id, resourceId=name, **changes) for name in names]
        writer(connect("writer")).insert(records)
        if sequenced:
            sequence(connect("sealer"), tenant_id)

    return insert


@pytest.fixture
def send(call):
    def invoke(role="user", query=None, headers=None, **caller):
        request = http("GET", PATH, caller=principal(role, **caller), query={"wait": "0", **(query or {})})
        return call("follow_audit_logs", {**request, "headers": headers or {}}, "reader")[:2]

    return invoke


@pytest.fixture
def follow(send):
    """The resourceIds after an id, and the id to go on after."""

    def invoke(last="0", role="user", query=None, **caller):
        status, text = send(role, query, {"Last-Event-ID": last} if last is not None else {}, **caller)
        assert status == 200
        return parsed(text)

    return invoke


def parsed(text):
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    found = [json.loads(block["data"]) for block in blocks if "data" in block]
    assert [item["sequence"] for item in found] == [int(block["id"]) for block in blocks if "data" in block]
    assert blocks[0] == {"retry": "250"}
    return [item["resourceId"] for item in found], blocks[-1]["id"]


def test_records_come_in_the_order_of_the_log_whenever_they_happened(stored, follow):
    stored("a", createdOn=at(900))
    stored("b", createdOn=at(1))
    stored("c", createdOn=at(5))
    stored("x", tenant_id="globex")

    assert follow() == (["a", "b", "c"], "3")
    assert follow("1") == (["b", "c"], "3")
    assert follow("3") == ([], "3")


def test_a_record_without_a_place_in_the_log_comes_once_it_has_one(stored, follow, connect):
    stored("a")
    stored("b", "c", sequenced=False)
    assert follow("1") == ([], "1")

    sequence(connect("sealer"), "acme")

    assert sorted(follow("1")[0]) == ["b", "c"]


def test_without_an_id_a_reader_begins_now_and_is_given_the_id_to_go_on_after(stored, follow):
    assert follow(None) == ([], "0")
    stored("a", "b")

    assert follow(None) == ([], "2")
    assert sorted(follow(None, query={"after": "0"})[0]) == ["a", "b"]
    assert follow("2", query={"after": "0"}) == ([], "2")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"actorId": "b-1"}, ["b"]),
        ({"action": "invoice.*"}, ["c"]),
        ({"q": "purple"}, ["d"]),
        ({"resourceId": "a"}, ["a"]),
        ({"from": at(0), "to": at(2)}, ["e"]),
    ],
)
def test_filters_of_the_search_apply_and_the_id_moves_past_what_they_leave_out(stored, follow, query, expected):
    stored("a")
    stored("b", actorId="b-1")
    stored("c", action="invoice.sent", resourceType="invoice")
    stored("d", description="a purple post")
    stored("e", createdOn=at(1))

    assert follow(query=query) == (expected, "5")


def test_a_reader_with_a_rare_filter_goes_through_a_long_log_once(stored, connect, monkeypatch):
    monkeypatch.setattr(feed, "_PAGE", 3)
    for name in range(10):
        stored(f"p{name}")
    stored("rare", actorId="rare")
    reader = audit_feed(connect, sleep=lambda _: pytest.fail("there is more to read"))

    assert parsed(reader.follow(read_call(after=0, actorId="rare")).body) == (["rare"], "11")


def test_an_answer_is_bounded_and_the_next_one_goes_on(stored, follow, monkeypatch):
    monkeypatch.setattr(feed, "_MOST_BYTES", 2000)
    stored(*(f"p{n}" for n in range(9)))
    found, last, answers = [], "0", 0
    while len(found) < 9:
        names, last = follow(last)
        found, answers = found + names, answers + 1

    assert sorted(found) == [f"p{n}" for n in range(9)]
    assert answers > 2


def test_a_reader_waits_and_is_answered_as_soon_as_a_record_is_stored(stored, connect):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            stored("late")

    answer = audit_feed(connect, sleep).follow(read_call(wait=5))

    assert parsed(answer.body) == (["late"], "1")
    assert len(slept) == 2


def test_what_following_itself_records_does_not_end_a_wait(stored, connect):
    steps = count()

    def sleep(_):
        step = next(steps)
        if step == 0:
            stored("own", action="audit_log.followed", resourceType="audit_log")
        if step == 3:
            stored("other")

    answer = audit_feed(connect, sleep).follow(read_call(wait=5))

    assert parsed(answer.body) == (["own", "other"], "2")
    assert next(steps) == 4


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "9" * 20, "7"])
def test_an_id_that_the_log_has_not_given_is_refused(stored, send, last):
    stored("a")

    status, problem = send(headers={"Last-Event-ID": last})

    assert (status, problem["errors"][0]["pointer"]) == (422, "/Last-Event-ID")


def test_another_tenants_records_are_not_there(stored, send, follow):
    stored("a")

    assert follow(tenants=("globex",)) == ([], "0")
    assert send(tenants=("globex",), query={"tenantId": "acme"})[0] == 404
    assert send("super_admin", tenants=())[1]["errors"][0]["pointer"] == "/tenantId"
    assert send("producer")[0] == 403


def test_each_connection_of_an_auditor_and_across_tenants_is_audited(stored, follow, bus):
    stored("a")
    stored("own", tenant_id=None)

    follow(role="auditor", query={"actorId": "user-1"})
    follow(role="super_admin", tenants=(), query={"tenantId": "acme"})
    assert follow(role="super_admin", tenants=(), query={"tenantId": "null"}) == (["own"], "1")

    events = bus.of("Record Audit Event")
    assert [event["action"] for event in events] == ["audit_log.followed", "tenant.crossed"]
    assert events[0]["metadata"] == {"filters": ["actorId"]}


def test_readers_that_are_cut_at_random_have_each_record_once_while_others_write_and_sequence(connect):
    names = [f"{part}:{n}" for part in range(4) for n in range(60)]

    def write(part):
        own = [name for name in names if name.startswith(f"{part}:")]
        for begin in range(0, len(own), 4):
            records = [record("acme", resourceId=name) for name in own[begin : begin + 4]]
            writer(connect("writer")).insert(records)

    def read(seed):
        reader, chance, found, last = audit_feed(connect, sleep=seal), random.Random(seed), [], "0"
        while len(found) < len(names):
            some, following = parsed(reader.follow(read_call(last)).body)
            if chance.random() < 0.7:  # else the answer is lost on its way
                found, last = found + some, following
        return found

    def seal(_):
        with sealing:
            sequence(connect("sealer"), "acme")

    sealing = Lock()
    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(write, part) for part in range(4)]
        readers = [pool.submit(read, seed) for seed in range(4)]
        for done in written:
            done.result()
        results = [reader.result() for reader in readers]

    assert sorted(results[0]) == sorted(names)
    assert all(result == results[0] for result in results)


class Silent:
    def record(self, *_, **__): ...


def audit_feed(connect, sleep):
    database = connect("reader")
    return AuditFeed(AuditStore(database), LogStore(database), Silent(), sleep)


def read_call(last="", wait=5, **query):
    headers = {"last-event-id": last} if last else {}
    asked = FeedQuery.model_validate({"wait": wait, **query})
    return Call(Request("GET", PATH, headers, {}, b"", CALLER, SHARED), {}, asked, None, lambda: 10_000)
