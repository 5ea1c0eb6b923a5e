"""A small server that answers like the API, and the command line against it: in this process, or as one of its own."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chancery.cli import api, retry, tail
from chancery.cli.main import run
from chancery.core.mongo import client as mongo

COMMAND = str(Path(sys.executable).with_name("chancery"))
Answer = tuple[int, Any, dict[str, str]]


def item(number: int, **changes: Any) -> dict[str, Any]:
    """A record as a list has it."""
    return {
        "refId": f"01J{number:023d}",
        "tenantId": "acme",
        "actorId": "sarah",
        "action": "blog_post.approved",
        "resourceType": "blog_post",
        "resourceId": f"p{number}",
        "createdOn": f"2026-03-01T12:00:{number:02d}.000Z",
        **changes,
    }


def page(*items: dict[str, Any], cursor: str | None = None) -> Answer:
    """A page of a list."""
    return 200, {"items": list(items), "nextCursor": cursor}, {}


class Service:
    """Answers by (method, path); remembers what was asked."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Callable[[dict[str, str], Any], Answer]] = {}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parsed = json.loads(body) if body else None
                service.asked.append((self.command, parts.path, query, parsed))
                service.headers.append(dict(self.headers))
                status, payload, headers = service.routes[self.command, parts.path](query, parsed)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload if isinstance(payload, bytes) else json.dumps(payload).encode())

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def on(self, method: str, path: str, *answers: Answer) -> None:
        left = list(answers)
        self.routes[method, f"/v1{path}"] = lambda *_: left.pop(0) if len(left) > 1 else left[0]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The API that commands of this process ask too."""
    made = Service()
    monkeypatch.setenv("CHANCERY_API_URL", made.url)
    monkeypatch.setenv("CHANCERY_TOKEN", "t")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that commands of this process would have slept."""
    waited: list[float] = []
    for module in (api, retry, tail):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append, monotonic=time.monotonic))
    return waited


@pytest.fixture
def short_database_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this process wait 300 ms for MongoDB, instead of eight seconds."""
    connect = mongo.connect
    monkeypatch.setattr(mongo, "connect", lambda uri, _: connect(uri, 300))


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def chancery(service: Service, tmp_path: Path) -> Callable[..., Done]:
    """Runs a command in this process, in the test's folder, with only the given environment."""

    def command(*arguments: str, stdin: str = "", **environment: str) -> Done:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            for name in [name for name in os.environ if name.startswith(("CHANCERY_", "AWS_"))]:
                patch.delenv(name)
            for name, value in ({"CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t"} | environment).items():
                patch.setenv(name, value)
            return run_here(*arguments, stdin=stdin)

    return command


def run_here(*arguments: str, stdin: str = "", encoding: str = "utf-8") -> Done:
    """What the console script does with these arguments."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            run(arguments)
    texts = (stream.buffer.getvalue().decode(encoding) for stream in (out, err))
    return Done(int(end.value.code or 0), *texts)


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
