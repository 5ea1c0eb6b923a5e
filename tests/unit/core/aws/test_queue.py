"""SQS, as moto has it."""

import boto3
import pytest
from moto import mock_aws

from chancery.core.aws.queue import ItemRef, Queue, backoff_of, redrive
from chancery.core.errors import Unavailable, ValidationFailed


@pytest.fixture
def sqs():
    with mock_aws():
        yield boto3.client("sqs", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")


def test_the_backoff_doubles_from_five_seconds_to_a_quarter_of_an_hour():
    def backoff(times: int) -> int:
        return backoff_of({"attributes": {"ApproximateReceiveCount": str(times)}})

    assert [backoff(times) for times in (1, 2, 3, 9)] == [5, 10, 20, 900]
    assert sum(backoff(times) for times in range(1, 10)) // 60 == 36


def received(sqs, receives: int = 1) -> dict:
    """A message of a queue `q` that was received, as Lambda hands it over."""
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "360"})["QueueUrl"]
    Queue(url, sqs).send("body")
    message = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    return {"receiptHandle": message["ReceiptHandle"], "attributes": {"ApproximateReceiveCount": str(receives)}}


def test_deferred_messages_get_their_backoff_as_visibility_timeout_ten_a_call(sqs):
    message, changed, real = received(sqs, receives=2), [], sqs.change_message_visibility_batch
    sqs.change_message_visibility_batch = lambda **call: changed.append(call) or real(**call)

    Queue(sqs.get_queue_url(QueueName="q")["QueueUrl"], sqs).defer([message] * 11)

    assert [len(call["Entries"]) for call in changed] == [10, 1]
    assert changed[0]["Entries"][0]["VisibilityTimeout"] == 10


def test_a_failed_visibility_change_is_logged_and_raises_nothing(sqs, caplog):
    Queue("https://sqs.us-east-1.amazonaws.com/1/none", sqs).defer(
        [{"receiptHandle": "r", "attributes": {"ApproximateReceiveCount": "1"}}]
    )

    assert "VISIBILITY_CHANGE_FAILED" in caplog.text


def test_a_visibility_change_that_sqs_refuses_for_one_message_is_logged(sqs, caplog):
    message = received(sqs)
    unknown = {**message, "receiptHandle": "unknown"}

    Queue(sqs.get_queue_url(QueueName="q")["QueueUrl"], sqs).defer([message, unknown])

    (logged,) = [record for record in caplog.records if record.message == "VISIBILITY_CHANGE_FAILED"]
    assert (logged.messages, bool(logged.error)) == (1, True)


@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"text"', "{}", '{"refId": "x"}', '{"tenantId": null}'])
def test_a_message_without_its_members_is_malformed(body):
    with pytest.raises(ValidationFailed):
        ItemRef.parse({"body": body})


@pytest.mark.parametrize("body", ['{"refId": {"$gt": ""}, "tenantId": null}', '{"refId": "x", "tenantId": 7}'])
def test_a_reference_of_other_types_is_malformed(body):
    with pytest.raises(ValidationFailed):
        ItemRef.parse({"body": body})


@pytest.mark.parametrize("ref", [ItemRef("acme", "01J0"), ItemRef(None, "01J0")])
def test_a_reference_survives_its_message(ref):
    assert ItemRef.parse({"body": ref.to_message()}) == ref


def test_a_queue_that_is_not_there_is_unavailable(sqs):
    with pytest.raises(Unavailable):
        Queue("https://sqs.us-east-1.amazonaws.com/1/none", sqs).send("body")


def test_a_redrive_moves_all_messages_and_deletes_the_sent_ones(sqs):
    source, target = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "live"))
    for number in range(25):
        sqs.send_message(QueueUrl=source, MessageBody=str(number))

    assert redrive(sqs, source, target) == 25
    assert redrive(sqs, source, target) == 0
    count = sqs.get_queue_attributes(QueueUrl=target, AttributeNames=["ApproximateNumberOfMessages"])
    assert count["Attributes"]["ApproximateNumberOfMessages"] == "25"
