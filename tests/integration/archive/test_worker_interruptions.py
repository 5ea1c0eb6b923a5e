"""Out of time, killed or overtaken at any step: a month ends as exactly the same objects."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import orjson
import pytest
from botocore.client import BaseClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chancery.core.aws.objects import PART_BYTES
from chancery.core.errors import Unavailable
from tests.crashes import Crash, Kinds, crash
from tests.fakes import FakeQueue, Loop
from tests.integration.archive.conftest import long_time
from tests.integration.archive.reading import file_of, lines_of
from tests.integration.archive.steps import Walk, at_step
from tests.integration.archive.test_worker_failures import no_time

pytestmark = pytest.mark.usefixtures("small")


# Every call that leaves the process.
READING: Kinds = ((Collection, ("find", "find_one")),)
WRITING: Kinds = ((Collection, ("insert_one", "update_one", "delete_many")), (FakeQueue, ("send",)))
EITHER: Kinds = ((BaseClient, ("_make_api_call",)),)
COMMITTING: Kinds = ((ClientSession, ("commit_transaction",)),)
TO_BE_KILLED_AT = WRITING + EITHER + COMMITTING
TO_BE_OVERTAKEN_AT = READING + WRITING + EITHER


def deliver(worker: Loop, message: dict, remaining_ms: Callable[[], int] = long_time) -> int:
    """Delivers a message until it succeeds, then the worker's own messages. Returns the number of deliveries."""
    waiting, delivered = [message], 0
    queue = worker.queue
    while waiting:
        delivered += 1
        try:
            worker.work(waiting[0], remaining_ms)
        except Unavailable:
            assert delivered < 20
            continue
        waiting = waiting[1:] + [orjson.loads(body) for body in queue.sent]
        queue.sent.clear()
    return delivered


@pytest.fixture
def records(insert, insert_unsealed, seal) -> list[dict]:
    """A month of three parts, with records that are older than the log."""
    stored = insert_unsealed(4) + insert(25)
    seal()
    return stored


@pytest.fixture
def again(connect, make_bucket, plan) -> Callable[[str], dict]:
    """Plans the month as if for the first time, into another bucket."""

    def begin(bucket: str) -> dict:
        make_bucket(bucket)
        for collection in (connect("admin").archive_partitions, connect("admin").archive_parts):
            collection.delete_many({})
        return plan()

    return begin


@pytest.fixture
def expected(records, again, make_worker, archived) -> dict[str, bytes]:
    """The archive that an uninterrupted worker writes."""
    message = again("undisturbed")
    make_worker("undisturbed").work(message, long_time)
    found = archived("undisturbed")
    assert file_of(found) == lines_of(records)
    assert len(found) == 4
    return found


@pytest.fixture
def check(expected, archived, stored, connect) -> Callable[..., None]:
    """That the month has ended as it should, and nothing is left of the work."""

    def compare(bucket: str, message: dict, hint: str = "") -> None:
        assert archived(bucket) == expected, hint
        partition = stored(message)
        assert (partition["state"], partition["records"], partition["uploadId"]) == ("archived", 29, None), hint
        assert connect("admin").archive_parts.count_documents({}) == 0, hint

    return compare


def test_a_worker_that_runs_short_of_time_is_carried_on_to_the_same_bytes(again, make_worker, check):
    message, worker = again("pieces"), make_worker("pieces")

    delivered = deliver(worker, message, no_time)

    assert delivered == 4  # three parts, then manifest, proof and index
    check("pieces", message)


def test_progress_shows_while_a_month_is_under_way(records, again, make_worker, stored):
    message, worker = again("pieces"), make_worker("pieces")

    worker.work(message, no_time)

    found = stored(message)
    assert (found["state"], found["records"]) == ("running", 10)
    assert found["bytes"] > 0
    assert len(worker.queue.sent) == 1


def test_the_same_message_twice_changes_nothing(again, make_worker, check, stored):
    message = again("twice")
    make_worker("twice").work(message, long_time)
    done = stored(message)

    make_worker("twice").work(message, long_time)

    assert stored(message) == done
    check("twice", message)


