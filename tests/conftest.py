"""A real mongod for the whole run, with a database of its own for each test, and the real handlers."""

import gc
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from chancery.core.mongo import client as mongo
from chancery.core.mongo.schema import apply, plan
from chancery.wiring.registry import COLLECTIONS
from local.mongod import Mongod
from local.ports import free_port

FUNCTIONS = Path(__file__).parents[1] / "functions"
Connect = Callable[[str], Database[dict[str, Any]]]


@pytest.fixture(scope="session", autouse=True)
def _collector() -> Iterator[None]:
    """A process of tests is many cold starts: were each to freeze what is there, hardly anything would be collected."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "freeze", lambda: None)
        patch.setattr(gc, "set_threshold", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """One server for all tests that do not hurt it."""
    server = Mongod(tmp_path_factory.mktemp("mongod"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connect(mongod: Mongod) -> Iterator[Connect]:
    """Opens the test database as a role class or as admin; its collections are empty and its schema applied."""
    clients: dict[str, MongoClient[dict[str, Any]]] = {}

    def open_as(user: str) -> Database[dict[str, Any]]:
        if user not in clients:
            clients[user] = mongo.connect(mongod.uri(user))
        return clients[user][mongod.database]

    admin = open_as("admin")
    apply(admin, plan(admin, COLLECTIONS))
    for collection in COLLECTIONS:
        admin[collection.name].delete_many({})
    yield open_as
    for client in clients.values():
        client.close()


@pytest.fixture
def load_function(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports functions/<name>/app.py afresh, as a cold start does."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"functions_{name}", FUNCTIONS / name / "app.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
