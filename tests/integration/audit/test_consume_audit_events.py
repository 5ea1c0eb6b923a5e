"""The batch consumer through its real handler: every end a message can have."""

import json
import threading
from collections import Counter

import pytest
from pymongo import MongoClient

from chancery.audit.consumer import AuditConsumer
from chancery.audit.ingest import EventValidator
from chancery.audit.recorder import AuditRecorder
from chancery.audit.writer import AuditWriter
from chancery.core.detectors import SHARED
from chancery.core.errors import Unavailable
from chancery.core.mongo import client as mongo
from chancery.core.mongo.schema import apply, plan
from chancery.sealing.outbox import Outbox
from chancery.wiring import audit as bootstrap
from chancery.wiring.registry import COLLECTIONS
from local.mongod import Mongod
from local.ports import free_port
from tests.builders import envelope, event, message, record, writer
from tests.fakes import FakeBus, FakeQueue, LambdaContext


@pytest.fixture
def rejects():
    return FakeQueue()


@pytest.fixture
def dead_letters():
    return FakeQueue()


@pytest.fixture
def queue():
    return FakeQueue()


@pytest.fixture
def triggered():
    """The tenants for which sealing was triggered."""
    return set()


@pytest.fixture
def make_consumer(connect, queue, rejects, dead_letters, bus, triggered):
    def make(database=None, publisher=bus):
        own = database if database is not None else connect("writer")
        recorder = AuditRecorder(writer(own), Outbox(own), publisher, lambda _: False, triggered.update)
        return AuditConsumer(lambda: recorder, SHARED, queue, rejects, dead_letters, max_receives=3)

    return make


def events(count: int, **changes) -> list[dict]:
    return [message(envelope(event(tenantId="acme", resourceId=f"post-{at}", **changes))) for at in range(count)]


def test_a_batch_is_stored_through_the_handler_with_the_producers_ids(
    environment, load_function, connect, bus, monkeypatch
):
    for name in ("REJECTS_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
        monkeypatch.setenv(f"CHANCERY_{name}", "https://queue")
    own = message(envelope(event(tenantId="acme", eventId="own", createdOn="2026-01-01T00:00:00Z")))
    given = message(envelope(event(tenantId=None), id="bus-id"))

    answer = load_function("consume_audit_events").handler({"Records": [own, given]}, LambdaContext())

    stored = {item["eventId"]: item for item in connect("reader").audit_logs.find()}
    assert answer == {"batchItemFailures": []}
    assert stored["own"]["createdOn"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert stored["bus-id"]["createdOn"].isoformat() == "2026-03-01T12:00:00+00:00"
    assert stored["bus-id"]["tenantId"] is None
    assert len(bus.of("Audit Event Recorded")) == 2


def test_a_record_names_the_source_and_the_account_of_its_event(make_consumer, connect, rejects):
    sent = message(envelope(event(tenantId="acme"), source="agency.crm", account="111122223333"))
    forged = message(envelope(event(tenantId="acme", recordedBy={"subject": "boss", "role": "super_admin"})))

    assert make_consumer().consume([sent, forged]) == []

    (stored,) = connect("reader").audit_logs.find()
    assert stored["recordedBy"] == {"source": "agency.crm", "account": "111122223333"}
    assert json.loads(rejects.sent[0])["reason"]["errors"][0]["pointer"] == "/recordedBy"


@pytest.mark.parametrize(
    "changes", [{"action": "tenant.crossed", "resourceType": "tenant"}, {"eventId": "idempotency-0123"}]
)
def test_what_is_reserved_is_stored_from_our_own_source_only(make_consumer, connect, rejects, changes):
    detail = event(tenantId="acme", **changes)
    sources = ["agency.portal", "chancery.client", "Chancery", " chancery", "aws.chancery", None]
    forged = [message(envelope(detail, source=source)) for source in sources]
    listed = message(envelope(detail, source=["chancery"]))

    assert make_consumer().consume([*forged, listed]) == []

    assert connect("reader").audit_logs.count_documents({}) == 0
    assert len(rejects.sent) == len(sources) + 1
    assert make_consumer().consume([message(envelope(detail, source="chancery"))]) == []
    (stored,) = connect("reader").audit_logs.find()
    assert stored["recordedBy"]["source"] == "chancery"


def test_the_same_batch_three_times_is_stored_and_announced_once(make_consumer, connect, bus):
    batch = events(300)

    ends = [make_consumer().consume(batch) for _ in range(3)]

    assert ends == [[], [], []]
    assert connect("reader").audit_logs.count_documents({}) == 300
    assert len({fact["refId"] for fact in bus.of("Audit Event Recorded")}) == 300
    assert len(bus.of("Audit Event Recorded")) == 300


def test_the_same_event_twice_in_one_batch_is_one_record(make_consumer, connect):
    twice = events(1)[0]

    assert make_consumer().consume([twice, {**twice, "messageId": "another"}]) == []
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_the_same_event_published_again_is_the_same_record_in_any_envelope(make_consumer, connect, rejects):
    detail = event(tenantId="acme", eventId="e-1")

    for minute in range(3):
        again = message(envelope(detail, time=f"2026-03-01T12:0{minute}:00Z"))
        again["attributes"]["AWSTraceHeader"] = f"Root=1-5759e988-{minute:024x}"
        assert make_consumer().consume([again]) == []

    assert not rejects.sent
    assert connect("reader").audit_logs.count_documents({}) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "cannot be read"),
        ("[]", "not of the type"),
        ('"text"', "not of the type"),
        (json.dumps({"detail-type": "Something Else", "detail": {}}), "not of the type"),
        (json.dumps(envelope(None)), "JSON object"),
        (json.dumps(envelope(event(actorId=None))), "not valid"),
        (json.dumps(envelope(event(before={"n": 2**70}))), "not valid"),
        (json.dumps(envelope(event(action="ai_chat_thread.created"))), "not valid"),
    ],
)
def test_a_poison_message_goes_to_the_rejects_with_its_reason_and_the_others_are_stored(
    make_consumer, connect, rejects, body, reason
):
    good = events(2)

    failed = make_consumer().consume([good[0], message(body), good[1]])

    assert failed == []
    assert connect("reader").audit_logs.count_documents({}) == 2
    assert reason in json.loads(rejects.sent[0])["reason"]["detail"]


