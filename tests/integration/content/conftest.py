"""The real handlers of the content documents on the real database; S3 is moto's, with KMS on the bucket."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.builders import http, principal

CONTENT = "content"
READERS = ("read_content", "read_traces")


@pytest.fixture
def content_bucket(monkeypatch) -> Iterator[Any]:
    """S3 with the bucket of bodies."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        key = boto3.client("kms", region_name="us-east-1").create_key()["KeyMetadata"]["Arn"]
        client.create_bucket(Bucket=CONTENT)
        encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}]
        client.put_bucket_encryption(Bucket=CONTENT, ServerSideEncryptionConfiguration={"Rules": rules})
        monkeypatch.setenv("CHANCERY_CONTENT_BUCKET", CONTENT)
        monkeypatch.setattr("chancery.core.aws.clients.client", {"s3": client}.get)
        yield client


@pytest.fixture
def send(call, content_bucket) -> Callable[..., tuple[int, Any, dict[str, Any]]]:
    """A request to a function, by default a user of acme's."""

    def request(
        function: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "user",
        tenants: tuple[str, ...] = ("acme",),
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, dict[str, Any]]:
        caller = principal(role, tenants=() if role == "super_admin" else tenants)
        asked = http(method, path, body, caller=caller, query=query, headers=headers)
        return call(function, asked, "reader" if function in READERS else "writer")

    return request


def audited(bus: Any, *actions: str) -> list[dict[str, Any]]:
    """The audit events of some actions that were sent to the bus."""
    return [event for event in bus.of("Record Audit Event") if event["action"] in actions]
