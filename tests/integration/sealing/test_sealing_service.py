"""When the sealer runs: triggered by one message a second and tenant, and by a schedule for all tenants."""

from datetime import datetime, timedelta

import orjson
import pytest

from chancery.core.aws.queue import Queue
from chancery.sealing.seal_trigger import SealTrigger
from chancery.sealing.service import SealingService
from tests.builders import NOON, message, sequence
from tests.fakes import FakeQueue, Loop


@pytest.fixture
def queue():
    return FakeQueue()


@pytest.fixture
def service(make_sealer, make_relay):
    sealer = make_sealer()
    return SealingService(sealer, sealer.store, make_relay())


@pytest.fixture
def loop(service, queue):
    return Loop(service, queue)


class Sqs:
    """send_message_batch that records its messages, and can be unavailable or refuse."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self.calls = 0
        self.answer: dict | Exception = {}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict]) -> dict:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.calls += 1
        self.entries += Entries
        return self.answer


def trigger(sqs: Sqs, moment: datetime = NOON) -> SealTrigger:
    return SealTrigger(Queue("https://queue", sqs), lambda: moment)


def plenty() -> int:
    return 300_000


def test_messages_of_one_second_are_one_and_of_the_next_another():
    sqs = Sqs()

    for after in (0, 999, 1000):
        trigger(sqs, NOON + timedelta(milliseconds=after)).trigger(["acme"])

    first, same, next_ = sqs.entries
    assert first["MessageDeduplicationId"] == same["MessageDeduplicationId"] != next_["MessageDeduplicationId"]
    assert {entry["MessageGroupId"] for entry in sqs.entries} == {"tenant-acme"}


def test_messages_about_many_tenants_are_sent_ten_a_call():
    sqs = Sqs()

    trigger(sqs).trigger([None, *(f"tenant {number}" for number in range(24))])

    assert (len(sqs.entries), sqs.calls) == (25, 3)
    assert orjson.loads(sqs.entries[0]["MessageBody"]) == {"tenantId": None}
    assert all(len(entry["MessageGroupId"]) <= 128 for entry in sqs.entries)


@pytest.mark.parametrize("answer", [ConnectionError("away"), {"Failed": [{"Id": "0"}]}])
def test_an_unavailable_queue_fails_no_write(answer, caplog):
    sqs = Sqs()
    sqs.answer = answer

    trigger(sqs).trigger(["acme"])

    assert "SEAL_TRIGGER_FAILED" in caplog.text


def test_messages_have_their_tenants_sealed_once_each(service, loop, insert, published):
    insert("acme"), insert("globex"), insert("initech")

    failed = loop.consume([message({"tenantId": tenant}) for tenant in ("acme", "globex", "acme")], plenty)

    assert failed == []
    assert (published("acme").size, published("globex").size) == (1, 1)
    assert service.store.waiting() == ["initech"]


def test_a_tenant_that_cannot_be_sealed_holds_up_no_other(service, loop, insert, published, connect, queue):
    insert("acme")
    service.sealer.seal("acme")
    connect("admin").audit_leaves.delete_many({})
    connect("admin").audit_tree_heads.delete_many({})
    insert("acme"), insert("globex")
    messages = [message({"tenantId": tenant}) for tenant in ("acme", "globex", "acme")]

    failed = loop.consume(messages, plenty)

    assert failed == queue.deferred == [messages[0]["messageId"], messages[2]["messageId"]]
    assert published("globex").size == 1


def test_the_schedule_seals_tenants_without_a_message_and_resumes_unfinished_ones(service, insert, published, connect):
    insert("acme", 2), insert("globex")
    sequence(connect("sealer"), "globex")

    service.sweep(plenty)

    assert (published("acme").size, published("globex").size) == (2, 1)
    assert service.store.waiting() == []


def test_the_schedule_ends_in_time(service, insert):
    insert()

    service.sweep(lambda: 1000)

    assert service.store.waiting() == ["acme"]


def test_an_unexpected_error_blocks_no_other_tenant(service, insert, published, connect, caplog):
    insert("acme"), insert("globex")
    entry = connect("admin").audit_outbox.find_one({"tenantId": "acme"})
    connect("admin").audit_outbox.update_one({"_id": entry["_id"]}, {"$push": {"entries": "one too many"}})

    service.sweep(plenty)

    assert "SEALING_DEFERRED" in caplog.text
    assert published("globex").size == 1


def test_when_time_is_short_the_rest_is_left_to_the_next_run(service, loop, insert):
    insert("acme"), insert("globex")
    remaining = iter([300_000] * 2 + [1000] * 9)

    failed = loop.consume([message({"tenantId": tenant}) for tenant in ("acme", "globex")], lambda: next(remaining))

    assert len(failed) == 1
    assert service.store.waiting() == ["globex"]


def test_the_tenant_that_waits_longest_is_sealed_first(service, insert):
    for tenant in ("c", "a", "b"):
        insert(tenant)

    assert service.store.waiting() == ["c", "a", "b"]


@pytest.mark.parametrize("sequenced", [False, True])
def test_how_long_leaves_wait_for_their_checkpoint_is_measured(service, insert, connect, monkeypatch, sequenced):
    gauges = {}
    monkeypatch.setattr("chancery.sealing.service.gauge", gauges.__setitem__)
    monkeypatch.setattr(service.sealer.__class__, "seal", lambda *_: 0)
    insert()
    if sequenced:
        sequence(connect("sealer"), "acme")
    later = service.store._clock() + timedelta(seconds=90)
    monkeypatch.setattr(service.store, "_clock", lambda: later)

    service.sweep(plenty)

    assert 89 < gauges["SealingDelay"] < 91