def test_rejected_messages_are_redacted(make_consumer, rejects):
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    poison = event(actorId=None, before={"email": "a@b.example"}, password="hunter2", description=token)

    make_consumer().consume([message(envelope(poison)), message("password=hunter2 a@b.example")])

    assert len(rejects.sent) == 2
    assert not [text for text in rejects.sent if "hunter2" in text or "a@b.example" in text or token in text]
    assert json.loads(rejects.sent[0])["message"]["detail"]["resourceId"] == "post-1"


def test_a_reject_that_would_be_too_large_for_its_queue_goes_without_the_event(make_consumer, rejects):
    make_consumer().consume([message(envelope(event(actorId=None, metadata={"large": "x" * 256 * 1024})))])

    rejected = json.loads(rejects.sent[0])
    assert len(rejects.sent[0]) < 256 * 1024
    assert rejected["reason"]["errors"]
    assert rejected["message"]["leftOut"]


def test_an_event_id_that_belongs_to_another_event_is_rejected(make_consumer, connect, rejects):
    make_consumer().consume(events(1, eventId="e-1"))
    other = message(envelope(event(tenantId="acme", eventId="e-1", resourceId="another")))

    assert make_consumer().consume([other]) == []
    assert json.loads(rejects.sent[0])["reason"]["errors"][0]["pointer"] == "/eventId"
    assert connect("reader").audit_logs.count_documents({}) == 1


def test_an_unavailable_rejects_queue_has_the_message_delivered_again(make_consumer, rejects):
    rejects.unavailable = True
    poison, good = message("x"), events(1)[0]

    assert make_consumer().consume([poison, good]) == [poison["messageId"]]


