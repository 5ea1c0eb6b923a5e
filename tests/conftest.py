"""A real mongod for the whole run, an empty database for each test, and the real handlers."""

import gc
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, disk_usage, ignore_patterns, rmtree
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest
from pymongo.database import Database
from xdist.scheduler import LoadScopeScheduling

from chancery.core.mongo import client as mongo
from local import viewer
from local.mongod import Mongod
from local.ports import free_port
from local.process import Background
from tests import profiles  # noqa: F401 (loads the profile)
from tests.database import SharedDatabase

IN_MEMORY = Path("/dev/shm")  # Linux
FUNCTIONS = Path(__file__).parents[1] / "functions"
Connect = Callable[[str], Database[dict[str, Any]]]


class SharedSetup(LoadScopeScheduling):
    """Runs on one worker what shares a setup: the tests of the deployed stack, and the unit tests of a file.

    Any free worker takes the next test of the others.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/e2e/"):
            return "e2e"
        return nodeid.partition("::")[0] if nodeid.startswith("tests/unit/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedSetup:
    return SharedSetup(config, log)


@pytest.fixture(scope="session", autouse=True)
def _collector() -> Iterator[None]:
    """Freezes the imported objects; a function that froze at its cold start would freeze the garbage of other tests."""
    gc.collect()
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "freeze", lambda: None)
        patch.setattr(gc, "set_threshold", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """One server for all tests that do not hurt it: in memory where there is room, and without expiry by TTL."""
    with quick_folder(tmp_path_factory) as folder:
        server = Mongod(folder, free_port())
        server.start()
        with mongo.connect(server.uri("admin")) as admin:
            admin.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})  # NOON is long ago
        yield server
        server.kill()  # nothing reads its files again


@contextmanager
def quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of this session on a file system in memory, where a sync is free; an ordinary one if there is none."""
    if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and disk_usage(IN_MEMORY).free > 2 * 1024**3:
        for left in IN_MEMORY.glob("chancery-mongod-*/port"):  # by a run that was killed
            if Background("mongod", left.parent).pid() is None:
                rmtree(left.parent, ignore_errors=True)
        with TemporaryDirectory(prefix="chancery-mongod-", dir=IN_MEMORY) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("mongod")


@pytest.fixture(scope="session")
def shared_database(mongod: Mongod) -> Iterator[SharedDatabase]:
    database = SharedDatabase(mongod)
    yield database
    database.close()


@pytest.fixture
def connect(shared_database: SharedDatabase) -> Connect:
    """Opens the test database as a role class or as admin; its collections are empty and its schema applied."""
    shared_database.prepare()
    return shared_database.open_as


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of functions/ in which `describe_api` has its description and `serve_viewer` the viewer, as in a build."""
    from tools.generate.openapi import write_description  # every type: not for tests that load no function

    copied = copytree(FUNCTIONS, tmp_path_factory.mktemp("built") / "functions", ignore=ignore_patterns("__pycache__"))
    write_description(copied / "describe_api")
    viewer.put_into(copied / "serve_viewer")
    return copied


@pytest.fixture(scope="session")
def warm_functions() -> dict[str, ModuleType]:
    """functions/<name>/app.py by name, each executed once."""
    return {}


@pytest.fixture
def load_function(
    monkeypatch: pytest.MonkeyPatch, warm_functions: dict[str, ModuleType], functions: Path
) -> Callable[[str], ModuleType]:
    """Loads a function's app.py, imported once a session, with empty caches as in a new execution environment."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def load(name: str) -> ModuleType:
        if name not in warm_functions:
            warm_functions[name] = import_function(functions / name)
        clear_caches(warm_functions[name])
        return warm_functions[name]

    return load


def import_function(folder: Path) -> ModuleType:
    """Executes the app.py of a function's folder, as a cold start does."""
    spec = importlib.util.spec_from_file_location(f"functions_{folder.name}", folder / "app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def clear_caches(module: ModuleType, but: tuple[Any, ...] = ()) -> None:
    """Empties every `functools.cache` that a module defines."""
    for value in vars(module).values():
        if hasattr(value, "cache_clear") and value.__module__ == module.__name__ and value not in but:
            value.cache_clear()
