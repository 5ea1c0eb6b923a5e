"""The sequence that live views follow: every line once, in order, whatever writers do and where they are killed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from bson import ObjectId
from pymongo.errors import AutoReconnect

from chancery.core.formats.times import now
from chancery.core.mongo.client import DURABLE
from chancery.logs.collections import BY_KIND, LOG_BATCHES
from chancery.logs.groups.occurrences import ErrorOccurrences
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry, ScopedEntry
from chancery.logs.kinds import KINDS_BY_NAME
from chancery.logs.recorder import LogRecorder
from chancery.logs.sequence import ABANDONED, RESUMABLE, LogSequence
from chancery.logs.store import LogStore
from tests.integration.logs.conftest import app, entry

APP, ERROR = KINDS_BY_NAME["app"], KINDS_BY_NAME["error"]


def scoped(text, tenant="acme", kind=APP, **fields):
    defaults = Defaults("crm", **{name: fields.pop(name) for name in ("seed", "sent_on", "place") if name in fields})
    return ScopedEntry(EntryValidator().validate(IncomingEntry(kind, {"message": text, **fields}, defaults)), tenant)


@pytest.fixture
def recorder(connect, store, sequence):
    return LogRecorder(store, sequence, ErrorOccurrences(connect("writer")))


def new_recorder(database):
    """The recorder of an execution environment of its own."""
    store = LogStore(database)
    return LogRecorder(store, LogSequence(database, store), ErrorOccurrences(database))


@pytest.fixture
def follow(tail):
    """Returns the texts of a tenant's lines beyond a number, read in steps, with their numbers."""

    def read(after=0, step=500, tenant="acme"):
        found = []
        while True:
            following = tail.after(tenant, after, step)
            found += [(item.sequence, item.line["message"]) for item in following.lines]
            if following.last == after:
                return found
            after = following.last

    return read


def texts(numbered):
    return [text for _, text in numbered]


def test_lines_have_the_numbers_from_one_in_the_order_of_their_batches(recorder, follow, tail):
    recorder.record([scoped("a"), scoped("b")])
    recorder.record([scoped("c")])

    assert follow() == [(1, "a"), (2, "b"), (3, "c")]
    assert tail.last("acme") == 3
    assert tail.last("globex") == 0


def test_each_tenant_has_a_sequence_of_its_own_over_all_kinds(recorder, follow, tail):
    recorder.record([scoped("a"), scoped("b", "globex"), scoped("c", kind=ERROR), scoped("d", None)])

    assert sorted(texts(follow())) == ["a", "c"]
    assert follow(tenant="globex") == [(1, "b")]
    assert follow(tenant=None) == [(1, "d")]
    assert {item.kind for item in tail.after("acme", 0, 9).lines} == {"app", "error"}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 500])
def test_a_follower_resumes_at_any_number_within_a_batch_too(recorder, follow, step):
    for size in (3, 1, 5):
        recorder.record([scoped(f"{size}.{place}") for place in range(size)])

    whole = follow()

    assert [number for number, _ in whole] == [*range(1, 10)]
    for after in range(10):
        assert follow(after, step) == whole[after:]


def test_many_single_lines_are_read_in_few_queries(recorder, tail, connect):
    for place in range(20):
        recorder.record([scoped(str(place))])

    following = tail.after("acme", 5, 10)

    assert [item.line["message"] for item in following.lines] == [str(place) for place in range(5, 15)]
    assert following.last == 15


def test_repeated_lines_have_the_number_of_their_first_delivery(deliver, follow):
    first, second = entry(app("a")), entry(app("b"))

    deliver(first)
    deliver(first, second)
    deliver(first, second)

    assert follow() == [(1, "a"), (2, "b")]


def test_a_delivery_without_a_new_line_leaves_no_batch(deliver, connect):
    sent = entry(app("a"))

    deliver(sent)
    deliver(sent)

    assert connect("reader").log_batches.count_documents({}) == 1


