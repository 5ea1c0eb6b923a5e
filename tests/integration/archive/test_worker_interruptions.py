"""Stopped in time, killed or overtaken at every step: a month ends as exactly the same objects."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count

import orjson
import pytest
from botocore.client import BaseClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chancery.core.aws.objects import PART_BYTES
from chancery.core.errors import Unavailable
from tests.fakes import FakeQueue, Loop
from tests.integration.archive.conftest import long_time
from tests.integration.archive.reading import file_of, lines_of
from tests.integration.archive.test_worker_failures import no_time

pytestmark = pytest.mark.usefixtures("small")


class Crash(BaseException):
    """The process is gone; nothing in the code may catch this."""


# Every step that something outside of the process can see, or that sees something of it.
READING = ((Collection, ("find", "find_one")),)
WRITING = ((Collection, ("insert_one", "update_one", "delete_many")), (FakeQueue, ("send",)))
EITHER = ((BaseClient, ("_make_api_call",)),)
COMMITTING = ((ClientSession, ("commit_transaction",)),)
TO_BE_KILLED_AT = WRITING + EITHER + COMMITTING
TO_BE_OVERTAKEN_AT = READING + WRITING + EITHER


@dataclass
class Steps:
    """Counts the steps of one worker, and does something just before or just after one of them."""

    place: int
    event: Callable[[], None]
    taken: int = 0
    happened: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        with self.lock:
            self.taken += 1
            if self.happened or self.taken != self.place:
                return
            self.happened = True
        self.event()


@contextmanager
def at_step(place: int, event: Callable[[], None], kinds: tuple) -> Iterator[Steps]:
    """Has an event happen at a step; one that does not kill, not within a transaction: others have to wait for it."""
    steps = Steps(place, event)

    def wrap(real):
        def step(*args, **kwargs):
            if kinds == TO_BE_OVERTAKEN_AT and kwargs.get("session"):
                return real(*args, **kwargs)
            steps.take()
            result = real(*args, **kwargs)
            steps.take()
            return result

        return step

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in kinds:
            for name in names:
                patch.setattr(owner, name, wrap(getattr(owner, name)))
        yield steps


def crash() -> None:
    raise Crash


def deliver(worker: Loop, message: dict, remaining_ms: Callable[[], int] = long_time) -> int:
    """Delivers a message, again where that fails, and those that the worker sends; how many."""
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
    """Plans the month as if for the first time, into a bucket of its own."""

    def begin(bucket: str) -> dict:
        make_bucket(bucket)
        for collection in (connect("admin").archive_partitions, connect("admin").archive_parts):
            collection.delete_many({})
        return plan()

    return begin


@pytest.fixture
def expected(records, again, make_worker, archived) -> dict[str, bytes]:
    """What a worker makes of the month whom nobody disturbs."""
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
    message, worker = again("pieces"), make_worker("pieces", FakeQueue())

    delivered = deliver(worker, message, no_time)

    assert delivered == 4  # three parts, then what stands beside them
    check("pieces", message)


def test_progress_shows_while_a_month_is_under_way(records, again, make_worker, stored):
    message, worker = again("pieces"), make_worker("pieces", FakeQueue())

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


@pytest.mark.parametrize("remaining_ms", [long_time, no_time], ids=["at once", "in pieces"])
def test_killed_at_every_step_a_month_ends_the_same(again, make_worker, check, remaining_ms):
    for place in count(1):
        bucket = f"killed-{place}"
        message = again(bucket)
        with at_step(place, crash, TO_BE_KILLED_AT) as steps, suppress(Crash):
            deliver(make_worker(bucket, FakeQueue()), message, remaining_ms)

        deliver(make_worker(bucket, FakeQueue()), message)

        check(bucket, message, f"killed at step {place}")
        if not steps.happened:
            break
    assert place > 50


@pytest.mark.parametrize("proof_bytes", [1, PART_BYTES], ids=["a proof in parts", "a proof in one piece"])
def test_overtaken_at_every_step_by_another_worker_a_month_ends_the_same(again, make_worker, check, proof_bytes):
    def proving(bucket: str) -> Loop:
        loop = make_worker(bucket, FakeQueue())
        worker = loop.worker
        return replace(loop, worker=replace(worker, finalizer=replace(worker.finalizer, part_bytes=proof_bytes)))

    for place in count(1):
        bucket = f"overtaken-{place}"
        message = again(bucket)
        other = proving(bucket)

        def event(other=other, message=message):
            deliver(other, message)

        with at_step(place, event, TO_BE_OVERTAKEN_AT) as steps:
            deliver(proving(bucket), message)

        check(bucket, message, f"overtaken at step {place}")
        if not steps.happened:
            break
    assert place > 50


def test_overtaken_and_then_killed_the_message_that_comes_again_tidies_up(again, make_worker, check):
    """The other one is done before this one begins an upload that nobody will end."""
    for place in count(1):
        bucket = f"both-{place}"
        message = again(bucket)
        other = make_worker(bucket, FakeQueue())

        def event(other=other, message=message):
            deliver(other, message)
            steps.place, steps.happened = steps.taken + 2, False
            steps.event = crash

        with at_step(place, event, TO_BE_OVERTAKEN_AT) as steps, suppress(Crash):
            deliver(make_worker(bucket, FakeQueue()), message)
        happened = steps.happened or steps.event is crash

        deliver(make_worker(bucket, FakeQueue()), message)

        check(bucket, message, f"overtaken at step {place}")
        if not happened:
            break


def test_two_workers_at_the_same_time_write_a_month_once(again, make_worker, check):
    for number in range(10):
        bucket = f"competing-{number}"
        message = again(bucket)
        start = threading.Barrier(2)
        failures: list[BaseException] = []

        def work(bucket=bucket, message=message, start=start, failures=failures):
            try:
                start.wait()
                deliver(make_worker(bucket, FakeQueue()), message)
            except BaseException as exc:
                failures.append(exc)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for thread in workers:
            thread.start()
        for thread in workers:
            thread.join()

        assert failures == []
        check(bucket, message)
