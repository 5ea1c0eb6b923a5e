"""An adapter that logs every call of a requests session as an exchange. Needs requests, which the client does not.

session.mount("https://", ExchangeAdapter(log))
"""

from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from chancery_client.exchange_bodies import BodyCapture
from chancery_client.exchanges import Exchange, ExchangeLog


class ExchangeAdapter(BaseAdapter):
    """Logs calls that another adapter makes: requests' own with its defaults, unless `adapter` is given."""

    def __init__(self, log: ExchangeLog, system_code: str | None = None, adapter: BaseAdapter | None = None) -> None:
        super().__init__()
        self._log, self._system_code, self._adapter = log, system_code, adapter or HTTPAdapter()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """The response of the other adapter; its body is logged while it is read. A body that is streamed is not."""
        body = request.body if isinstance(request.body, str | bytes) else None
        exchange = self._log.start(self._system_code, request.method or "", request.url or "", request.headers)
        exchange.open(body)
        try:
            response = self._adapter.send(request, *args, **kwargs)
        except BaseException as exc:
            exchange.fail(exc)
            raise
        exchange.respond(response.status_code, response.headers)
        response.raw = _LoggedBody(response.raw, exchange, self._log.max_body_bytes)
        return response

    def close(self) -> None:
        self._adapter.close()


class _LoggedBody:
    """urllib3's response, whose body passes by; its end is that of the exchange."""

    def __init__(self, raw: Any, exchange: Exchange, limit: int) -> None:
        self._raw, self._exchange, self._capture = raw, exchange, BodyCapture(limit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def __iter__(self) -> Iterator[bytes]:
        return self._captured(iter(self._raw))

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        return self._captured(self._raw.stream(*args, **kwargs))

    def read(self, *args: Any, **kwargs: Any) -> Any:
        try:
            chunk = self._raw.read(*args, **kwargs)
        except BaseException as exc:
            self._exchange.fail(exc, self._capture)
            raise
        self._capture.add(chunk)
        if not chunk or not args or args[0] is None:
            self._exchange.end(self._capture)
        return chunk

    def close(self) -> None:
        try:
            self._raw.close()
        finally:
            self._exchange.end(self._capture)

    def release_conn(self) -> None:
        try:
            self._raw.release_conn()
        finally:
            self._exchange.end(self._capture)

    def _captured(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                self._capture.add(chunk)
                yield chunk
        except GeneratorExit:  # the host stops reading, and closes
            raise
        except BaseException as exc:
            self._exchange.fail(exc, self._capture)
            raise
        self._exchange.end(self._capture)
