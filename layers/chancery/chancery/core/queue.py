"""Sending to SQS."""

from dataclasses import dataclass
from typing import Any

from chancery.core import aws
from chancery.core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Queue:
    """One SQS queue; `sqs` is boto3's client, looked up on first use."""

    url: str
    sqs: Any = None

    def send(self, body: str, delay_seconds: int = 0) -> None:
        """Sends one message of at most 256 KB. Raises Unavailable."""
        sqs = self.sqs or aws.client("sqs")
        try:
            sqs.send_message(QueueUrl=self.url, MessageBody=body, DelaySeconds=delay_seconds)
        except Exception as exc:
            raise Unavailable("The queue does not answer; try again.") from exc


def redrive(sqs: Any, source_url: str, target_url: str) -> int:
    """Moves every message of one queue to another; how many. A message is deleted only once its copy is sent.

    AWS has StartMessageMoveTask for it; this works where that is missing.
    """
    moved = 0
    while messages := sqs.receive_message(QueueUrl=source_url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.send_message(QueueUrl=target_url, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved
