"""`chancery tail`: prints new records as they are stored."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from chancery.cli import options

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
    poll: Annotated[float, typer.Option(help="Seconds between two requests; 2 without a number.", min=0.2)] = _POLL,
    tenant: Tenant = None,
    actor: options.Actor = None,
    action: options.Action = None,
    resource: options.Resource = None,
    query: options.Query = None,
    last: Annotated[int, typer.Option(help="Stored records to print first.", min=0, max=500)] = 10,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Follow a tenant's audit trail: print each new record once, in the order of storage, until interrupted.

    A record is printed when it is stored, whenever it happened. Retries while the service is unavailable.
    """
    from chancery.cli.render import print_json, print_records

    api = connect()
    filters = options.filters(tenant, actor, action, resource, None, None, None, query)
    header = True
    try:
        for records in Follower(api, filters).batches(poll, last):
            if as_json:
                for record in records:
                    print_json(record)
            elif records:
                print_records(records, header=header, every_column=True)
                header = False
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


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
