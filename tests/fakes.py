"""Fakes of the outside world: the bus, a queue, a Lambda context."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chancery.core.aws.work_loop import Delivery, Worker, WorkLoop
from chancery.core.errors import Unavailable
from tests.builders import message


@dataclass
class FakeBus:
    """Records published events; `unavailable` makes every call fail."""

    published: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    unavailable: bool = False

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None:
        if self.unavailable:
            raise Unavailable("The event bus does not answer; try again.")
        self.published += [(detail_type, detail) for detail in details]

    def of(self, detail_type: str) -> list[dict[str, Any]]:
        return [detail for kind, detail in self.published if kind == detail_type]


@dataclass
class FakeQueue:
    """Stores sent bodies, ids of deferred messages, and forwarded messages; `unavailable` makes every call fail."""

    sent: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)
    forwarded: list[Mapping[str, Any]] = field(default_factory=list)
    unavailable: bool = False

    def send(self, body: str, delay_seconds: int = 0) -> None:
        if self.unavailable:
            raise Unavailable("The queue does not answer; try again.")
        self.sent.append(body)

    def forward(self, message: Mapping[str, Any]) -> None:
        if self.unavailable:
            raise Unavailable("The queue does not answer; try again.")
        self.forwarded.append(message)

    def defer(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self.deferred += [message["messageId"] for message in messages]


class Loop(WorkLoop[Any]):
    """A work loop of three attempts, whose worker can be called alone, with the body of a message."""

    def __init__(self, worker: Worker[Any], queue: Any, dead_letters: Any = None, attempts: int = 3) -> None:
        super().__init__(worker, queue, dead_letters or FakeQueue(), attempts)

    def work(self, body: Any, remaining_ms: Callable[[], int]) -> None:
        self.worker.work(self.worker.parse(message(body)), Delivery(remaining_ms))


class LambdaContext:
    """The parts of a Lambda context that handlers read."""

    function_name = "function"
    function_version = "1"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    log_stream_name = "stream"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


class InvalidSignature(Exception):
    """Named in `FakeKms.verify` as KMS names it."""


InvalidSignature.__name__ = "KMSInvalidSignatureException"


class FakeKms:
    """An Ed25519 key that signs as KMS does; `unavailable` makes signing fail."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.unavailable = False

    def get_public_key(self, KeyId: str) -> dict[str, Any]:
        der = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return {"PublicKey": self.key.public_key().public_bytes(*der)}

    def sign(self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict[str, Any]:
        assert (MessageType, SigningAlgorithm) == ("RAW", "ED25519_SHA_512")
        if self.unavailable:
            raise ConnectionError("unavailable")
        return {"Signature": self.key.sign(Message)}

    def verify(self, *, KeyId: str, Message: bytes, MessageType: str, Signature: bytes, SigningAlgorithm: str) -> None:
        try:
            self.key.public_key().verify(Signature, Message)
        except Exception:
            raise InvalidSignature from None


class FakeObjects:
    """A bucket in memory, with the conditional writes of S3."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()

    def create(self, key: str, body: bytes, content_type: str) -> bool:
        return self.stored.setdefault(key, body) is body

    def replace(self, key: str, body: bytes, content_type: str, etag: str) -> bool:
        self.stored[key] = body
        return True

    def read(self, key: str) -> tuple[bytes, str] | None:
        return (self.stored[key], "etag") if key in self.stored else None

    def keys_after(self, prefix: str, after: str) -> list[str]:
        self.calls["keys_after"] += 1
        return sorted(key for key in self.stored if key.startswith(prefix) and key > prefix + after)


def refuse_ended_uploads(client: Any) -> None:
    """Has moto answer NoSuchUpload for a part of an upload that was completed, as S3 does; moto crashes."""
    upload_part = client.upload_part

    def upload(**kwargs: Any) -> Any:
        open_uploads = client.list_multipart_uploads(Bucket=kwargs["Bucket"]).get("Uploads", ())
        if kwargs["UploadId"] not in {found["UploadId"] for found in open_uploads}:
            raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "UploadPart")
        return upload_part(**kwargs)

    client.upload_part = upload
