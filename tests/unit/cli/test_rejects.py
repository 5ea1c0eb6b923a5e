"""`chancery rejects` on a queue in moto, with rejects that the consumer's queue wrote."""

import json

import boto3
import pytest
from moto import mock_aws

from chancery.audit.ingest import EventValidator, IncomingEvent
from chancery.cli.errors import Unreachable, UsageError
from chancery.core.aws.event_queue import EventQueue
from chancery.core.aws.queue import Queue
from chancery.core.detectors import SHARED
from chancery.core.errors import ChanceryError
from chancery.core.redaction import redact
from tests.builders import envelope, event, message
from tests.command_line import run_in
from tests.fakes import FakeQueue

ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture
def sqs():
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def url(sqs):
    return sqs.create_queue(QueueName="rejects")["QueueUrl"]


@pytest.fixture
def reject(sqs, url):
    """Has the consumer's queue reject a message."""

    def refused(sent):
        try:
            EventValidator().validate(IncomingEvent(sent["detail"] if isinstance(sent, dict) else None))
        except ChanceryError as exc:
            return exc
        raise AssertionError("the event is valid")

    def reject(sent):
        events = EventQueue(
            FakeQueue(), Queue(url, sqs), FakeQueue(), 5, SHARED, lambda detail, using: redact(detail, using=using)
        )
        events.consume([message(sent)], lambda messages: [refused(sent)])

    return reject


@pytest.fixture
def rejects(url, tmp_path):
    return lambda *arguments: run_in(tmp_path, "rejects", "--queue", url, *arguments, **ENVIRONMENT)


def test_rejects_are_listed_with_source_id_and_reason_and_stay(reject, rejects):
    reject(envelope(event(actorId=7, password="hunter2"), id="e-1", source="my.app"))
    reject("no JSON")

    first, again = rejects(), rejects()

    assert first.returncode == 0
    assert first.stdout == again.stdout
    head, *rows = sorted(first.stdout.splitlines(), key=lambda line: not line.startswith("when"))
    assert head.split("\t") == ["when", "source", "event", "id", "reason"]
    (row,) = [row.split("\t") for row in rows if "my.app" in row]
    assert row[1:4] == ["my.app", "Record Audit Event", "e-1"]
    assert "/actorId" in row[4]
    assert len(rows) == 2
    assert "hunter2" not in first.stdout


def test_rejects_of_one_source_as_json(reject, rejects):
    for at in range(25):
        reject(envelope(event(actorId=7), id=f"e-{at}", source="my.app" if at % 2 else "other.app"))

    done = rejects("--source", "my.app", "--json", "--limit", "10")

    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(items) == 10
    assert {item["source"] for item in items} == {"my.app"}
    assert items[0]["reason"]["errors"][0]["pointer"] == "/actorId"
    assert items[0]["message"]["detail"]["actorId"] == 7
    assert len(rejects("--json").stdout.splitlines()) == 25


def test_without_a_queue_the_command_says_what_to_give(tmp_path):
    done = run_in(tmp_path, "rejects", **ENVIRONMENT)

    assert done.returncode == UsageError.exit_code
    assert "--queue URL, or --local" in done.stderr


def test_a_queue_that_does_not_exist_is_reported(url, tmp_path):
    done = run_in(tmp_path, "rejects", "--queue", f"{url}-none", **ENVIRONMENT)

    assert done.returncode == Unreachable.exit_code
