"""Old records in the real database, sealed logs and the archive's bucket in moto's S3."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import batched
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto import mock_aws
from moto.moto_api import state_manager
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.files import Lines
from chancery.archive.finalizer import Finalizer
from chancery.archive.store import ArchiveStore
from chancery.archive.worker import ArchiveWorker
from chancery.audit.archived import archived_line
from chancery.audit.ingest import RecordBuilder
from chancery.audit.restored_records import RestoredRecords
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import Document
from chancery.sealing.models import log_name
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.layout import ArchiveKeys
from chancery.tlog.leaf import leaf_entry
from chancery.wiring.archive import TenantLogs
from tests.builders import built, event, sealer, writer
from tests.fakes import FakeBus, FakeKms, FakeQueue, Loop
from tests.integration.archive.restoring import BUCKET, Restoring
from tests.integration.archive.scenarios import load

LOGS, ORIGIN = "log-bucket", "log.example/chancery"
MONTH = "2024-02"
START = datetime(2024, 2, 1, tzinfo=UTC)
PLANNED = datetime(2026, 3, 5, 2, tzinfo=UTC)
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 7}}}


class S3:
    """moto's S3 where it is not like S3: it takes any checksum of a part, and leaves out how many parts there were."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def upload_part(self, **sent: Any) -> Any:
        if sent["ChecksumSHA256"] != b64encode(sha256(sent["Body"]).digest()).decode():
            raise ClientError({"Error": {"Code": "BadDigest"}}, "UploadPart")
        return self._client.upload_part(**sent)

    def head_object(self, **asked: Any) -> Any:
        head = self._client.head_object(**asked)
        _, _, parts = head["ETag"].strip('"').partition("-")
        if parts and "ChecksumSHA256" in head:
            head["ChecksumSHA256"] += f"-{parts}"
        return head


@pytest.fixture
def s3(monkeypatch):
    """S3 with the bucket of the logs; parts may be small in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    upload_part = S3Backend.upload_part

    def refuse_ended(self, bucket_name, multipart_id, *rest):  # where moto crashes
        if multipart_id not in self.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return upload_part(self, bucket_name, multipart_id, *rest)

    monkeypatch.setattr(S3Backend, "upload_part", refuse_ended)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=LOGS, ObjectLockEnabledForBucket=True)
        yield S3(client)


@pytest.fixture
def make_bucket(s3) -> Callable[[str], str]:
    """Makes a bucket as the template does: under Object Lock, encrypted by KMS."""
    key = boto3.client("kms", region_name="us-east-1").create_key()["KeyMetadata"]["Arn"]
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}]

    def make(name: str) -> str:
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=LOCK)
        return name

    return make


@pytest.fixture
def archive(make_bucket) -> str:
    """The archive's bucket."""
    return make_bucket("archive")


@pytest.fixture
def small(monkeypatch) -> None:
    """A frame for every ten records, and a part for every frame."""
    monkeypatch.setattr("chancery.archive.files._BATCH", 10)
    monkeypatch.setattr("chancery.archive.files.FRAME_BYTES", 1)


@pytest.fixture
def make_worker(connect, s3) -> Callable[..., Loop]:
    """A worker with the objects of a new execution environment."""

    def make(bucket: str = "archive", queue: FakeQueue | None = None, part_bytes: int = 1) -> Loop:
        database = connect("archiver")
        logs, files = LogStore(database), ArchiveBucket(bucket, s3)
        queue = queue or FakeQueue()
        worker = ArchiveWorker(
            ArchiveStore(database),
            AuditStore(database),
            Lines(archived_line, leaf_entry, logs.final_indexes_of),
            files,
            Finalizer(TenantLogs(logs, TileStorage(Objects(LOGS, s3))), files, {"chancery": "test"}, part_bytes),
            queue,
            part_bytes=part_bytes,
        )
        return Loop(worker, queue)

    return make


@pytest.fixture
def insert(connect) -> Callable[..., list[Document]]:
    """Stores records of a month, one a second, recorded when they happened unless `recorded_on` is given."""

    def add(count: int, tenant_id: str | None = "acme", start: datetime = START, **changes: Any) -> list[Document]:
        recorded_on = changes.pop("recorded_on", None)
        records = []
        for number in range(count):
            moment = start + timedelta(seconds=number)
            builder = RecordBuilder(clock=lambda moment=moment: recorded_on or moment)
            fields = {"resourceId": f"post-{number}", "createdOn": moment.isoformat(), **changes}
            records.append(built(event(**fields), tenant_id, builder))
        for batch in batched(records, 500, strict=False):
            writer(connect("writer")).insert(batch)
        return records

    return add


@pytest.fixture
def insert_unsealed(connect, insert) -> Callable[..., list[Document]]:
    """Stores records as they were stored before there was sealing."""

    def add(count: int, tenant_id: str | None = "acme", **changes: Any) -> list[Document]:
        records = insert(count, tenant_id, **changes)
        connect("admin").audit_outbox.delete_many({"tenantId": tenant_id})
        return records

    return add


@pytest.fixture(scope="session")
def private_key() -> Ed25519PrivateKey:
    """The key of all logs: scenarios are signed once."""
    return Ed25519PrivateKey.generate()


@pytest.fixture
def log_key(private_key) -> LogKey:
    kms = FakeKms()
    kms.key = private_key
    return LogKey("key", ORIGIN, kms)


