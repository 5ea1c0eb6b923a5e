"""BlobStore in S3 by their hash."""

from hashlib import sha256

import boto3
import pytest
from moto import mock_aws

from chancery.core.aws.blobs import BlobStore, BodyDamaged
from chancery.core.aws.objects import Objects
from chancery.core.errors import Unavailable

BUCKET = "content-bucket"


@pytest.fixture
def s3():
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def bodies(s3):
    return BlobStore(Objects(BUCKET, s3))


@pytest.mark.parametrize("body", [b"", "Zoë\r\n\0".encode(), bytes(range(256)) * 4096])
def test_a_body_is_read_as_it_was_stored(bodies, body):
    stored = bodies.store("acme", body, "application/octet-stream")

    assert stored == {"sha256": sha256(body).hexdigest(), "bytes": len(body), "key": stored["key"]}
    assert stored["key"] == f"content/tenant-acme/{stored['sha256']}"
    assert bodies.read(stored) == body


def test_the_same_body_twice_is_one_object_of_a_tenant(bodies, s3):
    stored = [bodies.store(tenant, b"same", "text/plain") for tenant in ("acme", "acme", "other", "a/../b", None)]

    keys = {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert stored[0] == stored[1]
    assert len(keys) == 4
    assert not [key for key in keys if ".." in key]


def test_a_changed_or_deleted_body_is_not_returned(bodies, s3):
    stored = bodies.store("acme", b"as it was", "text/plain")

    s3.put_object(Bucket=BUCKET, Key=stored["key"], Body=b"as it wasn't")
    with pytest.raises(BodyDamaged, match="damaged"):
        bodies.read(stored)
    s3.delete_object(Bucket=BUCKET, Key=stored["key"])
    with pytest.raises(BodyDamaged, match="gone"):
        bodies.read(stored)


def test_an_unavailable_store_raises_unavailable(s3):
    unavailable = BlobStore(Objects("no-such-bucket", s3))

    with pytest.raises(Unavailable):
        unavailable.store("acme", b"x", "text/plain")