@pytest.fixture
def world(connect, s3) -> Callable[[str, FakeQueue], object]:
    """The state of all that a worker can change: partition, parts, queue, objects and uploads."""

    def look(bucket: str, queue: FakeQueue) -> object:
        found = [list(connect("admin")[name].find().sort("_id", 1)) for name in ("archive_partitions", "archive_parts")]
        uploads = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        parts = [
            [part["ETag"] for part in s3.list_parts(Bucket=bucket, Key=key, UploadId=upload_id).get("Parts", [])]
            for key, upload_id in ((upload["Key"], upload["UploadId"]) for upload in uploads)
        ]
        objects = [(item["Key"], item["ETag"]) for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return found, objects, [upload["UploadId"] for upload in uploads], parts, list(queue.sent)

    return look


@pytest.fixture
def walk(again, make_worker, world) -> Callable[..., Walk]:
    """The steps of a worker that nothing disturbs."""

    def go(make: Callable[[str], Loop], kinds: Kinds, remaining_ms: Callable[[], int] = long_time) -> Walk:
        message, worker = again("walked"), make("walked")
        run = partial(deliver, worker, message, remaining_ms)
        return Walk.of(run, lambda: world("walked", worker.queue), kinds)

    return go


@pytest.mark.parametrize(("remaining_ms", "states"), [(long_time, 20), (no_time, 23)], ids=["at once", "in pieces"])
def test_killed_in_every_state_a_month_ends_the_same(again, make_worker, check, walk, remaining_ms, states):
    places = walk(make_worker, TO_BE_KILLED_AT, remaining_ms).places
    assert len(places) == states

    for place in places:
        bucket = f"killed-{place}"
        message = again(bucket)
        with at_step(place, crash, TO_BE_KILLED_AT) as steps, suppress(Crash):
            deliver(make_worker(bucket), message, remaining_ms)
        assert steps.happened

        deliver(make_worker(bucket), message)

        check(bucket, message, f"killed at step {place}")


@pytest.mark.parametrize(
    ("proof_bytes", "steps"), [(1, 52), (PART_BYTES, 48)], ids=["a proof in parts", "a proof in one piece"]
)
def test_overtaken_at_every_step_by_another_worker_a_month_ends_the_same(
    again, make_worker, check, walk, proof_bytes, steps
):
    def proving(bucket: str) -> Loop:
        loop = make_worker(bucket)
        worker = loop.worker
        return replace(loop, worker=replace(worker, finalizer=replace(worker.finalizer, part_bytes=proof_bytes)))

    assert walk(proving, TO_BE_OVERTAKEN_AT).steps == steps

    for place in range(1, steps + 1):
        bucket = f"overtaken-{place}"
        message = again(bucket)
        with at_step(place, partial(deliver, proving(bucket), message), TO_BE_OVERTAKEN_AT) as taken:
            deliver(proving(bucket), message)
        assert taken.happened

        check(bucket, message, f"overtaken at step {place}")


def test_overtaken_and_then_killed_the_message_that_comes_again_tidies_up(again, make_worker, check, walk):
    """The other worker is done before this one changes something, begins an upload for example, and is killed."""
    changing = walk(make_worker, TO_BE_OVERTAKEN_AT).changing
    assert len(changing) == 16

    for place in changing:
        bucket = f"both-{place}"
        message = again(bucket)
        other = make_worker(bucket)

        def event(other=other, message=message):
            deliver(other, message)
            steps.place, steps.happened, steps.event = steps.taken + 1, False, crash

        with at_step(place, event, TO_BE_OVERTAKEN_AT) as steps, suppress(Crash):
            deliver(make_worker(bucket), message)
        assert steps.event is crash

        deliver(make_worker(bucket), message)

        check(bucket, message, f"overtaken at step {place}")


def test_two_workers_at_the_same_time_write_a_month_once(again, make_worker, check):
    for number in range(10):
        bucket = f"competing-{number}"
        message = again(bucket)
        start = threading.Barrier(2)
        failures: list[BaseException] = []

        def work(bucket=bucket, message=message, start=start, failures=failures):
            try:
                start.wait()
                deliver(make_worker(bucket), message)
            except BaseException as exc:
                failures.append(exc)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for thread in workers:
            thread.start()
        for thread in workers:
            thread.join()

        assert failures == []
        check(bucket, message)
