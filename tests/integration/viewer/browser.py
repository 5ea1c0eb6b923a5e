"""A real browser on the viewer: its files come from the real handler, sign-in and API from the test."""

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from tests.builders import http
from tests.fakes import LambdaContext

ORIGIN = "http://localhost:9"  # a secure context, so that WebCrypto is there; no request gets that far
ISSUER = "https://issuer.example.com"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

Answer = tuple[int, str, str]  # status, body, media type
Answers = Callable[[str, dict[str, str]], Answer]  # of the API to a GET of a path under /v1 with a query


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; while it runs, its event loop is the thread's."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("The tests of the viewer need chromium. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page of the viewer. `requests` that it sent; `problems`: errors of scripts and violations of the policy."""

    page: Page
    serve: Callable[[dict[str, Any], LambdaContext], dict[str, Any]]
    answers: Answers
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.route("**/*", self._answer)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))

    def open(self, place: str) -> None:
        self.page.goto(f"{ORIGIN}/viewer/#{place}")

    def sign_in(self) -> None:
        self.page.get_by_role("button", name="Sign in").click()

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 404" not in text:
            self.problems.append(text)

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        self.requests.append(f"{url.netloc}{url.path}")
        if route.request.url.startswith(f"{ORIGIN}/viewer"):
            self._file(route, url.path)
        elif route.request.url.startswith(f"{ORIGIN}/v1/"):
            status, body, media_type = self.answers(url.path, _query(url.query))
            route.fulfill(status=status, body=body, content_type=media_type)
        elif route.request.url.startswith(ISSUER):
            self._issuer(route, url.path)
        else:
            route.abort()

    def _file(self, route: Route, path: str) -> None:
        answer = self.serve(http("GET", path), LambdaContext())
        headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        route.fulfill(status=answer["statusCode"], headers=headers, body=body)

    def _issuer(self, route: Route, path: str) -> None:
        allowed = {"Access-Control-Allow-Origin": "*"}
        if path == "/authorize":
            back = _back(route.request)
            route.fulfill(body=f'<meta http-equiv="refresh" content="0;url={back}">', content_type="text/html")
        elif path == "/token":
            route.fulfill(json={"access_token": _token()}, headers=allowed)
        else:
            names = {"authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token"}
            route.fulfill(json=names, headers=allowed)


def _back(request: Request) -> str:
    query = _query(urlsplit(request.url).query)
    return f"{query['redirect_uri']}?{urlencode({'code': 'code', 'state': query['state']})}"


def _query(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _token() -> str:
    claims = {"sub": "sarah", "role": "user", "tenants": ["acme"], "exp": int(time.time()) + 3600}
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims, {})
    )
