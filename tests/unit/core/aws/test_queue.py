"""SQS, as moto has it."""

import boto3
import pytest
from moto import mock_aws

from chancery.core.aws.queue import Queue, pause_of, redrive
from chancery.core.errors import Unavailable


@pytest.fixture
def sqs():
    with mock_aws():
        yield boto3.client("sqs", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")


def test_pauses_double_from_five_seconds_to_a_quarter_of_an_hour():
    def pause(times: int) -> int:
        return pause_of({"attributes": {"ApproximateReceiveCount": str(times)}})

    assert [pause(times) for times in (1, 2, 3, 9)] == [5, 10, 20, 900]
    assert sum(pause(times) for times in range(1, 10)) // 60 == 36


def test_a_paused_message_comes_again_after_its_pause(sqs):
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "360"})["QueueUrl"]
    queue = Queue(url, sqs)
    queue.send("body")
    received = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    changed = []
    real = sqs.change_message_visibility_batch
    sqs.change_message_visibility_batch = lambda **call: changed.append(call) or real(**call)

    queue.pause([{"receiptHandle": received["ReceiptHandle"], "attributes": {"ApproximateReceiveCount": "2"}}] * 11)

    assert [len(call["Entries"]) for call in changed] == [10, 1]
    assert changed[0]["Entries"][0]["VisibilityTimeout"] == 10


def test_a_pause_that_cannot_be_set_leaves_the_visibility_timeout(sqs, caplog):
    Queue("https://sqs.us-east-1.amazonaws.com/1/none", sqs).pause(
        [{"receiptHandle": "r", "attributes": {"ApproximateReceiveCount": "1"}}]
    )

    assert "PAUSE_NOT_SHORTENED" in caplog.text


def test_a_queue_that_is_not_there_is_unavailable(sqs):
    with pytest.raises(Unavailable):
        Queue("https://sqs.us-east-1.amazonaws.com/1/none", sqs).send("body")


def test_a_redrive_moves_all_and_deletes_what_it_has_sent(sqs):
    source, target = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "live"))
    for number in range(25):
        sqs.send_message(QueueUrl=source, MessageBody=str(number))

    assert redrive(sqs, source, target) == 25
    assert redrive(sqs, source, target) == 0
    count = sqs.get_queue_attributes(QueueUrl=target, AttributeNames=["ApproximateNumberOfMessages"])
    assert count["Attributes"]["ApproximateNumberOfMessages"] == "25"
