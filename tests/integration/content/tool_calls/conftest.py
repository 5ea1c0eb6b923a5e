"""Tool calls through the real handlers, against the real database; S3 and KMS are moto's."""

from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import boto3
import orjson
import pytest
from botocore.config import Config
from moto import mock_aws

from chancery.content.tool_calls.consumer import RECORD
from tests.builders import envelope, http, message, principal
from tests.fakes import LambdaContext

BUCKET = "content-bucket"


def tool_call(**changes: Any) -> dict[str, Any]:
    """A tool call as a caller sends it; None leaves a field out."""
    body = {
        "toolCallId": "call-1",
        "activityRunId": "run-1",
        "toolName": "semrush",
        "method": "keywords.search",
        "fullInput": {"query": "seo", "page": 1},
        "fullOutput": [{"keyword": "why seo matters", "volume": 1300}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def tool_event(**changes: Any) -> dict[str, Any]:
    """An SQS message with the event of a tool call."""
    receives = changes.pop("receives", 1)
    about = {"detail-type": RECORD, **changes.pop("about", {})}
    return message(envelope(tool_call(**{"tenantId": "acme", **changes}), **about), receives)


@dataclass
class Cloud:
    """S3 and KMS of moto, and the calls of S3."""

    s3: Any
    kms: Any
    key_id: str
    asked: list[str] = field(default_factory=list)

    def keys(self, prefix: str = "") -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]

    def stored(self) -> bytes:
        """Everything in the bucket, of all versions."""
        versions = self.s3.list_object_versions(Bucket=BUCKET).get("Versions", ())
        names = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        return b"\n".join(self.s3.get_object(Bucket=BUCKET, **name)["Body"].read() for name in names)

    def uploads(self) -> list[int]:
        """The lengths of all versions of uploads."""
        found = self.s3.list_object_versions(Bucket=BUCKET, Prefix="uploads/")
        return [version["Size"] for version in found.get("Versions", ())]

    def upload(self, upload_id: str, body: bytes, tenant: str = "acme") -> None:
        """Stores a body as a PUT to the presigned link does."""
        self.s3.put_object(Bucket=BUCKET, Key=f"uploads/tenant-{tenant}/{upload_id}", Body=body)


@pytest.fixture
def cloud(monkeypatch):
    for name, value in {
        "CONTENT_BUCKET": BUCKET,
        "TOOL_CALLS_QUEUE_URL": "https://calls",
        "TOOL_UPLOADS_QUEUE_URL": "https://uploads",
        "REJECTS_QUEUE_URL": "https://rejects",
        "DEAD_LETTER_QUEUE_URL": "https://dead",
        "MAX_RECEIVES": "3",
    }.items():
        monkeypatch.setenv(f"CHANCERY_{name}", value)
    with mock_aws():
        config = Config(signature_version="s3v4")
        s3 = boto3.client("s3", region_name="us-east-1", config=config)
        kms = boto3.client("kms", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        made = Cloud(s3, kms, kms.create_key()["KeyMetadata"]["KeyId"])
        s3.meta.events.register("before-call.s3", lambda model, **_: made.asked.append(model.name))
        monkeypatch.setenv("CHANCERY_SENSITIVE_KEY", made.key_id)
        clients = {"s3": s3, "kms": kms}
        monkeypatch.setattr("chancery.core.aws.clients.client", clients.__getitem__)
        yield made


@pytest.fixture
def post(call, cloud):
    def send(body, path="/v1/tool-calls", role="producer", headers=None, **caller):
        return call("record_tool_calls", http("POST", path, body, caller=principal(role, **caller), headers=headers))

    return send


@pytest.fixture
def get(call, cloud):
    """GET as a client does, which sends Accept; a body comes as bytes."""

    def send(path, role="user", query=None, headers=None, **caller):
        headers = {"accept": "*/*", **(headers or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        request = http("GET", f"/v1/tool-calls{path}", caller=principal(role, **caller), query=query, headers=headers)
        return call("read_tool_calls", request, "reader")

    return send


@pytest.fixture
def body_of(environment, load_function, cloud):
    """A body as it leaves the API: status, bytes, headers."""

    def send(ref_id, part, role="user", headers=None, **caller):
        environment("reader")
        headers = {"accept": "*/*", **(headers or {})}
        request = http("GET", f"/v1/tool-calls/{ref_id}/{part}", caller=principal(role, **caller), headers=headers)
        answer = load_function("read_tool_calls").handler(request, LambdaContext())
        assert len(orjson.dumps(answer)) < 6_291_556, "a Lambda function answers with at most 6 MB"
        body = b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        return answer["statusCode"], body, {name: values[0] for name, values in answer["multiValueHeaders"].items()}

    return send


@pytest.fixture
def consume(environment, cloud, retry_queue, load_function):
    def send(*messages):
        environment("writer")
        answer = load_function("consume_tool_calls").handler({"Records": list(messages)}, LambdaContext())
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    return send


@pytest.fixture
def redact(environment, cloud, load_function, retry_queue, monkeypatch):
    """Has the redaction take what its queue holds; the ids it hands back."""

    monkeypatch.setenv("CHANCERY_MAX_RECEIVES", "4")

    def run(*bodies, receives=1):
        environment("writer")
        messages = [
            message(body, receives) for body in bodies or [text for text in retry_queue.sent if '"refId"' in text]
        ]
        retry_queue.sent.clear()
        answer = load_function("redact_tool_uploads").handler({"Records": messages}, LambdaContext())
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    return run


@pytest.fixture
def uploaded(post, cloud):
    """Announces and uploads a body; the id of the upload."""

    def put(body: bytes, tenant="acme", **caller):
        announced = {"bytes": len(body), "sha256": sha256(body).hexdigest()}
        status, link, _ = post(announced, "/v1/tool-calls/uploads", tenants=(tenant,), **caller)
        assert status == 201
        cloud.upload(link["id"], body, tenant)
        return link["id"]

    return put
