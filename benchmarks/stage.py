"""What the benchmarks work on: a real database with the real schema, and the real handlers with a silent bus."""

import hashlib
import importlib.util
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from chancery.core.aws.event_bus import Bus
from chancery.core.aws.queue import Queue
from chancery.core.mongo.client import DURABLE, connect
from chancery.core.mongo.schema import apply, plan
from chancery.core.observability import metrics
from chancery.wiring.registry import COLLECTIONS
from local.mongod import Mongod
from local.ports import free_port
from local.settings import ROOT
from tests.builders import envelope, event, message, record
from tests.conftest import clear_caches

_WITH_CACHES = ("chancery.core.mongo.client", "chancery.core.settings")


class Stage:
    """The database as admin (for the raw side), and functions loaded with their own role's credentials."""

    def __init__(self, mongod: Mongod) -> None:
        self._mongod = mongod
        self.database = connect(mongod.uri("admin"))[mongod.database]
        self.audit_logs = self.database.get_collection("audit_logs", write_concern=DURABLE)
        apply(self.database, plan(self.database, COLLECTIONS))
        os.environ |= {
            "CHANCERY_EVENT_BUS": "bench",
            "CHANCERY_DELIVERIES_QUEUE_URL": "https://queue",
            "CHANCERY_MONGODB_DATABASE": mongod.database,
            "POWERTOOLS_METRICS_DISABLED": "true",
            "LOG_LEVEL": "ERROR",
        }
        Bus.publish = lambda *_: None  # type: ignore[method-assign]  # bus and queues are the outside world
        Queue.send_in_groups = lambda *_: None  # type: ignore[method-assign]
        metrics.add_metric = lambda **_: None  # type: ignore[method-assign]  # a hundred of them are printed

    def uri(self, role_class: str) -> str:
        """The credentials of a role class."""
        return self._mongod.uri(role_class)

    def function(self, name: str, role_class: str) -> ModuleType:
        """functions/<name>/app.py as a cold start would load it."""
        for module_name, module in list(sys.modules.items()):
            if module_name in _WITH_CACHES or module_name.startswith("chancery.wiring."):
                clear_caches(module)
        os.environ["CHANCERY_MONGODB_URI"] = self._mongod.uri(role_class)
        spec = importlib.util.spec_from_file_location(f"bench_{name}", ROOT / "functions" / name / "app.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage of one's own."""
    with tempfile.TemporaryDirectory() as folder:
        mongod = Mongod(Path(folder), free_port())
        mongod.start()
        try:
            yield Stage(mongod)
        finally:
            mongod.stop()


def documents(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Records ready to insert, of the size real ones have (about 1.1 KB)."""
    return [record(**_varied(place)) for place in range(start, start + count)]


def messages(count: int, start: int = 0) -> list[dict[str, Any]]:
    """SQS messages with the same events, as compact as EventBridge writes them."""
    events = (event(tenantId="acme", **_varied(place)) for place in range(start, start + count))
    return [message(orjson.dumps(envelope(own)).decode()) for own in events]


def _varied(place: int) -> dict[str, Any]:
    return {
        "actorId": f"user-{place % 200}",
        "resourceId": f"post-{place % 5000}",
        "traceId": hashlib.md5(str(place).encode()).hexdigest(),
        "before": {"status": "draft", "title": "Why SEO Matters", "words": 900 + place % 100, "tags": ["seo", "howto"]},
        "after": {"status": "approved", "title": "Why SEO Matters", "words": 950, "tags": ["seo", "howto", "spring"]},
        "metadata": {"portal": "dm", "request": {"path": f"/dm/v1/blog/post-{place}/approve", "status": 200}},
    }


def show(name: str, ratio: float, bound: str, detail: str) -> None:
    """One line of the report."""
    print(f"{name:<34}{ratio:6.2f}   ({bound})   {detail}")


def median(values: list[float]) -> float:
    return statistics.median(values)
