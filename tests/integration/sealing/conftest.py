"""Real records in the real database, logs in moto's S3, and a signing key of the tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import orjson
import pytest
from moto import mock_aws

from chancery.audit.events import RECORDED, recorded_event
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.formats.times import now
from chancery.sealing.models import log_name
from chancery.sealing.outbox import OutboxReader
from chancery.sealing.relay import OutboxRelay
from chancery.sealing.signing import LogKey
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.signed_notes import Checkpoint, open_checkpoint
from chancery.tlog.tiles import reader, split, tiles_of, unbundle
from tests.builders import record, sealer, writer
from tests.fakes import FakeKms

BUCKET, ORIGIN = "log-bucket", "log.example/chancery"


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        yield client


@pytest.fixture
def kms() -> FakeKms:
    return FakeKms()


@pytest.fixture
def key(kms) -> LogKey:
    return LogKey("key", ORIGIN, kms)


@pytest.fixture
def make_sealer(connect, s3, key, bus):
    """A sealer with the objects of a new execution environment."""

    def make(database=None):
        return sealer(connect("sealer") if database is None else database, Objects(BUCKET, s3), key, bus)

    return make


@pytest.fixture
def make_relay(connect, bus):
    """A relay whose clock is two minutes ahead by default: every entry is old enough to publish."""

    def make(after: timedelta = timedelta(minutes=2)) -> OutboxRelay:
        database = connect("sealer")

        def publish(tenant_id: str | None, ref_ids: Sequence[str]) -> None:
            records = AuditStore(database).get_many(tenant_id, ref_ids).values()
            bus.publish(RECORDED, [recorded_event(item) for item in records])

        return OutboxRelay(OutboxReader(database, lambda: now() + after), publish)

    return make


@pytest.fixture
def insert(connect):
    """Stores records of a tenant. Returns their refIds."""

    def add(tenant_id: str | None = "acme", count: int = 1, **changes: Any) -> list[str]:
        records = [record(tenant_id, **changes) for _ in range(count)]
        writer(connect("writer")).insert(records)
        return [item["refId"] for item in records]

    return add


@dataclass(frozen=True)
class PublishedLog:
    """A log read from the bucket and verified whole with the verifier key."""

    size: int
    entries: list[bytes]
    note: str
    checkpoints: list[int]


@pytest.fixture
def published(s3, key) -> Callable[..., PublishedLog]:
    """Reads and verifies every published file of a tenant's log."""

    def read(tenant_id: str | None = "acme") -> PublishedLog:
        log = log_name(tenant_id)
        tiles = TileStorage(Objects(BUCKET, s3))
        note = tiles.newest(log)
        assert note is not None
        newest = open_checkpoint(note, key.verifier(log), key.verify)
        fetch = tiles.fetch(log)
        entries: list[bytes] = []
        for tile in tiles_of(newest.size):
            if tile.level == 0:
                bundle = unbundle(fetch(tile.bundle_path))
                assert [leaf_hash(entry) for entry in bundle] == split(fetch(tile.path))
                entries += bundle
        root_of = reader(fetch, newest.size)
        assert root_of(0, newest.size) == newest.root
        sizes = list(tiles.witnessed_after(log, 0))
        for size in sizes:
            known = open_checkpoint(tiles.witnessed(log, size), key.verifier(log), key.verify)
            assert known == Checkpoint(newest.origin, size, root_of(0, size))
        return PublishedLog(newest.size, entries, note, sizes)

    return read


@pytest.fixture
def versions(s3) -> Callable[[], dict[str, int]]:
    """The number of versions of each object in the log bucket."""

    def listed() -> dict[str, int]:
        found: dict[str, int] = {}
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            for version in page.get("Versions", ()):
                found[version["Key"]] = found.get(version["Key"], 0) + 1
        return found

    return listed


def ref_ids(entries: list[bytes]) -> list[str]:
    """The refIds of leaf entries."""
    return [orjson.loads(entry)["refId"] for entry in entries]
