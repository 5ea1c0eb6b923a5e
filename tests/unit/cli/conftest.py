"""A small server that answers as the contract says, and the command line against it."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

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
def chancery(service: Service, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("chancery")), *arguments]
        variables = {"PATH": "/usr/bin:/bin", "CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t", **environment}
        return subprocess.run(
            command, env=variables, cwd=tmp_path, input=stdin, capture_output=True, text=True, timeout=60
        )

    return run