def test_concurrent_writers_of_a_tenant_leave_no_gap_and_no_double(connect, follow):
    database = connect("writer")

    def write(writer):
        recorder = new_recorder(database)
        for place in range(12):
            sent = {"seed": f"{writer}.{place}", "sent_on": now()}  # as a request or an event has them
            recorder.record([scoped(f"{writer}.{place}.{line}", **sent, place=line) for line in range(3)])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))

    found = follow()
    assert [number for number, _ in found] == [*range(1, 6 * 12 * 3 + 1)]
    assert len(set(texts(found))) == len(found)
    for writer in range(6):
        own = [text.split(".") for text in texts(found) if text.startswith(f"{writer}.")]
        assert [(int(place), int(line)) for _, place, line in own] == [(p, q) for p in range(12) for q in range(3)]


def test_a_follower_that_reads_while_others_write_sees_every_line_once(connect, tail):
    database = connect("writer")

    def write(writer):
        recorder = new_recorder(database)
        for place in range(25):
            recorder.record([scoped(f"{writer}.{place}")])

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, writer) for writer in range(4)]
        seen, after = [], 0
        while len(seen) < 100:
            following = tail.after("acme", after, 7)
            assert following.missed is None
            seen += following.lines
            after = following.last
            for writer in writers:
                if writer.done():
                    writer.result()

    assert [item.sequence for item in seen] == [*range(1, 101)]
    assert len({item.line["refId"] for item in seen}) == 100


def killed(*_, **__):
    raise KeyboardInterrupt


def test_lines_of_a_writer_that_was_killed_are_numbered_by_the_sweeper(
    recorder, sequence, follow, connect, monkeypatch
):
    recorder.record([scoped("before")])
    with monkeypatch.context() as patch:
        patch.setattr(LogSequence, "number", killed)
        with pytest.raises(KeyboardInterrupt):
            recorder.record([scoped("lost a"), scoped("lost b")])
    recorder.record([scoped("after")])
    assert texts(follow()) == ["before", "after"]
    assert sequence.sweep() == 0  # it may still be at work

    assert later(connect, sequence).sweep() == 1

    assert texts(follow()) == ["before", "after", "lost a", "lost b"]
    assert later(connect, sequence).sweep() == 0


def later(connect, sequence):
    """The sequence as the sweeper has it when writers that were killed are known to be gone."""
    database = connect("writer")
    after = ABANDONED + timedelta(seconds=1)
    return LogSequence(database, LogStore(database), clock=lambda: now() + after)


def test_a_writer_that_was_killed_before_its_lines_leaves_nothing_and_its_redelivery_is_numbered_once(
    recorder, sequence, follow, connect, monkeypatch
):
    sent = {"seed": "event-1", "sent_on": now()}
    with monkeypatch.context() as patch:
        patch.setattr(LogStore, "insert", killed)
        with pytest.raises(KeyboardInterrupt):
            recorder.record([scoped("a", **sent)])
    recorder.record([scoped("a", **sent)])

    assert later(connect, sequence).sweep() == 1

    assert follow() == [(1, "a")]
    assert connect("reader").log_batches.count_documents({}) == 1


def test_a_redelivery_after_a_kill_between_lines_and_number_does_not_double_them(
    recorder, sequence, follow, connect, monkeypatch
):
    sent = {"seed": "event-1", "sent_on": now()}
    with monkeypatch.context() as patch:
        patch.setattr(LogSequence, "number", killed)
        with pytest.raises(KeyboardInterrupt):
            recorder.record([scoped("a", **sent)])
    recorder.record([scoped("a", **sent), scoped("b", **sent, place=1)])

    later(connect, sequence).sweep()

    assert sorted(texts(follow())) == ["a", "b"]
    assert [number for number, _ in follow()] == [1, 2]


def test_two_sweepers_and_the_writer_number_a_batch_once(recorder, sequence, follow, connect, store):
    batch = sequence.new("acme", APP)
    sequence.begin([batch])
    line = recorder_line(batch)
    store.insert("app", [line])
    first, second = later(connect, sequence), later(connect, sequence)

    first.sweep()
    sequence.number({batch: 1})
    second.sweep()
    recorder.record([scoped("next")])

    assert follow() == [(1, "late"), (2, "next")]


