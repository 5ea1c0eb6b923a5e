"""Sends probes as they stand: no client normalises their paths or joins their headers."""

import http.client
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from tests.attack.probe import Reply

_SECONDS = 90  # after a refused token the emulator starts its authorizer anew


class Wire:
    """One connection to the API, opened again when the server closes it."""

    def __init__(self, api_url: str) -> None:
        self._url = urlsplit(api_url)
        self._connection: http.client.HTTPConnection | None = None

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes | None = None
    ) -> Reply:
        """The answer to a request below `/v1`. Raises OSError and HTTPException without one, at the second attempt."""
        headers = list(headers)
        try:
            return self._send(method, target, headers, body)
        except (OSError, http.client.HTTPException):
            self.close()
            time.sleep(1)
            return self._send(method, target, headers, body)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None) -> Reply:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=_SECONDS)
        connection, names = self._connection, {name.lower() for name, _ in headers}
        connection.putrequest(method, f"{self._url.path}{target}", skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode())
        if body is not None and "transfer-encoding" not in names:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        if answer.will_close:
            self.close()
        return reply
