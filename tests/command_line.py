"""The command line in the test's process, and an HTTP API of given answers for it to call."""

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chancery.cli.main import run
from chancery.core.mongo import client as mongo
from tests.http_server import QuietHandler

COMMAND = str(Path(sys.executable).with_name("chancery"))
Answer = tuple[int, Any, dict[str, str]]


def item(number: int, **changes: Any) -> dict[str, Any]:
    """A record as an item of a list."""
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
    """An API that answers by method and path, and records the requests. `url` is where it is served."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Callable[[dict[str, str], Any], Answer]] = {}
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answers a route with these in turn, and with the last one from then on."""
        left = list(answers)
        self.routes[method, f"/v1{path}"] = lambda *_: left.pop(0) if len(left) > 1 else left[0]

    def handler(self) -> type[QuietHandler]:
        """Handles requests by the routes."""
        service = self

        class Handler(QuietHandler):
            def answer(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.body()
                parsed = json.loads(body) if body else None
                service.asked.append((self.command, parts.path, query, parsed))
                service.headers.append(dict(self.headers))
                status, payload, headers = service.routes[self.command, parts.path](query, parsed)
                self.respond(status, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), headers)

            do_GET = do_POST = do_PUT = do_DELETE = answer

        return Handler


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def run_here(*arguments: str, stdin: str = "", encoding: str = "utf-8") -> Done:
    """Runs the console script's function with these arguments."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            run(arguments)
    texts = (stream.buffer.getvalue().decode(encoding) for stream in (out, err))
    return Done(int(end.value.code or 0), *texts)


def shorten_database_timeout(patch: pytest.MonkeyPatch) -> None:
    """Commands of this process wait 300 ms for MongoDB, instead of eight seconds."""
    connect = mongo.connect
    patch.setattr(mongo, "connect", lambda uri, _: connect(uri, 300))


def run_in(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> Done:
    """Runs a command with a working folder, and with only the given variables of Chancery and AWS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(("CHANCERY_", "AWS_"))]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        return run_here(*arguments, stdin=stdin)
