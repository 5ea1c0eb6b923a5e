"""A queue in moto with a redrive policy, and the part of Lambda that polls it."""

from collections.abc import Callable
from typing import Any

import boto3

from chancery.core.aws.queue import redrive
from tests.fakes import LambdaContext

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Killed(BaseException):
    """Ends a process as a time-out or a lack of memory does: no `except Exception` sees it."""


def kill(*_: Any, **__: Any) -> Any:
    """Takes the place of any call, at which the process then ends."""
    raise Killed


class PolledQueue:
    """An SQS queue and its dead letters. `deliver` is one poll: what succeeds is deleted, the rest delivered again."""

    def __init__(self, name: str, max_receives: int) -> None:
        self.sqs: Any = boto3.client("sqs", region_name="us-east-1")
        self.dead = self.sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "{max_receives}"}}'
        self.url = self.sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]

    def deliver(self, handler: Handler) -> int:
        """Invokes a handler with each visible message, as Lambda does; the number of invocations."""
        found = self.sqs.receive_message(QueueUrl=self.url, AttributeNames=["All"], MaxNumberOfMessages=10)
        for message in found.get("Messages", ()):
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            try:
                failed = handler({"Records": [record]}, LambdaContext())["batchItemFailures"]
            except Killed:
                failed = [{}]
            if failed:  # the time until its next delivery is over
                self.sqs.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            else:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return len(found.get("Messages", ()))

    def redrive(self) -> None:
        """Moves every dead letter back."""
        redrive(self.sqs, self.dead, self.url)

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def depth(self, url: str) -> int:
        """The number of visible messages, as CloudWatch has it for the alarm."""
        name = "ApproximateNumberOfMessages"
        return int(self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
