"""Requests for exports, their worker, and their files in moto's S3."""

import json
from datetime import timedelta
from itertools import batched

import boto3
import pytest
from moto import mock_aws

from chancery.audit.export_worker import ExportWorker
from chancery.audit.exports import ExportStore
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from tests.builders import NOON, http, principal, record, writer
from tests.fakes import FakeQueue, Loop, refuse_ended_uploads

BUCKET, LOGS = "exports", "log-bucket"


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("CHANCERY_EXPORT_BUCKET", BUCKET)
    monkeypatch.setenv("CHANCERY_EXPORTS_QUEUE_URL", "https://queue")
    monkeypatch.setenv("CHANCERY_LOG_BUCKET", LOGS)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.create_bucket(Bucket=LOGS)
        refuse_ended_uploads(client)
        monkeypatch.setattr("chancery.core.aws.clients.client", lambda _: client)
        yield client


@pytest.fixture
def ask(call, s3):
    def send(body, role="user", headers=None, **caller):
        request = http("POST", "/v1/audit-exports", body, caller=principal(role, **caller), headers=headers)
        return call("manage_audit_exports", request)

    return send


@pytest.fixture
def look(call, s3):
    def send(export_id, role="user", **caller):
        return call(
            "manage_audit_exports", http("GET", f"/v1/audit-exports/{export_id}", caller=principal(role, **caller))
        )

    return send


@pytest.fixture
def worker(connect, s3):
    def make(part_bytes=8 * 1024 * 1024, queue=None):
        database = connect("writer")
        queue = queue or FakeQueue()
        stores = ExportStore(database), AuditStore(database)
        return Loop(ExportWorker(*stores, Objects(BUCKET, s3), queue, part_bytes=part_bytes), queue)

    return make


@pytest.fixture
def stored(connect):
    def insert(count, **changes):
        records = [
            record(resourceId=f"p{n:04d}", createdOn=(NOON + timedelta(seconds=n)).isoformat(), **changes)
            for n in range(count)
        ]
        for batch in batched(records, 10, strict=False):  # a transaction each, and some records are large
            writer(connect("writer")).insert(batch)

    return insert


def lines(s3, key: str) -> list[dict]:
    return [json.loads(line) for line in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()]


def export_of(connect, export_id: str) -> dict:
    return connect("reader").audit_exports.find_one({"refId": export_id})


def long_time() -> int:
    return 900_000


def no_time() -> int:
    return 1000
