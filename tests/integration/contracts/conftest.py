"""The functions of contracts against the real database, moto's S3 with Object Lock, and a sealer."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chancery.contracts import default_template
from chancery.core.aws import clients as aws
from chancery.core.aws.objects import Objects
from chancery.sealing.signing import LogKey
from tests.builders import http, principal, sealer
from tests.contracts import values
from tests.fakes import FakeKms

BUCKET, LOG_BUCKET, ORIGIN = "contracts", "log-bucket", "log.example/chancery"


@pytest.fixture
def s3(monkeypatch, environment):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("CHANCERY_CONTRACT_BUCKET", BUCKET)
    monkeypatch.setenv("CHANCERY_PLATFORM_NAME", "DM Agency Platform")
    monkeypatch.setenv("CHANCERY_LOG_BUCKET", LOG_BUCKET)
    monkeypatch.setenv("CHANCERY_LOG_ORIGIN", ORIGIN)
    monkeypatch.setenv("CHANCERY_SIGNING_KEY", "key")
    monkeypatch.setenv("CHANCERY_SEAL_QUEUE_URL", "https://queue")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (BUCKET, LOG_BUCKET):
            client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        aws.client.cache_clear()
        yield client
        aws.client.cache_clear()


@pytest.fixture
def send(call, s3, connect) -> Callable[..., tuple[int, Any, dict[str, Any]]]:
    """A request as a role: status, body, headers. The default template is installed."""
    default_template.install(connect("writer"))

    def request(method: str, path: str, body: Any = None, role: str = "dm_user", **options: Any) -> Any:
        headers = options.pop("headers", None)
        query = options.pop("query", None)
        event = http(method, path, body, caller=principal(role, **options), headers=headers, query=query)
        writes = method == "POST" and not path.endswith("/verify")
        return call(*("issue_contracts", event, "writer") if writes else ("read_contracts", event, "reader"))

    return request


@pytest.fixture
def issue(send) -> Callable[..., tuple[int, Any, dict[str, Any]]]:
    """Issues a contract of the default template."""

    def contract(
        role: str = "dm_user", key: str | None = None, given: dict[str, Any] | None = None, **more: Any
    ) -> Any:
        headers = {"Idempotency-Key": key} if key else None
        options = {name: more.pop(name) for name in ("tenants", "principalId") if name in more}
        body = {"values": given or values(), **more}
        return send("POST", "/v1/contracts", body, role, headers=headers, **options)

    return contract


@pytest.fixture
def kms() -> FakeKms:
    return FakeKms()


@pytest.fixture
def key(kms) -> LogKey:
    return LogKey("key", ORIGIN, kms)


@pytest.fixture
def seal(connect, s3, key, bus) -> Callable[..., int]:
    """Seals the outbox of a tenant."""

    def sealed(tenant_id: str | None = "acme") -> int:
        return sealer(connect("sealer"), Objects(LOG_BUCKET, s3), key, bus).seal(tenant_id)

    return sealed


@pytest.fixture
def audited(connect) -> Callable[[str], list[dict[str, Any]]]:
    """The audit records of an action, as they are stored."""
    return lambda action: list(connect("admin").audit_logs.find({"action": action}))


@pytest.fixture
def keys_in(s3) -> Callable[[], list[str]]:
    """The keys of all versions in the bucket of contracts."""
    return lambda: sorted(item["Key"] for item in s3.list_object_versions(Bucket=BUCKET).get("Versions", ()))
