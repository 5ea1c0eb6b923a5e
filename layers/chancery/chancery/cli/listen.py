"""`chancery listen`: follows the feed, and posts each event to a local port as a signed webhook, for development."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chancery.cli import options
from chancery.cli.errors import CommandError, ProblemError, Unreachable, UsageError

if TYPE_CHECKING:
    pass

_WAIT = 8  # seconds that the API waits for an event
_FIRST_PAUSE, _MAX_PAUSE = 1.0, 30.0
_TIMEOUT = 30.0  # seconds for the receiver
Item = dict[str, Any]
Report = Callable[[str], None]


@options.connects()
def listen(
    *,
    events: Annotated[str, typer.Option(help="Comma-separated types of events: audit.*,log.error")] = "*",
    filter_: Annotated[
        str | None, typer.Option("--filter", help="EventBridge event pattern over the data, as JSON.")
    ] = None,
    forward_to: Annotated[
        str | None, typer.Option(help="Where to post each event, http://localhost:3000/hook; else it is printed.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="Signing secret, whsec_...; without it one is made and printed.")
    ] = None,
    beginning: Annotated[bool, typer.Option("--beginning", help="Begin with the oldest stored events.")] = False,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Forward a tenant's events to a local port as webhooks, each until it is accepted, until interrupted.

    A message is that of a webhook destination: Standard Webhooks, signed. Goes on where it was after each outage of the
    API or the receiver.
    """
    from chancery.cli.render import err, print_json

    def report(text: str) -> None:
        err.print(text, soft_wrap=True, markup=False, highlight=False)

    forwarder = _forwarder(forward_to, secret, report) if forward_to else None
    query = {"events": events, "filter": filter_, "tenantId": tenant}
    try:
        for item in Listener(connect(), query, "beginning" if beginning else None, report).items():
            if forwarder:
                forwarder.forward(item)
            elif as_json:
                print_json(item)
            else:
                report(_line(item))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _forwarder(url: str, secret: str | None, report: Report) -> "Forwarder":
    """Raises UsageError for a secret or URL that cannot be used."""
    from chancery.destinations.senders.signing import check_secret, new_secret

    if not url.startswith(("http://", "https://")):
        raise UsageError("--forward-to is no URL: give http://localhost:3000/hook, for example.")
    if secret is None:
        secret = new_secret("hmac").secret
        report(f"Signing secret: {secret}")
    try:
        check_secret(secret)
    except ValueError as exc:
        raise UsageError(f"--secret {exc}.") from None
    return Forwarder(url, secret, report)


class Listener:
    """Yields the events of the feed, each once, however often the API is away. `start`: None for now."""

    def __init__(self, api: Any, query: Mapping[str, str | None], start: str | None, report: Report) -> None:
        self._api, self._query, self._report = api, query, report
        self._cursor = start

    def items(self) -> Iterator[Item]:
        """Raises ProblemError where the API refuses the request."""
        pause, reported = _FIRST_PAUSE, False
        while True:
            try:
                wait = 0 if self._cursor is None else _WAIT
                page = self._api.get("/feed", **self._query, after=self._cursor, wait=wait)
            except (ProblemError, Unreachable) as exc:
                if isinstance(exc, ProblemError) and exc.status != 429 and exc.status < 500:
                    raise
                if not reported:
                    self._report(f"{str(exc).rstrip('.')}; asking again.")
                time.sleep(max(pause, _retry_after(exc)))
                pause, reported = min(pause * 2, _MAX_PAUSE), True
                continue
            pause, reported = _FIRST_PAUSE, False
            if self._cursor is None:
                self._report("Listening; Ctrl-C ends.")
            for gap in page["missed"]:
                self._report(f"{gap['source']}: {gap['from']} to {gap['to']} are not stored any more.")
            yield from page["items"]
            self._cursor = page["cursor"]


class Response(NamedTuple):
    """How an attempt ended: the status, or why there is none."""

    status: int | None
    reason: str

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Forwarder:
    """Posts events to a URL, each until it is accepted."""

    def __init__(self, url: str, secret: str, report: Report) -> None:
        import httpx

        self._url, self._secret, self._report = url, secret, report
        self._http: httpx.Client = httpx.Client(timeout=_TIMEOUT)

    def forward(self, item: Item) -> None:
        """Posts an event; after a failure again, with growing pauses, under the same id."""
        pause = _FIRST_PAUSE
        body = json.dumps({name: value for name, value in item.items() if name != "refId"}).encode()
        while not (response := self._post(item["refId"], body)).is_accepted:
            self._report(f"{_line(item)} -> {response.reason}; again in {pause:g} s")
            time.sleep(pause)
            pause = min(pause * 2, _MAX_PAUSE)
        self._report(f"{_line(item)} -> {response.reason}")

    def _post(self, message_id: str, body: bytes) -> Response:
        import httpx

        from chancery.destinations.senders.signing import signatures

        timestamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures([self._secret], message_id, timestamp, body),
        }
        try:
            answer = self._http.post(self._url, content=body, headers=headers)
        except httpx.InvalidURL:
            raise UsageError(f"{self._url} is no URL.") from None
        except httpx.HTTPError as exc:
            return Response(None, type(exc).__name__)
        return Response(answer.status_code, f"{answer.status_code} {answer.reason_phrase}".rstrip())


def _line(item: Item) -> str:
    return f"{item['timestamp']} {item['type']} {item['source']} {item['sequence']}"


def _retry_after(exc: CommandError) -> float:
    return (exc.retry_after or 0.0) if isinstance(exc, ProblemError) else 0.0


COMMANDS = (listen,)
