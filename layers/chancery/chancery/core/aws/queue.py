"""SQS: sending, deferring received messages, parsing them, redriving dead letters."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple, Self

import orjson

from chancery.core.aws import clients as aws
from chancery.core.errors import Unavailable, ValidationFailed
from chancery.core.observability import logger

MAX_BYTES = 256 * 1024  # a message, the smaller of the limits AWS has had
_FIRST_BACKOFF, _LONGEST_BACKOFF = 5, 900  # seconds
_FIFO = ("MessageGroupId", "MessageDeduplicationId")

Message = Mapping[str, Any]  # a record of the event that Lambda makes of an SQS batch


class GroupMessage(NamedTuple):
    """A message of a FIFO queue: one at a time of a group is worked on, and equal ones of five minutes are one."""

    body: str
    group: str
    deduplication: str


class Queue(NamedTuple):
    """One SQS queue; `sqs` is boto3's client, looked up on first use."""

    url: str
    sqs: Any = None

    def send(self, body: str, delay_seconds: int = 0) -> None:
        """Sends one message of at most 256 KB. Raises Unavailable."""
        self._call("send_message", MessageBody=body, DelaySeconds=delay_seconds)

    def forward(self, message: Message) -> None:
        """Sends a copy of a received message, to a FIFO queue in its group. Raises Unavailable."""
        attributes = message["attributes"]
        fifo = {name: attributes[name] for name in _FIFO if name in attributes}
        self._call("send_message", MessageBody=message["body"], **fifo)

    def send_in_groups(self, messages: Sequence[GroupMessage]) -> None:
        """Sends messages to a FIFO queue, ten a call. Raises Unavailable when it did not take all of them."""
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
            if self._call("send_message_batch", Entries=entries).get("Failed"):
                raise Unavailable("The queue did not take every message; try again.")

    def defer(self, messages: Sequence[Message]) -> None:
        """Has received messages delivered again after `backoff_of` seconds instead of the visibility timeout.

        Best effort: where the call fails, the visibility timeout applies.
        """
        for batch in batched(messages, 10, strict=False):
            entries = [
                {"Id": str(at), "ReceiptHandle": message["receiptHandle"], "VisibilityTimeout": backoff_of(message)}
                for at, message in enumerate(batch)
            ]
            try:
                failed = self._call("change_message_visibility_batch", Entries=entries).get("Failed", ())
            except Unavailable as exc:
                logger.warning("VISIBILITY_CHANGE_FAILED", error=type(exc.__cause__).__name__, messages=len(entries))
            else:
                if failed:
                    codes = sorted({item["Code"] for item in failed})
                    logger.warning("VISIBILITY_CHANGE_FAILED", error=", ".join(codes), messages=len(failed))

    def _call(self, action: str, **parameters: Any) -> Any:
        """Calls SQS. Raises Unavailable."""
        try:
            return getattr(self.sqs or aws.client("sqs"), action)(QueueUrl=self.url, **parameters)
        except Exception as exc:
            raise Unavailable("The queue does not answer; try again.") from exc


class ItemRef(NamedTuple):
    """The document that a message is about. Its message is `{"refId": ..., "tenantId": ...}`."""

    tenant_id: str | None
    ref_id: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The reference to a stored document."""
        return cls(document["tenantId"], document["refId"])

    @classmethod
    def parse(cls, message: Message) -> Self:
        """The reference in a message. Raises ValidationFailed."""
        body = body_of(message, "refId", "tenantId")
        tenant_id, ref_id = body["tenantId"], body["refId"]
        if not isinstance(ref_id, str) or not isinstance(tenant_id, str | None):
            raise ValidationFailed("The message names no document: refId is text, tenantId is text or null.")
        return cls(tenant_id, ref_id)

    def to_message(self) -> str:
        """The body of the message about this document."""
        return orjson.dumps({"refId": self.ref_id, "tenantId": self.tenant_id}).decode()

    def __str__(self) -> str:
        return f"{self.tenant_id}/{self.ref_id}"

    @property
    def query(self) -> dict[str, Any]:
        """The MongoDB query of this document."""
        return {"tenantId": self.tenant_id, "refId": self.ref_id}


def body_of(message: Message, *required: str) -> dict[str, Any]:
    """The JSON object in a message's body, with the members that it must have. Raises ValidationFailed."""
    try:
        body = orjson.loads(message["body"])
    except orjson.JSONDecodeError:
        raise ValidationFailed("The message is not JSON.") from None
    if type(body) is not dict:
        raise ValidationFailed("The message is not a JSON object.")
    if missing := [name for name in required if name not in body]:
        raise ValidationFailed(f"The message lacks {', '.join(missing)}.")
    return body


def receives(message: Message) -> int:
    """The number of this delivery of a message, from 1."""
    return int(message["attributes"]["ApproximateReceiveCount"])


def sent_ms(message: Message) -> int:
    """When a message was sent, in milliseconds since 1970. A redriven message is sent anew."""
    return int(message["attributes"].get("SentTimestamp", 0))


def backoff_of(message: Message) -> int:
    """Seconds until a message's next delivery: 5, 10, 20, ..., at most 900."""
    return int(min(_FIRST_BACKOFF * 2 ** (receives(message) - 1), _LONGEST_BACKOFF))


def batch_response(message_ids: Sequence[str]) -> dict[str, Any]:
    """The answer of a Lambda function to SQS: the messages that it has to deliver again (ReportBatchItemFailures)."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def peek(sqs: Any, url: str, seconds: int) -> Iterator[dict[str, Any]]:
    """The visible messages of a queue, each once, as boto3 receives them. They stay in the queue.

    They are visible to others again when the iteration ends, or after `seconds`.
    """
    handles: dict[str, str] = {}
    request = {"MaxNumberOfMessages": 10, "VisibilityTimeout": seconds, "AttributeNames": ["SentTimestamp"]}
    try:
        while messages := sqs.receive_message(QueueUrl=url, **request).get("Messages"):
            new = [message for message in messages if message["MessageId"] not in handles]
            handles |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            yield from new
            if not new:
                return
    finally:
        for batch in batched(handles.values(), 10, strict=False):
            entries = [
                {"Id": str(at), "ReceiptHandle": handle, "VisibilityTimeout": 0} for at, handle in enumerate(batch)
            ]
            sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def redrive(sqs: Any, source_url: str, target_url: str) -> int:
    """Moves every message of one queue to another; returns their number. Sends the copy before it deletes a message.

    For stacks without AWS's own StartMessageMoveTask, such as the local one.
    """
    moved = 0
    while messages := sqs.receive_message(QueueUrl=source_url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.send_message(QueueUrl=target_url, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved
