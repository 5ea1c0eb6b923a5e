"""The real handlers of the audit trail against the real database; bus and queues are stand-ins."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import orjson
import pytest

from chancery.core import settings
from chancery.core.mongo import client as mongo
from chancery.wiring import archive, contracts, outputs, research, sealing, skills, tool_calls
from chancery.wiring import audit as bootstrap
from local.mongod import Mongod
from tests.conftest import Connect
from tests.documented import check_documented
from tests.fakes import FakeBus, FakeQueue, LambdaContext

Call = Callable[[dict[str, Any]], tuple[int, Any, dict[str, Any]]]
_CACHED = (
    mongo.database,
    settings.load,
    bootstrap.database,
    bootstrap.bus,
    bootstrap.trail,
    bootstrap.settings_store,
    bootstrap.recorder,
    sealing.sealing,
    sealing.prover,
    sealing.self_audit,
    outputs.outputs,
    research.recorder,
    research.contents,
    *(made for made in vars(archive).values() if hasattr(made, "cache_clear")),
    *(made for name, made in vars(contracts).items() if hasattr(made, "cache_clear") and name != "press"),
    *(made for made in vars(tool_calls).values() if hasattr(made, "cache_clear")),
    *(made for made in vars(skills).values() if hasattr(made, "cache_clear")),
)


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def environment(mongod: Mongod, connect: Connect, bus: FakeBus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A fresh execution environment; returns what sets the role class of its database user."""

    def end() -> None:
        if mongo.database.cache_info().currsize:
            mongo.database().client.close()
        for cached in _CACHED:
            cached.cache_clear()

    def cold_start(role_class: str) -> None:
        end()
        monkeypatch.setenv("CHANCERY_MONGODB_URI", mongod.uri(role_class))

    monkeypatch.setenv("CHANCERY_MONGODB_DATABASE", mongod.database)
    monkeypatch.setenv("CHANCERY_EVENT_BUS", "chancery-test")
    monkeypatch.setattr("chancery.core.aws.event_bus.Bus.publish", lambda _, kind, details: bus.publish(kind, details))
    cold_start("writer")
    yield cold_start
    end()


@pytest.fixture(scope="session", autouse=True)
def _typesetter() -> Iterator[None]:
    """One process that typesets for all tests, as one execution environment has; started by whoever needs it."""
    yield
    if contracts.press.cache_info().currsize:
        contracts.press().stop()


@pytest.fixture
def retry_queue(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    """Every queue the functions send to."""
    queue = FakeQueue()
    monkeypatch.setattr("chancery.core.aws.queue.Queue.send", lambda _, body, delay_seconds=0: queue.send(body))
    monkeypatch.setattr("chancery.core.aws.queue.Queue.send_in_groups", lambda _, messages: None)
    monkeypatch.setattr("chancery.core.aws.queue.Queue.pause", lambda _, messages: queue.pause(messages))
    return queue


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
