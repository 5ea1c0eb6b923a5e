"""`chancery tail`: prints new records as they are stored."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError
from chancery.cli.live import LiveFollower

_POLL = 2.0  # seconds
_OVERLAP_MS = 60_000  # from making a refId to committing its record, at most: every function times out by then
_FIRST = "0" * 26  # sorts before every refId
_IDLE_SECONDS = 60.0  # without a record that passes the filters; then the cursor skips those that do not

Tenant = Annotated[
    str | None,
    typer.Option(help="Tenant, or null for the platform's own records; required if you may read all tenants."),
]


def with_poll_interval(arguments: Sequence[str]) -> list[str]:
    """Adds the interval to a `--poll` without one: typer has no options with an optional value."""
    following = [*arguments[1:], "-"]
    return [
        f"--poll={_POLL}" if argument == "--poll" and after.startswith("-") else argument
        for argument, after in zip(arguments, following, strict=False)
    ]


@options.connects()
def tail(
    *,
    poll: Annotated[
        float | None, typer.Option(help="Ask each so many seconds (2 without a number) instead of live.", min=0.2)
    ] = None,
    tenant: Tenant = None,
    actor: options.Actor = None,
    action: options.Action = None,
    resource: options.Resource = None,
    query: options.Query = None,
    logs: Annotated[bool, typer.Option("--logs", help="Log lines too (live only).")] = False,
    level: Annotated[str | None, typer.Option(help="Log lines of this level and above; implies --logs.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Log lines of this kind; implies --logs.")] = None,
    last: Annotated[int, typer.Option(help="Stored records to print first.", min=0, max=500)] = 10,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Follow a tenant's audit trail: print each new record once, in the order of storage, until interrupted.

    A record is printed when it is stored, whenever it happened. Live where the deployment's live tail is known
    (CHANCERY_LIVE_URL, or the local stack), else by asking. Goes on where it was after each outage.
    """
    api = connect()
    filters = options.filters(tenant, actor=actor, action=action, resource=resource, query=query)
    of_logs = {"level": level, "kinds": kind or None, "q": query}
    follows_logs = logs or level is not None or bool(kind)
    live_url = None if poll else api.connection.live_url
    if follows_logs and live_url is None:
        raise UsageError("Log lines come over the live tail: set CHANCERY_LIVE_URL, and leave out --poll.")
    printed = Printed(as_json)
    try:
        if live_url is None:
            for records in Follower(api, filters).batches(poll or _POLL, last):
                printed.records(records)
        else:
            feeds = {"audit": _given(filters), **({"logs": _given(of_logs)} if follows_logs else {})}
            feeds["audit"].pop("tenantId", None)
            follow_live(api, LiveFollower(api, feeds, tenant), filters, last, printed)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


class Printed:
    """Prints records and log lines as they come, with one header for all records."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._header = True

    def records(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Prints audit records as rows of a table, or as JSON."""
        from chancery.cli.render import print_json, print_records

        if self._as_json:
            for record in records:
                print_json(record)
        elif records:
            print_records(records, header=self._header, every_column=True)
            self._header = False

    def line(self, kind: str, line: Mapping[str, Any]) -> None:
        """Prints a log line, or its JSON with its kind."""
        from chancery.cli.render import print_json, print_log_line

        print_json({"kind": kind, **line}) if self._as_json else print_log_line(kind, line)


def follow_live(
    api: Any, follower: LiveFollower, filters: Mapping[str, str | None], last: int, printed: Printed
) -> None:
    """Prints up to `last` stored records, then what comes live; a record in both is printed once."""
    first: set[str] = set()
    for number, batch in enumerate(follower.batches()):
        if number == 0:
            query = {**filters, "after": _FIRST, "order": "desc", "limit": last}
            stored = api.get("/audit-logs", **query)["items"][::-1] if last else []
            first = {record["refId"] for record in stored}
            printed.records(stored)
        for item in batch:
            if item["feed"] == "logs":
                printed.line(item["kind"], item["record"])
            elif item["record"]["refId"] not in first:
                printed.records([item["record"]])


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}


class Follower:
    """Polls for the records after its cursor, a refId, minus an overlap; skips those that it has returned.

    A refId is made when its record is stored, but transactions commit in another order: hence the overlap. Keeps only
    the refIds of the overlap in memory.
    """

    def __init__(self, api: Any, filters: Mapping[str, str | None]) -> None:
        self._api = api
        self._filters = filters
        self._cursor = _FIRST
        self._moved = time.monotonic()
        self._seen: set[str] = set()

    def batches(self, interval: float, last: int) -> Iterator[list[dict[str, Any]]]:
        """First up to `last` stored records, then the new ones of each poll, in the order they were stored."""
        from chancery.cli.retry import Retry

        retry = Retry()
        yield self._start(last)
        while True:
            time.sleep(interval)
            yield retry.call(self.poll)

    def poll(self) -> list[dict[str, Any]]:
        """The records that were stored since the last call."""
        newest = self._cursor
        if time.monotonic() - self._moved > _IDLE_SECONDS:  # read before polling: what is stored meanwhile comes again
            newest, self._moved = self._newest(), time.monotonic()
        pages = self._api.pages("/audit-logs", **self._filters, after=self._after(), order="asc", limit=500)
        found = [record for record in pages if record["refId"] not in self._seen]
        self._add(found)
        self._advance(max(newest, *self._seen, _FIRST))
        return found

    def _start(self, last: int) -> list[dict[str, Any]]:
        """The newest records; a record stored from here on is new."""
        self._advance(self._newest())
        found = self.poll()
        if len(found) < last:
            query = {**self._filters, "after": _FIRST, "order": "desc", "limit": last}
            found = self._api.get("/audit-logs", **query)["items"][::-1]
            self._add(found)
        return found[-last:] if last else []

    def _newest(self) -> str:
        """The refId that was stored last, whether or not its record passes the filters."""
        query = {"tenantId": self._filters.get("tenantId"), "after": _FIRST, "order": "desc", "fields": "refId"}
        found = self._api.get("/audit-logs", **query, limit=1)["items"]
        return str(found[0]["refId"]) if found else _FIRST

    def _add(self, records: list[dict[str, Any]]) -> None:
        self._seen.update(record["refId"] for record in records)

    def _advance(self, ref_id: str) -> None:
        """Moves the cursor, and forgets the refIds before its overlap."""
        if ref_id != self._cursor:
            self._cursor, self._moved = ref_id, time.monotonic()
        self._seen = {seen for seen in self._seen if seen > self._after()}

    def _after(self) -> str:
        from chancery.core.formats.identifiers import ref_id_before

        return ref_id_before(self._cursor, _OVERLAP_MS)


COMMANDS = (tail,)
