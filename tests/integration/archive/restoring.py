"""Archived months that are asked back, through the real handlers; S3 is moto's, the queue a list."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from chancery.audit.archived import archived_line
from chancery.core.formats.canonical_json import canonicalize
from chancery.tlog.layout import FILE_SUFFIX
from tests.builders import envelope, http, message, principal
from tests.conftest import Connect
from tests.fakes import FakeQueue, LambdaContext

BUCKET = "archive"
OF_THE_SET = {"_id", "partitionId", "expiresOn"}
ADMIN = principal("super_admin", tenants=())
Partition = dict[str, Any]
Restore = dict[str, Any]


def restored_event(key: str, bucket: str = BUCKET) -> dict[str, Any]:
    """The event of S3 on the default bus for a restored file."""
    about = {"restore-expiry-time": "2026-03-08T00:00:00Z", "source-storage-class": "GLACIER"}
    detail = {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 1}, **about}
    return envelope(detail, source="aws.s3", **{"detail-type": "Object Restore Completed"})


class Context(LambdaContext):
    """A context that gives so many answers with time left, and then runs short."""

    def __init__(self, answers: int = 1_000_000) -> None:
        self._answers = answers

    def get_remaining_time_in_millis(self) -> int:
        self._answers -= 1
        return 900_000 if self._answers >= 0 else 1000


@dataclass
class Restoring:
    """Asks for restores and completes them, each call in a fresh execution environment."""

    connect: Connect
    s3: Any
    call: Callable[..., Any]
    cold_start: Callable[[str], None]
    load_function: Callable[[str], Any]
    queue: FakeQueue

    def ask(
        self, ref_id: str, *, caller: dict[str, Any] = ADMIN, headers: dict[str, str] | None = None, **body: Any
    ) -> tuple[int, Any]:
        """Status and answer of a request."""
        body = {"tier": "Standard", "days": 3, **body}
        request = http("POST", f"/v1/archives/{ref_id}/restore", body, caller=caller, headers=headers)
        return self.call("manage_archives", request, "archiver")[:2]

    def locate(self, caller: dict[str, Any] = ADMIN, **query: str) -> tuple[int, Any]:
        request = http("GET", "/v1/archives/locate", caller=caller, query=query)
        return self.call("manage_archives", request, "archiver")[:2]

    def deliver(self, body: Any, context: Any = None, receives: int = 1) -> list[str]:
        """Delivers a message. Returns the ids of the messages that are delivered again."""
        return self.deliver_all(message(body, receives), context=context)

    def deliver_all(self, *messages: dict[str, Any], context: Any = None) -> list[str]:
        answer = self._complete({"Records": list(messages)}, context or Context())
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    def sweep(self) -> dict[str, int]:
        return self._complete({"source": "aws.events"}, Context())

    def come_back(self, partition: Partition, context: Callable[[], Any] = Context) -> Restore:
        """Delivers S3's event of the file and every message that follows; the restore afterwards."""
        failed = self.deliver(restored_event(partition["key"]), context())
        while self.queue.sent:
            failed += self.deliver(self.queue.sent.pop(0), context())
        assert not failed
        return self.newest(partition["refId"])

    def restore(self, ref_id: str, **body: Any) -> Restore:
        """From the request to the end; the restore."""
        status, answer = self.ask(ref_id, **body)
        assert status == 202, answer
        return self.come_back(self.partition(ref_id))

    def partition(self, ref_id: str) -> Partition:
        return self.connect("archiver").archive_partitions.find_one({"refId": ref_id}, {"_id": 0})

    def newest(self, partition_id: str) -> Restore:
        """The newest restore of a partition; {} without one."""
        restores = self.connect("archiver").archive_restores
        newest = [("createdOn", -1), ("refId", -1)]
        return restores.find_one({"partitionId": partition_id}, {"_id": 0}, sort=newest) or {}

    def get(self, ref_id: str, **query: str) -> tuple[int, Any]:
        """A record, read through the API."""
        request = http("GET", f"/v1/audit-logs/{ref_id}", caller=ADMIN, query=query or None)
        return self.call("read_audit_logs", request, "reader")[:2]

    def _complete(self, event: dict[str, Any], context: Any) -> Any:
        self.cold_start("archiver")
        return self.load_function("complete_restores").handler(event, context)

    # ---- damage to the bucket

    def objects(self, partition: Partition) -> dict[str, str]:
        """The keys of what belongs to a partition."""
        stem = partition["key"].removesuffix(FILE_SUFFIX)
        beside = {name: f"{stem}.{name}" for name in ("manifest.json", "proof", "index.json")}
        return {"file": partition["key"], **beside}

    def read(self, key: str) -> bytes:
        """An object, also one that is in Glacier."""
        if key.endswith(FILE_SUFFIX):
            glacier = {"Days": 1, "GlacierJobParameters": {"Tier": "Bulk"}}
            self.s3.restore_object(Bucket=BUCKET, Key=key, RestoreRequest=glacier)
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def replace(self, key: str, body: bytes) -> None:
        storage = {"StorageClass": "GLACIER"} if key.endswith(FILE_SUFFIX) else {}
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **storage)

    def flip(self, key: str, at: int) -> None:
        """Changes a bit of the byte at a place."""
        body = bytearray(self.read(key))
        body[at] ^= 1
        self.replace(key, bytes(body))

    def rewrite_manifest(self, partition: Partition, **changes: Any) -> None:
        """With write access to the database, too."""
        key = self.objects(partition)["manifest.json"]
        described = json.loads(self.read(key))
        for name, value in changes.items():
            described[name] = described[name] | value if isinstance(value, dict) else value
        body = orjson.dumps(described, option=orjson.OPT_SORT_KEYS)
        self.replace(key, body)
        change = {"$set": {"manifestSha256": sha256(body).hexdigest()}}
        self.connect("admin").archive_partitions.update_one({"refId": partition["refId"]}, change)

    def rewrite_proof(self, partition: Partition, head: dict[str, Any], positions: list[int] | None = None) -> None:
        """Changes the first line of a proof, and all of its positions where there are some."""
        key = self.objects(partition)["proof"]
        lines = [json.loads(line) for line in self.read(key).splitlines()]
        lines[0] |= head
        if positions is not None:
            lines = [line for line in lines if "positions" not in line] + [{"positions": positions}]
        self.replace(key, b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))


def canonical(records: list[dict[str, Any]]) -> list[bytes]:
    """Records as lines of an archive, in RFC 8785."""
    plain = [{name: value for name, value in record.items() if name not in OF_THE_SET} for record in records]
    return [canonicalize(orjson.loads(archived_line(record))) for record in plain]
