"""Managed calls through the real handlers: the real database, moto's AWS, a system on this machine that misbehaves."""

from typing import Any

import boto3
import orjson
import pytest
from moto import mock_aws

from chancery.core.aws.queue import ItemRef
from chancery.core.formats.identifiers import new_ref_id
from chancery.integrations.registry.models import EndpointSettings, SystemSettings
from chancery.integrations.transforms.transformer import Transformer
from chancery.wiring import call_worker, calls
from tests.builders import http, message, principal
from tests.fakes import LambdaContext
from tests.managed_calls import START
from tests.misbehaving_peer import misbehaving_peer

BUCKET = "content-bucket"
SECRET = "chancery/integrations/tenant-acme/sap"  # its name
QUICK = {"maxAttempts": 3, "initialDelayMs": 0, "maxDelayMs": 0}


@pytest.fixture(scope="session")
def shared_peer():
    with misbehaving_peer() as peer:
        yield peer


@pytest.fixture
def peer(shared_peer):
    """The system on the other side, with nothing left of earlier tests."""
    shared_peer.requests.clear()
    shared_peer.answers.clear()
    return shared_peer


@pytest.fixture(scope="session")
def transformer():
    """One process for all tests."""
    transformer = Transformer()
    yield transformer
    transformer.stop()


@pytest.fixture
def aws(monkeypatch, transformer):
    monkeypatch.setattr(call_worker, "transformer", lambda: transformer)
    with mock_aws():
        clients = {name: boto3.client(name, region_name="us-east-1") for name in ("s3", "kms", "secretsmanager")}
        clients["s3"].create_bucket(Bucket=BUCKET)
        for name, value in {
            "CONTENT_BUCKET": BUCKET,
            "SENSITIVE_KEY": clients["kms"].create_key()["KeyMetadata"]["Arn"],
            "INTEGRATION_CALLS_QUEUE_URL": "https://calls",
            "EXCHANGE_COMPLETIONS_QUEUE_URL": "https://completions.fifo",
            "DEAD_LETTER_QUEUE_URL": "https://dead",
            "MAX_RECEIVES": "3",
            "OUTBOUND_PRIVATE_RANGES": "127.0.0.0/8",
        }.items():
            monkeypatch.setenv(f"CHANCERY_{name}", value)
        monkeypatch.setattr("chancery.core.aws.clients.client", clients.__getitem__)
        yield clients


@pytest.fixture
def secret(aws):
    """Stores a secret of acme's; its ARN."""

    def store(text: str, name: str = SECRET) -> str:
        return aws["secretsmanager"].create_secret(Name=name, SecretString=text)["ARN"]

    return store


@pytest.fixture
def endpoint(environment, aws, peer):
    """Registers the system `sap` of acme with an endpoint `orders` at a path of the peer."""

    def register(path: str = "/echo", system: dict[str, Any] | None = None, **endpoint: Any) -> None:
        environment("writer")
        base = {"tenantId": "acme", "createdBy": "admin", "createdOn": START}
        settings = {"name": "SAP", "baseUrl": peer.url, "retryPolicy": QUICK, **(system or {})}
        stored = SystemSettings.model_validate(settings).model_dump(by_alias=True)
        registry = calls.registry()
        found = registry.add_system({**base, "refId": new_ref_id(), "code": "sap", **stored}, lambda: None)
        own = EndpointSettings.model_validate({"name": "Orders", "pathTemplate": path, **endpoint})
        ids = {**base, "refId": new_ref_id(), "code": "orders"}
        registry.add_endpoint(found, {**ids, **own.model_dump(by_alias=True)}, lambda: None)

    return register


@pytest.fixture
def begin(call, aws):
    """Begins a call: status, answer, headers."""

    def send(body: Any = None, role: str = "producer", headers: dict[str, str] | None = None, **given: Any):
        asked = {"body": body, **given}
        path = "/v1/integrations/sap/orders/calls"
        return call("manage_calls", http("POST", path, asked, caller=principal(role), headers=headers))

    return send


@pytest.fixture
def read(call, aws):
    """A request about calls: status, answer."""

    def send(method: str, path: str, role: str = "user", body: Any = None, query: dict[str, str] | None = None):
        return call("manage_calls", http(method, path, body, caller=principal(role), query=query))[:2]

    return send


@pytest.fixture
def work(environment, aws, retry_queue, load_function):
    """Delivers the messages that are in the queue, and those that follow, each once; how many it were."""

    def deliver(most: int = 20) -> int:
        done = 0
        while retry_queue.sent and done < most:
            environment("writer")
            body = retry_queue.sent.pop(0)
            answer = load_function("send_calls").handler({"Records": [message(orjson.loads(body))]}, LambdaContext())
            assert answer == {"batchItemFailures": []}
            done += 1
        return done

    return deliver


@pytest.fixture
def exchanges(connect):
    """The exchanges of acme, in the order of their attempts."""
    order = {"createdOn": 1, "attemptNumber": 1}
    return lambda: list(connect("reader").integration_logs.find({"tenantId": "acme"}, {"_id": 0}).sort(order))


@pytest.fixture
def stored(connect):
    """A stored call, as it is."""
    return lambda ref_id: connect("reader").integration_calls.find_one(ItemRef("acme", ref_id).query, {"_id": 0})
