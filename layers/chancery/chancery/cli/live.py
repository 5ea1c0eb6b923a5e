"""Follows the live tail over a WebSocket: each record once and in order, however often the connection ends."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from chancery.cli.errors import CommandError, ProblemError, Unreachable, UsageError

_PING = 20.0  # seconds without a frame
_DEAD = 60.0  # seconds without an answer
_OPEN = 30.0  # seconds for a handshake
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 30.0


class LiveFollower:
    """Yields the records of a subscription in batches; connects again where it left off.

    `feeds`: feed → filters. `api`: of the deployment; its connection has the URL of the live tail.
    """

    def __init__(self, api: Any, feeds: Mapping[str, Any], tenant_id: str | None) -> None:
        self._api = api
        self._url = api.connection.live_url
        self._token = api.connection.token
        self._message = {"action": "subscribe", **feeds, **({"tenantId": tenant_id} if tenant_id else {})}
        self._position: dict[str, int] = {}
        self._reported = False
        self._pause = _FIRST_PAUSE

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Records as they arrive; first an empty batch, once the subscription holds. Raises ProblemError."""
        while True:
            try:
                yield from self._connected()
            except (ProblemError, Unreachable) as exc:
                if isinstance(exc, ProblemError) and exc.status != 429 and exc.status < 500:
                    raise
                self._wait(exc)

    def _connected(self) -> Iterator[list[dict[str, Any]]]:
        """The batches of one connection. Raises Unreachable where it ends, ProblemError where it is refused."""
        from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
        from websockets.sync.client import connect

        try:
            with connect(f"{self._url}?token={self._token or ''}", open_timeout=_OPEN, max_size=2**20) as socket:
                socket.send(json.dumps({**self._message, "after": self._position}))
                for frame in _frames(socket):
                    yield from self._batch(frame)
        except InvalidStatus as exc:
            status = exc.response.status_code
            self._check_token(status)
            raise ProblemError(status, {"title": "Not connected", "detail": "The live tail was refused."}) from None
        except InvalidURI:
            raise UsageError(f"{self._url} is not a WebSocket URL.") from None
        except (WebSocketException, OSError) as exc:  # their texts may have the token
            raise Unreachable(f"The live tail has ended ({type(exc).__name__})") from None

    def _check_token(self, status: int) -> None:
        """Raises ProblemError where the API refuses the token. The emulator answers a handshake with 500 then."""
        if status >= 500:
            self._api.get("/audit-logs", order="desc", limit=1, fields="refId")

    def _batch(self, frame: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        if frame["type"] == "refused":
            raise ProblemError(frame["problem"]["status"], frame["problem"], frame.get("retryAfter"))
        if frame["type"] == "subscribed":
            is_first = not self._position
            self._position = dict(frame["position"]) if is_first else self._position
            self._reported, self._pause = False, _FIRST_PAUSE
            if is_first:
                yield []
        if frame["type"] != "records":
            return
        for gap in frame["dropped"]:
            _report(f"{gap['feed']}: {gap['from']} to {gap['to']} were left out; search for them.")
        fresh = [item for item in frame["records"] if item["sequence"] > self._position[item["feed"]]]
        if fresh:
            yield fresh
        self._position = {feed: max(at, frame["position"][feed]) for feed, at in self._position.items()}

    def _wait(self, exc: CommandError) -> None:
        if not self._reported:
            _report(f"{str(exc).rstrip('.')}; connecting again.")
        self._reported = True
        retry_after = exc.retry_after if isinstance(exc, ProblemError) else None
        time.sleep(max(self._pause, retry_after or 0.0))
        self._pause = min(self._pause * 2, _MAX_PAUSE)


def _frames(socket: Any) -> Iterator[dict[str, Any]]:
    """The messages of a connection; pings it while it is silent. Raises Unreachable where it does not answer."""
    heard = time.monotonic()
    while True:
        try:
            text = socket.recv(timeout=_PING)
        except TimeoutError:
            if time.monotonic() - heard > _DEAD:
                raise Unreachable("The live tail does not answer") from None
            socket.send('{"action": "ping"}')
            continue
        heard = time.monotonic()
        yield json.loads(text)


def _report(text: str) -> None:
    from chancery.cli.render import err

    err.print(text, soft_wrap=True)
