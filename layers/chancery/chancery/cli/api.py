"""The HTTP API as the commands use it: retries where that is safe, problems as exceptions."""

import time
from collections.abc import Iterator
from typing import Any

import httpx

from chancery.cli.connection import Connection, UsageError

_ATTEMPTS = 3
_LATER = (429, 503)


class ProblemError(Exception):
    """The service answered with an error; `problem` is the problem+json, or what there was."""

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None = None) -> None:
        super().__init__(f"{status} {problem.get('title', '')}")
        self.status = status
        self.problem = problem
        self.retry_after = retry_after  # seconds


class Unreachable(Exception):
    """Nobody answers at the API's address."""


class Api:
    """One deployment's API."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
        self._url = connection.api_url
        try:
            self._http = httpx.Client(base_url=connection.api_url, headers=headers, timeout=30, transport=transport)
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise UsageError("The API's address or the token is not one; see --api-url and --token.") from exc

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a GET; parameters that are None are left out."""
        return self._send("GET", path, params={name: value for name, value in query.items() if value is not None})

    def content(self, path: str, **query: Any) -> bytes:
        """The answer of a GET as it is; parameters that are None are left out."""
        given, headers = {k: v for k, v in query.items() if v is not None}, {"Accept": "*/*"}
        return self._answer("GET", path, params=given, headers=headers, follow_redirects=True).content

    def post(self, path: str, body: Any, idempotency_key: str | None = None) -> Any:
        """The JSON answer of a POST, which is retried only under an idempotency key."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._send("POST", path, retry=idempotency_key is not None, json=body, headers=headers)

    def put(self, path: str, body: Any, **query: Any) -> Any:
        """The JSON answer of a PUT."""
        return self._send("PUT", path, json=body, params={k: v for k, v in query.items() if v is not None})

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def _send(self, method: str, path: str, *, retry: bool = True, **options: Any) -> Any:
        answer = self._answer(method, path, retry=retry, **options)
        try:
            return answer.json()
        except ValueError as exc:
            raise ProblemError(502, {"title": "No JSON", "detail": f"{self._url} is not Chancery's API."}) from exc

    def _answer(self, method: str, path: str, *, retry: bool = True, **options: Any) -> httpx.Response:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as exc:
                raise Unreachable(f"Nobody answers at {self._url} ({type(exc).__name__}).") from exc
            if answer.status_code not in _LATER or not retry or attempt == _ATTEMPTS:
                break
            time.sleep(min(_retry_after(answer) or attempt, 30))
        if answer.status_code >= 400:
            raise ProblemError(answer.status_code, _problem(answer), _retry_after(answer))
        return answer


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds; a date says nothing here, since clocks differ."""
    named = answer.headers.get("Retry-After", "")
    return float(named) if named.isdecimal() else None


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem+json; or what a gateway says that is none."""
    title = answer.reason_phrase or f"Error {answer.status_code}"
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return {"title": title, "detail": answer.text[:500]}
    return {"title": title, "detail": body.get("message") or "The service gave no reason."} | body
