"""After the attack: a credential is found wherever it is stored."""

import gzip
import io
import time
import zipfile

import boto3
import pytest
import zstandard
from moto import mock_aws

from tests.attack.after import log_groups_with_credentials, objects_with_credentials
from tests.attack.content import SECRETS

HELD = f'{{"description": "The key is {SECRETS[1]}, said Sarah."}}'.encode()


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("records.ndjson", content)
    return file.getvalue()


@pytest.fixture
def s3():
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in ("content-bucket", "log-bucket"):
            client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket="content-bucket", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.mark.parametrize(
    "stored",
    [
        {"Body": HELD},
        {"Body": gzip.compress(HELD)},
        {"Body": zstandard.compress(HELD[:20]) + zstandard.compress(HELD)},
        {"Body": zipped(HELD)},
        {"Body": b"", "Metadata": {"name": SECRETS[1]}},
        {"Body": b"", "Key": f"exports/{SECRETS[1]}"},
    ],
    ids=["plain", "gzip", "zstd", "zip", "metadata", "key"],
)
def test_an_object_with_a_credential_is_found_in_every_form(s3, stored):
    for number in range(3):
        s3.put_object(Bucket="log-bucket", Key=f"clean-{number}", Body=gzip.compress(b"nothing"))
    asked = {"Bucket": "content-bucket", "Key": "a"} | stored
    s3.put_object(**asked)

    assert [*objects_with_credentials(s3)] == [
        f"s3://content-bucket/{asked['Key']}: holds the credential {SECRETS[1][:8]}..."
    ]


def test_an_older_version_is_searched_too(s3):
    for body in (HELD, b"redacted"):
        s3.put_object(Bucket="content-bucket", Key="a", Body=body)
    assert len([*objects_with_credentials(s3)]) == 1


def test_what_is_redacted_and_what_is_in_glacier_is_not_found(s3):
    s3.put_object(Bucket="content-bucket", Key="a", Body=HELD.replace(SECRETS[1].encode(), b"[REDACTED]"))
    s3.put_object(Bucket="content-bucket", Key="b", Body=b"archived", StorageClass="GLACIER")

    assert [*objects_with_credentials(s3)] == []


def test_a_line_of_a_log_with_a_credential_is_found():
    with mock_aws():
        logs = boto3.client("logs", region_name="us-east-1")
        for group, text in (("/chancery/a", "nothing"), ("/chancery/b", f'{{"reason": "bad {SECRETS[2]}"}}')):
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="s")
            line = {"timestamp": int(time.time() * 1000), "message": text}
            logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[line])

        assert [*log_groups_with_credentials(logs)] == [f"/chancery/b: a line holds the credential {SECRETS[2][:8]}..."]
