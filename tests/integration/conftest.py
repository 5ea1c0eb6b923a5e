"""The real handlers of the audit trail against the real database; bus and queues are stand-ins."""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import botocore.session
import moto.kms.models
import orjson
import pytest

from chancery.core.aws import clients
from chancery.core.aws.queue import Queue
from chancery.core.mongo import client as mongo
from chancery.wiring import contracts, integration_registry
from local.mongod import Mongod
from tests.conftest import Connect, clear_caches
from tests.database import SharedDatabase
from tests.documented import check_documented
from tests.fakes import FakeBus, FakeQueue, LambdaContext
from tests.sqs import PolledQueue

SYMMETRIC = "SYMMETRIC_DEFAULT"
Call = Callable[[dict[str, Any]], tuple[int, Any, dict[str, Any]]]
_QUEUE = {name: getattr(Queue, name) for name in ("send", "forward", "defer")}
_ONCE = ("chancery.core.mongo.client", "chancery.core.settings")


@pytest.fixture(scope="session", autouse=True)
def _quick_aws() -> Iterator[None]:
    """Botocore reads a service's description once, not once a client; moto makes one RSA key for symmetric keys."""
    real = moto.kms.models.generate_private_key
    unused = cache(lambda: real(SYMMETRIC))

    def generate(spec: str) -> Any:
        return unused() if spec == SYMMETRIC else real(spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        patch.setattr(moto.kms.models, "generate_private_key", generate)
        yield


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def environment(
    mongod: Mongod, connect: Connect, shared_database: SharedDatabase, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Returns what starts an execution environment of a role class: services are built again, clients stay."""

    def start(role_class: str) -> None:
        end_environment()
        monkeypatch.setenv("CHANCERY_MONGODB_URI", mongod.uri(role_class))

    monkeypatch.setenv("CHANCERY_MONGODB_DATABASE", mongod.database)
    monkeypatch.setenv("CHANCERY_EVENT_BUS", "chancery-test")
    monkeypatch.setenv("CHANCERY_DEAD_LETTER_QUEUE_URL", "https://dead")
    monkeypatch.setenv("CHANCERY_DELIVERIES_QUEUE_URL", "https://deliveries")
    monkeypatch.setenv("CHANCERY_OIDC_ISSUER", "https://issuer.example.com")
    monkeypatch.setenv("CHANCERY_LIVE_ENDPOINT", "https://live.example.com/test")
    monkeypatch.setattr(mongo, "connect", shared_database.connect)
    monkeypatch.setattr("chancery.core.aws.event_bus.Bus.publish", lambda _, kind, details: bus.publish(kind, details))
    start("writer")
    yield start
    end_environment()


def end_environment() -> None:
    """Clears the caches of an execution environment, except for the processes of renderer and transforms."""
    for name, module in list(sys.modules.items()):
        if name in _ONCE or name.startswith("chancery.wiring."):
            clear_caches(module, but=(contracts.renderer, integration_registry.transformer))


@pytest.fixture(scope="session", autouse=True)
def _processes() -> Iterator[None]:
    """One process of the renderer and one for transforms for all tests; each starts with its first use."""
    yield
    if contracts.renderer.cache_info().currsize:
        contracts.renderer().stop()
    if integration_registry.transformer.cache_info().currsize:
        integration_registry.transformer().stop()


@pytest.fixture
def retry_queue(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    """Every queue the functions send to."""
    queue = FakeQueue()
    monkeypatch.setattr("chancery.core.aws.queue.Queue.send", lambda _, body, delay_seconds=0: queue.send(body))
    monkeypatch.setattr("chancery.core.aws.queue.Queue.send_in_groups", lambda _, messages: None)
    monkeypatch.setattr("chancery.core.aws.queue.Queue.forward", lambda _, message: queue.forward(message))
    monkeypatch.setattr("chancery.core.aws.queue.Queue.defer", lambda _, messages: queue.defer(messages))
    return queue


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch, retry_queue: FakeQueue) -> Callable[[str], PolledQueue]:
    """Makes a queue in moto, which the functions send to and consume: two attempts, and the last delivery."""

    def make(name: str) -> PolledQueue:
        queue, other = PolledQueue(name, max_receives=3), clients.client
        for method, real in _QUEUE.items():
            monkeypatch.setattr(Queue, method, real)
        monkeypatch.setattr(clients, "client", lambda service: queue.sqs if service == "sqs" else other(service))
        monkeypatch.setenv(f"CHANCERY_{name.replace('-', '_').upper()}_QUEUE_URL", queue.url)
        monkeypatch.setenv("CHANCERY_DEAD_LETTER_QUEUE_URL", queue.dead)
        monkeypatch.setenv("CHANCERY_MAX_RECEIVES", "3")
        return queue

    return make


@pytest.fixture
def call(environment: Any, retry_queue: FakeQueue, load_function: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """Invokes a function's handler with a proxy event: status, parsed body, headers. All must be as documented."""

    def invoke(function: str, event: dict[str, Any], role_class: str = "writer") -> tuple[int, Any, dict[str, Any]]:
        environment(role_class)
        answer = load_function(function).handler(event, LambdaContext())
        headers = {name: values[0] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        status, body, media_type = answer["statusCode"], answer["body"], headers.get("Content-Type", "")
        if media_type.endswith("json"):
            body = orjson.loads(body)
        check_documented(event["httpMethod"], event["path"], status, media_type, body)
        return status, body, headers

    return invoke