@pytest.fixture
def scenario(connect, s3) -> Callable[[str, Callable[[], Any]], Any]:
    """Loads a scenario: built by the first test that needs it, copied for the others."""
    return lambda name, build: load(connect("admin"), name, build)


@pytest.fixture
def seal(connect, s3, log_key) -> Callable[..., int]:
    """Seals what waits of a tenant."""

    def run(tenant_id: str | None = "acme") -> int:
        return sealer(connect("sealer"), Objects(LOGS, s3), log_key, FakeBus()).seal(tenant_id)

    return run


@pytest.fixture
def plan(connect) -> Callable[..., dict[str, Any]]:
    """Stores the partition of a tenant's month; the message that has it worked on."""

    def add(tenant_id: str | None = "acme", month: str = MONTH, **changes: Any) -> dict[str, Any]:
        supplement = changes.get("supplement", 0)
        partition = {
            "refId": new_ref_id(),
            "tenantId": tenant_id,
            "month": month,
            "supplement": supplement,
            "state": "pending",
            "runId": new_ref_id(),
            "recordedFrom": None,
            "recordedTo": PLANNED,
            "storageClass": "GLACIER",
            "key": ArchiveKeys.of(log_name(tenant_id), month, supplement).file,
            "records": 0,
            "rawBytes": 0,
            "bytes": 0,
            "seconds": 0.0,
            "uploadId": None,
            "log": None,
            **changes,
        }
        assert ArchiveStore(connect("archiver")).add(partition)
        return {"refId": partition["refId"], "tenantId": tenant_id}

    return add


@pytest.fixture
def stored(connect) -> Callable[[dict[str, Any]], Document]:
    """The partition of a message."""
    return ArchiveStore(connect("archiver")).get


@pytest.fixture
def archived(s3) -> Callable[..., dict[str, bytes]]:
    """Everything in an archive's bucket, by key; each object has one version, and no upload is open."""

    def read(bucket: str = "archive") -> dict[str, bytes]:
        assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
        versions = s3.list_object_versions(Bucket=bucket).get("Versions", [])
        keys = [version["Key"] for version in versions]
        assert len(set(keys)) == len(keys)
        for version in versions:
            if version["StorageClass"] != "STANDARD":
                glacier = {"Days": 1, "GlacierJobParameters": {"Tier": "Bulk"}}
                s3.restore_object(Bucket=bucket, Key=version["Key"], RestoreRequest=glacier)
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    return read


@pytest.fixture
def restoring(
    connect, s3, archive, log_key, call, environment, load_function, retry_queue, monkeypatch
) -> Iterator[Restoring]:
    for name, value in (
        ("ARCHIVE_BUCKET", BUCKET),
        ("RESTORES_QUEUE_URL", "https://queue"),
        ("LOG_BUCKET", LOGS),
        ("LOG_ORIGIN", ORIGIN),
        ("SIGNING_KEY", "key"),
        ("MAX_RECEIVES", "4"),
    ):
        monkeypatch.setenv(f"CHANCERY_{name}", value)
    monkeypatch.setattr("chancery.core.aws.clients.client", {"s3": s3, "kms": log_key.kms}.get)
    yield Restoring(connect, s3, call, environment, load_function, retry_queue)
    state_manager.unset_transition("s3::keyrestore")


@pytest.fixture
def archive_month(plan, make_worker, restoring, small) -> Callable[..., dict[str, Any]]:
    """Archives the stored records of a month. Returns its partition."""

    def run(tenant_id: str | None = "acme", **changes: Any) -> dict[str, Any]:
        wanted = plan(tenant_id, **changes)
        make_worker().work(wanted, long_time)
        partition = restoring.partition(wanted["refId"])
        assert partition["state"] == "archived"
        return partition

    return run


@pytest.fixture
def month(insert, seal, archive_month, scenario) -> dict[str, Any]:
    """A month of 25 records in three parts, sealed between others."""

    def build() -> dict[str, Any]:
        insert(5, start=datetime(2024, 1, 31, 23, tzinfo=UTC))
        insert(25)
        insert(3, start=datetime(2024, 3, 1, tzinfo=UTC))
        seal()
        return archive_month()

    return scenario("month", build)


@pytest.fixture
def restored(connect) -> Callable[..., list[dict[str, Any]]]:
    """The restored records of a tenant, in the archive's order."""

    def read(tenant_id: str | None = "acme") -> list[dict[str, Any]]:
        query = {"tenantId": tenant_id}
        return list(connect("reader").restored_audit_logs.find(query).sort([("createdOn", 1), ("refId", 1)]))

    return read


@pytest.fixture
def searched(connect) -> Callable[[], list[dict[str, Any]]]:
    """The records that a search of the restored set finds."""
    options = {"fields": ("refId",), "descending": False, "limit": 500}
    return lambda: RestoredRecords(connect("reader")).page({}, **options)


@pytest.fixture
def live(connect) -> Callable[..., list[dict[str, Any]]]:
    def read(
        tenant_id: str | None = "acme", month: datetime = datetime(2024, 2, 1, tzinfo=UTC)
    ) -> list[dict[str, Any]]:
        query = {"tenantId": tenant_id, "createdOn": {"$gte": month, "$lt": month + timedelta(days=29)}}
        return list(connect("reader").audit_logs.find(query).sort([("createdOn", 1), ("refId", 1)]))

    return read


def long_time() -> int:
    return 900_000