def recorder_line(batch):
    return {
        "_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "refId": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "tenantId": "acme",
        "createdBy": "crm",
        "createdOn": batch.created_on,
        "level": "info",
        "message": "late",
        "batch": batch.id,
        "expiresOn": batch.lines_expire_on,
    }


def test_while_numbers_cannot_be_written_lines_are_stored_all_the_same(deliver, lines, follow, connect, monkeypatch):
    def away(*_, **__):
        raise AutoReconnect("away")

    with monkeypatch.context() as patch:
        patch.setattr("pymongo.collection.Collection.bulk_write", away)
        assert deliver(entry(app("a"))) == []
    assert len(lines()) == 1

    later(connect, None).sweep()

    assert follow() == [(1, "a")]


def test_the_newest_batch_of_a_tenant_never_expires_and_its_predecessors_do(recorder, connect):
    for text in "abc":
        recorder.record([scoped(text)])

    first, second, third = connect("reader").log_batches.find().sort("first")

    assert "expiresOn" not in third
    assert first["expiresOn"] <= second["expiresOn"]
    assert now() + RESUMABLE - timedelta(minutes=1) < second["expiresOn"] <= now() + RESUMABLE


def test_a_follower_that_was_away_for_too_long_is_told_which_numbers_it_missed(recorder, tail, connect):
    for text in "abc":
        recorder.record([scoped(text)])
    connect("admin").log_batches.delete_many({"expiresOn": {"$exists": True}})  # as the TTL monitor does, days later

    following = tail.after("acme", 1, 10)

    assert [item.sequence for item in following.lines] == [3]
    assert following.missed == (2, 2)
    recorder.record([scoped("d")])
    assert [item.sequence for item in tail.after("acme", 3, 10).lines] == [4]


def test_a_new_execution_environment_goes_on_behind_the_newest_number(connect, follow):
    database = connect("writer")
    for place in range(3):
        new_recorder(database).record([scoped(str(place))])

    assert follow() == [(1, "0"), (2, "1"), (3, "2")]


def test_numbers_are_given_up_to_the_sweeper_where_others_are_always_faster(connect, store, sequence, monkeypatch):
    numbers = connect("admin").get_collection(LOG_BATCHES.name, write_concern=DURABLE)
    tail = LogSequence._tail

    def slow(self, tenant_id):
        found = tail(self, tenant_id)
        taken = {"_id": ObjectId().binary, "tenantId": tenant_id, "kind": "app", "first": found.next, "count": 1}
        numbers.insert_one({**taken, "createdOn": now(), "linesExpireOn": now()})
        return found

    monkeypatch.setattr(LogSequence, "_tail", slow)
    batch = sequence.new("acme", APP)
    sequence.begin([batch])

    sequence.number({batch: 1})

    assert numbers.find_one({"_id": batch.id})["pending"] is True


@pytest.mark.parametrize("kind", BY_KIND)
def test_the_lines_of_a_batch_are_found_by_an_index(connect, kind):
    collection = connect("admin")[BY_KIND[kind].name]
    query = {"expiresOn": {"$in": [now()]}, "batch": {"$in": [ObjectId().binary]}}

    plan = collection.find(query).explain()["queryPlanner"]["winningPlan"]

    assert "expiresOn_1" in str(plan)
    assert "COLLSCAN" not in str(plan)


def test_numbers_that_could_not_be_stored_are_not_taken_for_used(recorder, connect, monkeypatch, tail):
    """Else the next batch would leave a gap, which another writer would fill behind its readers."""
    recorder.record([scoped("a")])
    bulk_write, failing = type(recorder.sequence._batches).bulk_write, [True]

    def away(collection, changes, **options):
        if failing.pop():
            raise AutoReconnect("away")
        return bulk_write(collection, changes, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(recorder.sequence._batches), "bulk_write", away)
        recorder.record([scoped("b")])  # stored, and numbered by the sweeper later
    recorder.record([scoped("c")])

    assert [(line.sequence, line.line["message"]) for line in tail.after("acme", 0, 10).lines] == [(1, "a"), (2, "c")]
