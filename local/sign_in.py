"""The sign-in page of the local issuer: authorization code with PKCE (RFC 6749, RFC 7636), for the demo callers.

A process of its own: `python -m local.sign_in PORT ENDPOINT_URL`, in the issuer's folder. It remembers a browser's
caller in a cookie, as real issuers do, so that a page that is loaded again is signed in without a question.
"""

import json
import os
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from chancery.cli.tokens import LocalIssuer
from local.issuer import TENANTS
from local.ports import free_port, is_taken
from local.process import Background, StartFailed
from local.settings import ROOT, LocalSettings

CLIENT = "chancery-viewer"
_COOKIE = "chancery-demo-caller"
_CODE_SECONDS = 60.0
_NOT_THE_VIEWER = "redirect_uri or client_id is not the viewer's."


@dataclass(frozen=True, slots=True)
class Grant:
    """What an authorization code stands for."""

    caller: str
    challenge: str
    redirect_uri: str
    expires: float


@dataclass(frozen=True, slots=True)
class SignIn:
    """Codes and tokens. `endpoint_url` is the emulator's, from which the viewer is served."""

    issuer: LocalIssuer
    endpoint_url: str
    grants: dict[str, Grant] = field(default_factory=dict)

    def is_viewer(self, query: dict[str, str]) -> bool:
        """Whether a request comes from the viewer of this stack: no other page gets a code."""
        redirect = query.get("redirect_uri", "")
        ours = redirect.startswith(f"{self.endpoint_url}/_aws/execute-api/") and redirect.endswith("/viewer/")
        return ours and query.get("client_id") == CLIENT

    def grant(self, caller: str, query: dict[str, str]) -> str:
        """The URL that returns to the viewer with a code."""
        code = secrets.token_urlsafe(24)
        expires = time.monotonic() + _CODE_SECONDS
        self.grants[code] = Grant(caller, query.get("code_challenge", ""), query["redirect_uri"], expires)
        return returning(query, code=code)

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The token of a code that is used for the first time, in time, with its verifier; None for another one."""
        grant = self.grants.pop(form.get("code", ""), None)
        verifier = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if grant is None or grant.expires < time.monotonic() or grant.redirect_uri != form.get("redirect_uri"):
            return None
        if not secrets.compare_digest(verifier, grant.challenge):
            return None
        role, tenants = TENANTS[grant.caller]
        name = grant.caller.replace("_", " ").capitalize()
        token = self.issuer.mint(role, tenants, subject=f"{grant.caller}-demo", name=f"{name} (demo)")
        return {"access_token": token, "token_type": "Bearer", "expires_in": 86400}


def returning(query: dict[str, str], **answer: str) -> str:
    """The viewer's redirect URI with an answer, and the state of its request."""
    return f"{query['redirect_uri']}?{urlencode({**answer, 'state': query.get('state', '')})}"


class _Handler(BaseHTTPRequestHandler):
    sign_in: SignIn

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == "/sign-out":
            target = query.get("post_logout_redirect_uri", "")
            known = self.sign_in.is_viewer({"redirect_uri": target, "client_id": CLIENT})
            self._redirect(target, "") if known else self._page(400, _NOT_THE_VIEWER)
        elif url.path == "/authorize":
            self._authorize(query)
        else:
            self._page(404, "There is nothing here.")

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        length = min(int(self.headers.get("Content-Length") or 0), 65536)
        form = dict(parse_qsl(self.rfile.read(length).decode(errors="replace")))
        if url.path == "/token":
            token = self.sign_in.token(form)
            answer = token or {"error": "invalid_grant", "error_description": "The code is used, late or another's."}
            self._send(200 if token else 400, "application/json", json.dumps(answer))
            return
        query, caller = dict(parse_qsl(url.query)), form.get("caller", "")
        if url.path != "/authorize" or caller not in TENANTS or not self.sign_in.is_viewer(query):
            self._page(400, _NOT_THE_VIEWER)
        else:
            self._redirect(self.sign_in.grant(caller, query), caller)

    def _authorize(self, query: dict[str, str]) -> None:
        if not self.sign_in.is_viewer(query):
            self._page(400, _NOT_THE_VIEWER)
        elif query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            self._redirect(returning(query, error="invalid_request"))
        elif (caller := self._caller()) and query.get("prompt") != "login":
            self._redirect(self.sign_in.grant(caller, query))
        elif query.get("prompt") == "none":
            self._redirect(returning(query, error="login_required"))
        else:
            self._page(200, "Choose who you are. Each is a demo caller of this laptop's stack.", _choices())

    def _caller(self) -> str | None:
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return None
        return cookie.value if cookie and cookie.value in TENANTS else None

    def _redirect(self, url: str, caller: str | None = None) -> None:
        """Answers 303. With a caller the browser remembers it, with an empty one it forgets."""
        headers = {"Location": url}
        if caller is not None:
            life = "" if caller else "; Max-Age=0"
            headers["Set-Cookie"] = f"{_COOKIE}={caller}; Path=/; HttpOnly; SameSite=Lax{life}"
        self._send(303, "text/plain", "", headers)

    def _page(self, status: int, text: str, form: str = "") -> None:
        html = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in to Chancery</title>'
            '<link rel="icon" href="data:,">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
            f"<main><h1>Sign in to Chancery</h1><p>{escape(text)}</p>{form}</main></html>"
        )
        self._send(status, "text/html; charset=utf-8", html)

    def _send(self, status: int, media_type: str, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        sent = {
            "Content-Type": media_type,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Access-Control-Allow-Origin": self.sign_in.endpoint_url,
            **(headers or {}),
        }
        self.send_response(status)
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: requests hold codes."""


def _choices() -> str:
    def described(name: str) -> str:
        role, tenants = TENANTS[name]
        of = ", ".join(tenants) or "every tenant"
        return f'<p><button name="caller" value="{name}">{name}</button> {role}, {of}</p>'

    return f'<form method="post">{"".join(described(name) for name in TENANTS if name != "producer")}</form>'


@dataclass(frozen=True, slots=True)
class SignInServer:
    """The process that serves the sign-in page, on a port that stays the same while it is free."""

    process: Background
    port: int

    @classmethod
    def of(cls, settings: LocalSettings) -> "SignInServer":
        """The server of a folder, stopped where it ran, so that a new one has the newest key."""
        process = settings.sign_in
        process.stop()
        port = process.remembered_port()
        return cls(process, free_port() if port is None or is_taken(port) else port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, endpoint_url: str, seconds: float = 30) -> None:
        """Starts it and waits until it listens. Raises StartFailed."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "local.sign_in", str(self.port), endpoint_url]
        self.process.start(command, port=self.port, env=environment)
        deadline = time.monotonic() + seconds
        while self.port not in {listener.port for listener in self.process.listeners()}:
            if time.monotonic() > deadline or self.process.pid() is None:
                raise StartFailed(f"The sign-in page did not come up; see {self.process.log_file}")
            time.sleep(0.05)


def main() -> None:
    """Serves until it is stopped."""
    port, endpoint_url = int(sys.argv[1]), sys.argv[2]
    _Handler.sign_in = SignIn(LocalIssuer.load(Path.cwd()), endpoint_url)
    with ThreadingHTTPServer(("127.0.0.1", port), _Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
