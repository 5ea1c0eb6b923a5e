"""Sending to SQS, and handing back to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

import orjson

from chancery.core.aws import clients as aws
from chancery.core.errors import Unavailable, ValidationFailed
from chancery.core.observability import logger

MAX_BYTES = 256 * 1024  # a message, the smaller of the limits AWS has had
_FIRST_PAUSE, _LONGEST_PAUSE = 5, 900  # seconds


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """A message of a FIFO queue: one at a time of a group is worked on, and equal ones of five minutes are one."""

    body: str
    group: str
    deduplication: str


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

    def send_in_groups(self, messages: Sequence[GroupMessage]) -> None:
        """Sends messages to a FIFO queue, ten a call. Raises Unavailable when it did not take all of them."""
        sqs = self.sqs or aws.client("sqs")
        for batch in batched(messages, 10, strict=False):
            entries = [
                {
                    "Id": str(at),
                    "MessageBody": message.body,
                    "MessageGroupId": message.group,
                    "MessageDeduplicationId": message.deduplication,
                }
                for at, message in enumerate(batch)
            ]
            try:
                answer = sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            except Exception as exc:
                raise Unavailable("The queue does not answer; try again.") from exc
            if answer.get("Failed"):
                raise Unavailable("The queue did not take every message; try again.")

    def pause(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Has received messages delivered again after 5 s, 10 s, 20 s, ... instead of the visibility timeout.

        Best effort: where it fails, the visibility timeout stands.
        """
        sqs = self.sqs or aws.client("sqs")
        for batch in batched(messages, 10, strict=False):
            entries = [
                {"Id": str(at), "ReceiptHandle": message["receiptHandle"], "VisibilityTimeout": pause_of(message)}
                for at, message in enumerate(batch)
            ]
            try:
                sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
            except Exception as exc:
                logger.warning("PAUSE_NOT_SHORTENED", error=type(exc).__name__)


def body_of(message: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """The JSON object in a message's body, with the members that it must have. Raises ValidationFailed."""
    try:
        body = orjson.loads(message["body"])
    except orjson.JSONDecodeError:
        body = None
    if type(body) is not dict or not body.keys() >= set(required):
        raise ValidationFailed("The message is not one of ours.")
    return body


def receives(message: Mapping[str, Any]) -> int:
    """How often a message has been delivered, this time included."""
    return int(message["attributes"]["ApproximateReceiveCount"])


def pause_of(message: Mapping[str, Any]) -> int:
    """Seconds until a message's next delivery: doubling from five, at most a quarter of an hour."""
    return int(min(_FIRST_PAUSE * 2 ** (receives(message) - 1), _LONGEST_PAUSE))


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
