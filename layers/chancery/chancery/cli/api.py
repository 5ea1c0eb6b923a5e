"""A client of the HTTP API: retries requests that are safe to repeat, raises problems as exceptions."""

import time
from collections.abc import Iterator
from typing import Any

import httpx

from chancery.cli.connection import Connection, find_connection
from chancery.cli.errors import ProblemError, Unreachable, UsageError

_ATTEMPTS = 3
_RETRYABLE = (429, 503)
_MAX_PAUSE = 30.0  # seconds


def open_api(api_url: str | None, token: str | None, caller: str) -> "Api":
    """The API that a command's options name; see `find_connection`. Raises UsageError."""
    return Api(find_connection(api_url, token, caller))


class Api:
    """The API of one deployment. Methods raise ProblemError and Unreachable."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
        self.url = connection.api_url
        self.connection = connection
        try:
            self._http = httpx.Client(base_url=connection.api_url, headers=headers, timeout=30, transport=transport)
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise UsageError("--api-url is not a URL, or --token has characters that a header cannot have.") from exc

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a GET. Omits parameters that are None."""
        return self._send("GET", path, params=_given(query))

    def content(self, path: str, **query: Any) -> bytes:
        """The body of the answer of a GET, byte for byte. Omits parameters that are None."""
        headers = {"Accept": "*/*"}
        return self._answer("GET", path, params=_given(query), headers=headers, follow_redirects=True).content

    def post(self, path: str, body: Any, idempotency_key: str | None = None, **query: Any) -> Any:
        """The JSON answer of a POST; retried only with an idempotency key."""
        headers, retry = {"Idempotency-Key": idempotency_key} if idempotency_key else {}, idempotency_key is not None
        return self._send("POST", path, retry=retry, json=body, headers=headers, params=_given(query))

    def put(self, path: str, body: Any, version: int, **query: Any) -> Any:
        """The JSON answer of a PUT in place of the version that was read; not retried, as the second one is refused."""
        headers = {"If-Match": f'"{version}"'}
        return self._send("PUT", path, retry=False, json=body, headers=headers, params=_given(query))

    def delete(self, path: str, version: int, **query: Any) -> None:
        """Deletes the version that was read; not retried, as the second one finds nothing."""
        headers = {"If-Match": f'"{version}"'}
        self._answer("DELETE", path, retry=False, headers=headers, params=_given(query))

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of a list, over all pages."""
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
            raise ProblemError(502, {"title": "Not JSON", "detail": f"{self.url} is not Chancery's API."}) from exc

    def _answer(self, method: str, path: str, *, retry: bool = True, **options: Any) -> httpx.Response:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as exc:
                raise Unreachable(f"{self.url} does not answer ({type(exc).__name__}).") from exc
            if answer.status_code not in _RETRYABLE or not retry or attempt == _ATTEMPTS:
                break
            time.sleep(min(_retry_after(answer) or attempt, _MAX_PAUSE))
        if answer.status_code >= 400:
            raise ProblemError(answer.status_code, _problem(answer), _retry_after(answer))
        return answer


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds. Ignores a date: the clocks may differ."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem+json, or one made of a gateway's answer."""
    title = answer.reason_phrase or f"Error {answer.status_code}"
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return {"title": title, "detail": answer.text[:500]}
    return {"title": title, "detail": body.get("message") or "The service gave no reason."} | body
