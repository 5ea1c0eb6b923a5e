"""The loop of work queues: one item's failure is its own, and ends in its document."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from chancery.core.aws.queue import ItemRef, Queue, batch_response
from chancery.core.aws.work_loop import Delivery, WorkLoop
from chancery.core.errors import ChanceryError, NotFound, Unavailable
from tests.builders import message
from tests.fakes import FakeQueue

ATTEMPTS = 3


@dataclass
class Recording:
    """A worker whose items raise the exceptions in `errors`, by reference id."""

    errors: dict[str, Exception] = field(default_factory=dict)
    rescheduled: bool = False
    storing: Exception | None = None
    worked: list[tuple[str, int, bool]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    name: ClassVar[str] = "test"

    def parse(self, message):
        return ItemRef.parse(message)

    def work(self, item: ItemRef, delivery: Delivery) -> None:
        assert delivery.remaining_ms() == 1000
        self.worked.append((item.ref_id, delivery.number, delivery.last))
        if item.ref_id in self.errors:
            raise self.errors[item.ref_id]

    def failed(self, item: ItemRef, reason: str) -> None:
        self.failures.append((item.ref_id, reason))
        if self.storing:
            raise self.storing


def sent(ref_id: str, receives: int = 1) -> dict:
    return message({"refId": ref_id, "tenantId": "acme"}, receives)


def consume(worker: Recording, *messages: dict, dead_letters=None) -> list[str]:
    """The messages to deliver again, which are deferred."""
    queue = FakeQueue()
    failed = WorkLoop(worker, queue, dead_letters or FakeQueue(), ATTEMPTS).consume(messages, lambda: 1000)
    assert failed == queue.deferred
    return failed


def ids(*messages: dict) -> list[str]:
    return [item["messageId"] for item in messages]


def test_every_item_of_a_batch_is_worked_on(caplog):
    worker = Recording()

    assert consume(worker, sent("a"), sent("b", receives=2), sent("c", receives=3)) == []

    assert worker.worked == [("a", 1, False), ("b", 2, False), ("c", 3, True)]
    assert (worker.failures, caplog.text) == ([], "")


@pytest.mark.parametrize("receives", [1, ATTEMPTS])
@pytest.mark.parametrize("body", ["", "{", "null", "7", "{}", '{"detail": {}}', '{"refId": [], "tenantId": null}'])
def test_a_malformed_message_is_deferred_and_its_neighbours_are_worked_on(body, receives, caplog):
    worker, malformed = Recording(), message(body, receives)

    assert consume(worker, sent("a"), malformed, sent("b")) == ids(malformed)

    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b"]
    assert worker.failures == []
    assert "MESSAGE_MALFORMED" in caplog.text


@pytest.mark.parametrize("receives", [1, ATTEMPTS])
def test_the_message_of_an_unknown_item_is_deleted(receives, caplog):
    worker = Recording({"gone": NotFound("There is no such thing.")})

    assert consume(worker, sent("gone", receives), sent("a")) == []

    assert worker.failures == []
    assert "ITEM_UNKNOWN" in caplog.text


@pytest.mark.parametrize("error", [Unavailable("S3 is away."), ChanceryError("It is damaged."), TypeError("hunter2")])
def test_an_error_in_the_middle_of_a_batch_defers_its_item_only(error, caplog):
    worker, middle = Recording({"b": error}), sent("b", receives=2)

    assert consume(worker, sent("a"), middle, sent("c")) == ids(middle)

    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b", "c"]
    assert worker.failures == []
    (logged,) = [record for record in caplog.records if record.message == "WORK_DEFERRED"]
    assert (logged.queue, logged.item, logged.delivery) == ("test", "acme/b", 2)
    assert "hunter2" not in str(vars(logged))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unavailable("S3 is away."), "S3 is away."),
        (ChanceryError("It is damaged."), "It is damaged."),
        (TypeError("hunter2"), "An unexpected TypeError."),
    ],
)
def test_in_the_last_attempt_the_item_fails_with_its_reason_and_the_message_becomes_a_dead_letter(
    error, reason, caplog
):
    worker, last, dead_letters = Recording({"b": error}), sent("b", ATTEMPTS), FakeQueue()

    assert consume(worker, sent("a"), last, sent("c"), dead_letters=dead_letters) == []

    assert worker.failures == [("b", reason)]
    assert dead_letters.forwarded == [last]
    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b", "c"]
    assert "WORK_FAILED" in caplog.text


@pytest.mark.parametrize(("error", "fails"), [(Unavailable("S3 is away."), False), (TypeError("hunter2"), True)])
def test_an_outage_does_not_end_an_item_that_a_schedule_works_on_again(error, fails):
    worker, last, dead_letters = Recording({"a": error}, rescheduled=True), sent("a", ATTEMPTS), FakeQueue()

    assert consume(worker, last, dead_letters=dead_letters) == []

    assert bool(worker.failures) is fails
    assert dead_letters.forwarded == [last]


@pytest.mark.parametrize("rescheduled", [False, True])
def test_an_item_whose_last_attempt_did_not_end_fails_without_another_attempt(rescheduled, caplog):
    worker, killed, dead_letters = Recording(rescheduled=rescheduled), sent("b", ATTEMPTS + 1), FakeQueue()

    assert consume(worker, sent("a"), killed, dead_letters=dead_letters) == []

    assert [ref_id for ref_id, *_ in worker.worked] == ["a"]
    assert worker.failures == [("b", "Attempt 3 did not end: its process ran out of time or memory.")]
    assert dead_letters.forwarded == [killed]
    assert "WORK_FAILED" in caplog.text


def test_a_dead_letter_that_cannot_be_sent_is_left_to_the_redrive_policy(caplog):
    worker, last = Recording({"a": Unavailable("Away.")}), sent("a", ATTEMPTS)

    assert consume(worker, last, dead_letters=FakeQueue(unavailable=True)) == ids(last)

    assert worker.failures == [("a", "Away.")]
    assert "DEAD_LETTER_NOT_SENT" in caplog.text


def test_a_message_that_was_sent_after_an_item_failed_is_a_redrive():
    failed = {"updatedOn": datetime(2026, 3, 1, 12, tzinfo=UTC)}
    seen = []

    class Looking(Recording):
        def work(self, item: ItemRef, delivery: Delivery) -> None:
            seen.append(delivery.is_redrive_of(failed))

    for moment in (datetime(2026, 3, 1, 11, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC)):
        message = sent("a")
        message["attributes"]["SentTimestamp"] = str(int(moment.timestamp() * 1000))
        consume(Looking(), message)
    consume(Looking(), sent("a"))

    assert seen == [False, True, False]


@pytest.mark.parametrize("storing", [Unavailable("The database is away."), NotFound("Gone."), KeyError("hunter2")])
def test_a_reason_that_cannot_be_stored_holds_up_no_neighbour(storing, caplog):
    worker, last = Recording({"a": Unavailable("Away.")}, storing=storing), sent("a", ATTEMPTS)

    assert consume(worker, last, sent("b")) == ids(last)

    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b"]
    assert "FAILURE_NOT_STORED" in caplog.text
    assert "hunter2" not in caplog.text


def test_messages_about_one_item_are_worked_on_once_and_fail_together():
    worker = Recording({"b": Unavailable("Away.")})
    first, again, dead_letters = sent("b"), sent("b", ATTEMPTS), FakeQueue()

    assert consume(worker, sent("a"), first, sent("a"), again, dead_letters=dead_letters) == []

    assert dead_letters.forwarded == [first, again]

    assert worker.worked == [("a", 1, False), ("b", ATTEMPTS, True)]
    assert worker.failures == [("b", "Away.")]


def test_a_visibility_change_that_fails_leaves_the_messages_to_the_visibility_timeout(caplog):
    class Sqs:
        def change_message_visibility_batch(self, **_):
            raise ConnectionError

    worker, deferred = Recording({"a": Unavailable("Away.")}), sent("a")
    loop = WorkLoop(worker, Queue("https://queue", Sqs()), FakeQueue(), ATTEMPTS)

    assert loop.consume([deferred, sent("b")], lambda: 1000) == ids(deferred)

    assert "VISIBILITY_CHANGE_FAILED" in caplog.text


def test_the_answer_to_sqs_names_the_messages_to_deliver_again():
    assert batch_response(["m-1", "m-2"]) == {
        "batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-2"}]
    }
    assert batch_response([]) == {"batchItemFailures": []}