def test_a_crash_before_storing_loses_nothing(make_consumer, connect, monkeypatch):
    batch = events(5)
    with monkeypatch.context() as patched:
        patched.setattr(AuditWriter, "insert", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            make_consumer().consume(batch)

    assert connect("reader").audit_logs.count_documents({}) == 0
    assert make_consumer().consume(batch) == []
    assert connect("reader").audit_logs.count_documents({}) == 5


def test_one_event_that_trips_the_code_up_fails_alone(make_consumer, connect, monkeypatch):
    batch = events(3)
    real = EventValidator.validate

    def trip(self, incoming):
        if incoming.body["resourceId"] == "post-1":
            raise ZeroDivisionError
        return real(self, incoming)

    monkeypatch.setattr(EventValidator, "validate", trip)

    assert make_consumer().consume(batch) == [batch[1]["messageId"]]
    assert connect("reader").audit_logs.count_documents({}) == 2


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server of this module's own, to kill."""
    server = Mongod(tmp_path_factory.mktemp("mongod"), free_port())
    server.start()
    with MongoClient(server.uri("schema")) as client:
        apply(client[server.database], plan(client[server.database], COLLECTIONS))
    yield server
    server.stop()


class TestDatabaseAway:
    """A separate server, to be killed."""

    @pytest.fixture
    def server(self, own_server):
        """The server, running; its audit logs are empty."""
        own_server.start()
        with MongoClient(own_server.uri("admin")) as client:
            client[own_server.database].audit_logs.delete_many({})
        return own_server

    def test_killed_in_the_middle_of_a_batch_and_brought_back_nothing_is_lost_or_doubled(
        self, server, make_consumer, dead_letters
    ):
        batch = events(600)
        with mongo.connect(server.uri("writer"), timeout_ms=4000) as client:
            consumer = make_consumer(client[server.database])
            assert consumer.consume(batch[:10]) == []
            inserting = threading.Event()
            own = writer(client[server.database])
            real = own._collection.insert_many

            def insert_many(*args, **kwargs):
                inserting.set()
                return real(*args, **kwargs)

            own._collection.insert_many = insert_many
            outbox = Outbox(client[server.database])
            recorder = AuditRecorder(own, outbox, FakeBus(), lambda _: False, set().update)
            consumer = AuditConsumer(lambda: recorder, SHARED, FakeQueue(), FakeQueue(), dead_letters, max_receives=3)
            killer = threading.Thread(target=lambda: (inserting.wait(10), server.kill()))
            killer.start()
            failed = consumer.consume(batch)
            killer.join()

            assert failed == [item["messageId"] for item in batch]

            server.start()
            assert consumer.consume(batch) == []
            with mongo.connect(server.uri("reader")) as reader:
                found = Counter(item["resourceId"] for item in reader[server.database].audit_logs.find())
        assert found == {f"post-{at}": 1 for at in range(600)}
        assert dead_letters.sent == []

    def test_on_its_last_delivery_a_message_is_buried_redacted_and_a_redrive_stores_it(
        self, server, make_consumer, dead_letters
    ):
        last = message(envelope(event(tenantId="acme", eventId="e-1", before={"email": "a@b.example"})), receives=3)
        earlier = message(envelope(event(tenantId="acme", eventId="e-2")), receives=2)
        server.stop()
        with mongo.connect(server.uri("writer"), timeout_ms=1000) as client:
            consumer = make_consumer(client[server.database])

            assert consumer.consume([last, earlier]) == [earlier["messageId"]]
            assert "a@b.example" not in dead_letters.sent[0]

            server.start()
            assert consumer.consume([message(dead_letters.sent[0]), earlier]) == []
        with mongo.connect(server.uri("reader")) as reader:
            assert {item["eventId"] for item in reader[server.database].audit_logs.find()} == {"e-1", "e-2"}

    def test_when_the_dead_letter_queue_is_unavailable_too_the_message_stays_in_the_queue(
        self, server, make_consumer, dead_letters
    ):
        server.stop()
        dead_letters.unavailable = True
        last = message(envelope(event(tenantId="acme")), receives=3)
        with mongo.connect(server.uri("writer"), timeout_ms=1000) as client:
            assert make_consumer(client[server.database]).consume([last]) == [last["messageId"]]

    def test_a_cold_start_without_a_database_defers_the_batch(
        self, server, environment, load_function, monkeypatch, retry_queue
    ):
        server.stop()
        environment("writer")
        monkeypatch.setenv("CHANCERY_MONGODB_URI", server.uri("writer"))
        monkeypatch.setenv("CHANCERY_MONGODB_TIMEOUT_MS", "500")
        batch = events(2)

        answer = load_function("consume_audit_events").handler({"Records": batch}, LambdaContext())

        assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == [item["messageId"] for item in batch]


def test_a_database_error_never_carries_documents_into_the_log(make_consumer, connect, caplog, capsys, monkeypatch):
    monkeypatch.setattr("chancery.audit.writer._DUPLICATE_KEY", -1)
    batch = events(1, before={"note": "the-content"}, eventId="e-1")
    make_consumer().consume(batch)

    make_consumer().consume(batch)

    assert "BATCH_DEFERRED" in caplog.text
    assert "the-content" not in caplog.text + capsys.readouterr().out


def test_unavailable_is_raised_when_a_duplicate_is_not_yet_readable(connect, monkeypatch):
    own = writer(connect("writer"))
    monkeypatch.setattr(AuditWriter, "_known", lambda *_: {})
    own.insert([record(eventId="e-1")])

    with pytest.raises(Unavailable, match="still being stored"):
        own.insert([record(eventId="e-1")])


def test_the_wiring_is_that_of_the_deployment(environment, load_function, monkeypatch):
    monkeypatch.setenv("CHANCERY_MAX_RECEIVES", "7")

    consumer = load_function("consume_audit_events").consumer()

    assert consumer.max_receives == 7
    assert consumer.recorder is bootstrap.recorder
