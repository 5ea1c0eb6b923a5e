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
