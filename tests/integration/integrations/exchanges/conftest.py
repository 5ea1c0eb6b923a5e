"""Exchanges through the real handlers, against the real database; S3 is moto's."""

from base64 import b64decode
from typing import Any

import boto3
import orjson
import pytest
from botocore.config import Config
from moto import mock_aws

from chancery.integrations.exchanges.consumer import RECORD
from tests.builders import envelope, http, message, principal
from tests.fakes import LambdaContext

BUCKET = "content-bucket"


def opened(**changes: Any) -> dict[str, Any]:
    """A request as a caller sends it; None leaves a field out."""
    body = {
        "requestId": "r-1",
        "systemCode": "sap",
        "endpointCode": "orders",
        "httpMethod": "POST",
        "requestUrl": "https://sap.example/orders?page=2",
        "requestHeaders": {"Content-Type": "application/json", "X-Trace": ["a", "b"]},
        "requestBody": {"vendor": "V-100", "items": [{"material": "M-1", "qty": 2}]},
        "context": {"entityType": "purchase_order", "entityId": "po-17", "operationType": "create"},
        "actor": {"userId": "user-1", "triggeredBy": "user"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def closed(**changes: Any) -> dict[str, Any]:
    """An end as a caller sends it; None leaves a field out."""
    body = {
        "responseStatus": 201,
        "responseHeaders": {"Content-Type": "application/json"},
        "responseBody": {"po_number": "4500012345"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def exchange_event(detail: Any, receives: int = 1, **about: Any) -> dict[str, Any]:
    """An SQS message with a `Record Exchange` event."""
    detail = {"tenantId": "acme", **detail} if isinstance(detail, dict) else detail
    return message(envelope(detail, **{"detail-type": RECORD, **about}), receives)


@pytest.fixture
def s3(monkeypatch):
    for name, value in {
        "CONTENT_BUCKET": BUCKET,
        "EXCHANGES_QUEUE_URL": "https://exchanges",
        "EXCHANGE_COMPLETIONS_QUEUE_URL": "https://completions.fifo",
        "REJECTS_QUEUE_URL": "https://rejects",
        "DEAD_LETTER_QUEUE_URL": "https://dead",
        "MAX_RECEIVES": "3",
    }.items():
        monkeypatch.setenv(f"CHANCERY_{name}", value)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", config=Config(signature_version="s3v4"))
        s3.create_bucket(Bucket=BUCKET)
        monkeypatch.setattr("chancery.core.aws.clients.client", {"s3": s3}.__getitem__)
        yield s3


@pytest.fixture
def keys(s3):
    """The keys of the bucket."""
    return lambda: [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


@pytest.fixture
def post(call, s3):
    def send(body=None, role="producer", headers=None, **caller):
        body = opened() if body is None else body
        request = http("POST", "/v1/exchanges", body, caller=principal(role, **caller), headers=headers)
        return call("record_exchanges", request)

    return send


@pytest.fixture
def patch(call, s3):
    def send(request_id="r-1", body=None, role="producer", headers=None, **caller):
        body = closed() if body is None else body
        path = f"/v1/exchanges/{request_id}"
        return call("record_exchanges", http("PATCH", path, body, caller=principal(role, **caller), headers=headers))

    return send


@pytest.fixture
def get(call, s3):
    """GET below /v1; a body comes as it is parsed."""

    def send(path, role="user", query=None, **caller):
        request = http("GET", f"/v1{path}", caller=principal(role, **caller), query=query)
        return call("read_exchanges", request, "reader")

    return send


@pytest.fixture
def body_of(environment, load_function, s3):
    """A body as it leaves the API: status, bytes, headers."""

    def send(request_id, part, role="user", accept="*/*", **caller):
        environment("reader")
        path = f"/v1/exchanges/{request_id}/{part}"
        request = http("GET", path, caller=principal(role, **caller), headers={"accept": accept} if accept else {})
        answer = load_function("read_exchanges").handler(request, LambdaContext())
        assert len(orjson.dumps(answer)) < 6_291_556, "a Lambda function answers with at most 6 MB"
        body = b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        return answer["statusCode"], body, {name: values[0] for name, values in answer["multiValueHeaders"].items()}

    return send


@pytest.fixture
def consume(environment, s3, retry_queue, load_function):
    """Delivers messages to the consumer; the ids of those that come back."""

    def send(*messages):
        environment("writer")
        answer = load_function("consume_exchanges").handler({"Records": list(messages)}, LambdaContext())
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    return send


@pytest.fixture
def complete(environment, s3, retry_queue, load_function):
    """Runs the schedule of finished exchanges."""

    def run():
        environment("writer")
        return load_function("complete_exchanges").handler({}, LambdaContext())

    return run


@pytest.fixture
def stored(connect):
    """A stored exchange, by its request id."""
    return lambda request_id="r-1", tenant="acme": connect("reader").integration_logs.find_one(
        {"tenantId": tenant, "requestId": request_id}, {"_id": 0}
    )
