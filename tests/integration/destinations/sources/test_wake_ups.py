"""Who has destinations served: the sealer, whoever numbers log lines, and the consumer of platform events."""

import json

import boto3
import pytest
from moto import mock_aws

from chancery.core.aws.queue import Queue
from chancery.core.errors import Unavailable
from tests.builders import envelope, http, message, principal, record, sample, sequence, writer
from tests.destinations import add_destination
from tests.fakes import FakeKms, LambdaContext

LINE = {"kind": "app", "tenantId": "acme", "message": "Disk at 91 %"}


@pytest.fixture
def sent(retry_queue, monkeypatch):
    """The destinations that messages of the queue `deliveries` name."""
    monkeypatch.setenv("CHANCERY_DELIVERIES_QUEUE_URL", "https://deliveries")
    for name in ("LOGS", "REJECTS", "SEAL", "PLATFORM_EVENTS"):
        monkeypatch.setenv(f"CHANCERY_{name}_QUEUE_URL", f"https://{name}")
    found = []

    def send(queue, body, delay_seconds=0):
        if queue.url == "https://deliveries":
            found.append(json.loads(body)["refId"])

    monkeypatch.setattr(Queue, "send", send)
    return found


@pytest.fixture
def everywhere(connect):
    """A destination of acme for each source, one of another tenant, and a disabled one; their refIds by source."""
    of = {"audit": "audit.*", "logs": "log.*", "events": "exchange.completed"}
    added = {source: add_destination(connect, events=[pattern]).ref_id for source, pattern in of.items()}
    add_destination(connect, events=["*"], tenantId="globex")
    add_destination(connect, events=["*"], enabled=False)
    return added


@pytest.fixture
def invoke(environment, load_function):
    """Invokes a function's handler in a new execution environment."""

    def call(function, event, role_class="writer"):
        environment(role_class)
        return load_function(function).handler(event, LambdaContext())

    return call


@pytest.fixture
def signing(environment, monkeypatch):
    """The key and bucket of logs."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        monkeypatch.setenv("CHANCERY_SIGNING_KEY", "key")
        monkeypatch.setenv("CHANCERY_LOG_ORIGIN", "log.test")
        monkeypatch.setenv("CHANCERY_LOG_BUCKET", "log-bucket")
        s3.create_bucket(Bucket="log-bucket", ObjectLockEnabledForBucket=True)
        monkeypatch.setattr("chancery.core.aws.clients.client", {"s3": s3, "kms": FakeKms()}.__getitem__)
        yield


@pytest.mark.parametrize(
    "event", [{"Records": [message({"tenantId": "acme"})]}, {}], ids=["for a tenant", "for all that wait"]
)
def test_a_seal_wakes_destinations_of_audit_records(connect, signing, invoke, sent, everywhere, event):
    writer(connect("writer")).insert([record("acme")])

    invoke("seal_audit_logs", event, "sealer")

    assert sent == [everywhere["audit"]]


def test_a_seal_of_records_that_another_process_has_sequenced_wakes_too(connect, signing, invoke, sent, everywhere):
    writer(connect("writer")).insert([record("acme")])
    sequence(connect("sealer"), "acme")

    invoke("seal_audit_logs", {"Records": [message({"tenantId": "acme"})]}, "sealer")

    assert sent == [everywhere["audit"]]


def test_recorded_lines_wake_destinations_of_logs(invoke, sent, everywhere):
    line = {name: value for name, value in LINE.items() if name == "message"}
    assert invoke("record_logs", http("POST", "/v1/logs/app", line, caller=principal("user")))["statusCode"] == 201

    assert sent == [everywhere["logs"]]


def test_consumed_lines_wake_destinations_of_logs(invoke, sent, everywhere):
    batch = [message(envelope(LINE, **{"detail-type": "Record Log Entry"})) for _ in range(3)]
    assert invoke("consume_logs", {"Records": batch}) == {"batchItemFailures": []}

    assert sent == [everywhere["logs"]]


def test_stored_platform_events_wake_destinations_of_them(invoke, sent, everywhere, events):
    events.last("acme")

    invoke("store_events", sample("store_events/batch"))

    assert sent == [everywhere["events"]]


def test_a_repeated_message_wakes_again(invoke, sent, everywhere, events, connect):
    """The process may have ended before it woke anybody."""
    events.last("acme")
    invoke("store_events", sample("store_events/batch"))
    connect("admin").destination_states.update_many({}, {"$unset": {"lease": ""}})

    invoke("store_events", sample("store_events/batch"))

    assert sent == [everywhere["events"]] * 2


def test_a_queue_that_is_away_fails_no_writer(invoke, sent, everywhere, monkeypatch):
    def away(*_, **__):
        raise Unavailable("The queue does not answer; try again.")

    monkeypatch.setattr(Queue, "send", away)
    request = http("POST", "/v1/logs/app", {"message": "Disk at 91 %"}, caller=principal("user"))

    assert invoke("record_logs", request)["statusCode"] == 201
