"""The command line against an API of given answers: in this process, or in another one."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chancery.cli import api, polling, retry, tail
from chancery.cli.imports import importer
from tests.command_line import COMMAND, Done, Service, run_in
from tests.http_server import serving


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The API that commands of this process call too."""
    service = Service()
    with serving(service.handler()) as url:
        service.url = f"{url}/v1"
        monkeypatch.setenv("CHANCERY_API_URL", service.url)
        monkeypatch.setenv("CHANCERY_TOKEN", "t")
        yield service


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Commands of this process do not sleep; the seconds that they would have slept."""
    waited: list[float] = []
    for module in (api, importer, polling, retry, tail):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append, monotonic=time.monotonic))
    return waited


@pytest.fixture
def chancery(service: Service, tmp_path: Path) -> Callable[..., Done]:
    """Runs a command in this process, in the test's folder, with only the given environment."""

    def command(*arguments: str, stdin: str = "", **environment: str) -> Done:
        connection = {"CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t"}
        return run_in(tmp_path, *arguments, stdin=stdin, **connection | environment)

    return command


@pytest.fixture
def process(service: Service, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command as a process, in the test's folder, with only the given environment."""

    def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(
            [COMMAND, *arguments], env=environment, cwd=tmp_path, text=True, timeout=60, check=False, **streams
        )

    return command
