"""The loop of work queues: one item's failure is its own, and ends in its document."""

from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from chancery.core.aws.queue import ItemRef, Queue, batch_response
from chancery.core.aws.work_loop import Delivery, WorkLoop
from chancery.core.errors import ChanceryError, NotFound, Unavailable
from tests.builders import message
from tests.fakes import FakeQueue

MAX_RECEIVES = 3


@dataclass
class Recording:
    """A worker whose items raise what `errors` says, by reference id."""

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


def consume(worker: Recording, *messages: dict, queue=None) -> list[str]:
    queue = queue or FakeQueue()
    failed = WorkLoop(worker, queue, MAX_RECEIVES).consume(messages, lambda: 1000)
    assert failed == queue.deferred
    return failed


def ids(*messages: dict) -> list[str]:
    return [item["messageId"] for item in messages]


def test_every_item_of_a_batch_is_worked_on(caplog):
    worker = Recording()

    assert consume(worker, sent("a"), sent("b", receives=2), sent("c", receives=3)) == []

    assert worker.worked == [("a", 1, False), ("b", 2, False), ("c", 3, True)]
    assert (worker.failures, caplog.text) == ([], "")


@pytest.mark.parametrize("receives", [1, MAX_RECEIVES])
@pytest.mark.parametrize("body", ["", "{", "null", "7", "{}", '{"detail": {}}', '{"refId": [], "tenantId": null}'])
def test_a_malformed_message_is_deferred_and_its_neighbours_are_worked_on(body, receives, caplog):
    worker, malformed = Recording(), message(body, receives)

    assert consume(worker, sent("a"), malformed, sent("b")) == ids(malformed)

    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b"]
    assert worker.failures == []
    assert "MESSAGE_MALFORMED" in caplog.text


@pytest.mark.parametrize("receives", [1, MAX_RECEIVES])
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
def test_on_the_last_delivery_the_item_fails_with_its_reason_and_the_message_becomes_a_dead_letter(
    error, reason, caplog
):
    worker, last = Recording({"b": error}), sent("b", MAX_RECEIVES)

    assert consume(worker, sent("a"), last, sent("c")) == ids(last)

    assert worker.failures == [("b", reason)]
    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b", "c"]
    assert "WORK_FAILED" in caplog.text


@pytest.mark.parametrize(("error", "fails"), [(Unavailable("S3 is away."), False), (TypeError("hunter2"), True)])
def test_an_outage_does_not_end_an_item_that_a_schedule_works_on_again(error, fails):
    worker, last = Recording({"a": error}, rescheduled=True), sent("a", MAX_RECEIVES)

    assert consume(worker, last) == ids(last)

    assert bool(worker.failures) is fails


@pytest.mark.parametrize("storing", [Unavailable("The database is away."), NotFound("Gone."), KeyError("hunter2")])
def test_a_reason_that_cannot_be_stored_holds_up_no_neighbour(storing, caplog):
    worker, last = Recording({"a": Unavailable("Away.")}, storing=storing), sent("a", MAX_RECEIVES)

    assert consume(worker, last, sent("b")) == ids(last)

    assert [ref_id for ref_id, *_ in worker.worked] == ["a", "b"]
    assert "FAILURE_NOT_STORED" in caplog.text
    assert "hunter2" not in caplog.text


def test_messages_about_one_item_are_worked_on_once_and_fail_together():
    worker = Recording({"b": Unavailable("Away.")})
    first, again = sent("b"), sent("b", MAX_RECEIVES)

    assert consume(worker, sent("a"), first, sent("a"), again) == ids(first, again)

    assert worker.worked == [("a", 1, False), ("b", MAX_RECEIVES, True)]
    assert worker.failures == [("b", "Away.")]


def test_a_visibility_change_that_fails_leaves_the_messages_to_the_visibility_timeout(caplog):
    class Sqs:
        def change_message_visibility_batch(self, **_):
            raise ConnectionError

    worker, deferred = Recording({"a": Unavailable("Away.")}), sent("a")
    loop = WorkLoop(worker, Queue("https://queue", Sqs()), MAX_RECEIVES)

    assert loop.consume([deferred, sent("b")], lambda: 1000) == ids(deferred)

    assert "VISIBILITY_CHANGE_FAILED" in caplog.text


def test_the_answer_to_sqs_names_the_messages_to_deliver_again():
    assert batch_response(["m-1", "m-2"]) == {
        "batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-2"}]
    }
    assert batch_response([]) == {"batchItemFailures": []}
