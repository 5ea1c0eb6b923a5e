"""`chancery tail`: new records as they are stored."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from chancery.cli import options

_POLL = 2.0  # seconds
_OVERLAP_MS = 60_000  # how much later than its refId was made a record may be there: every function ends by then
_BEGINNING = "0" * 26
_QUIET = 60.0  # seconds without a record that is wanted, after which the place moves on behind those that are not

Tenant = Annotated[
    str | None,
    typer.Option(help="Tenant, or null for the platform's own records; who may read all tenants has to name one."),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(tail)


def with_poll(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command line in which `--poll` may stand alone, which typer does not know."""
    next_ones = [*arguments[1:], "-"]
    return [
        f"--poll={_POLL}" if argument == "--poll" and after.startswith("-") else argument
        for argument, after in zip(arguments, next_ones, strict=False)
    ]


def tail(
    poll: Annotated[float, typer.Option(help="Seconds between two looks; may stand alone.", min=0.2)] = _POLL,
    tenant: Tenant = None,
    actor: options.Actor = None,
    action: options.Action = None,
    resource: options.Resource = None,
    query: options.Query = None,
    last: Annotated[int, typer.Option(help="Records to show from before.", min=0, max=500)] = 10,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Follow a tenant's audit trail: each new record once, in the order they are stored, until interrupted.

    A record is shown when it is stored, whenever it happened. While the service is away it is asked again.
    """
    from chancery.cli.api import Api
    from chancery.cli.connection import find_connection
    from chancery.cli.render import print_json, print_records

    api = Api(find_connection(api_url, token, caller))
    wanted = options.filters(tenant, actor, action, resource, None, None, None, query)
    header = True
    try:
        for records in Follower(api, wanted).batches(poll, last):
            if as_json:
                for record in records:
                    print_json(record)
            elif records:
                print_records(records, header=header, every_column=True)
                header = False
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


class Follower:
    """Looks again from some seconds before the newest refId it knows of, and leaves out what it has had.

    refIds are made when records are stored, but transactions end in another order; hence the overlap. Remembers only
    the refIds inside of it.
    """

    def __init__(self, api: Any, wanted: Mapping[str, str | None]) -> None:
        self._api = api
        self._wanted = wanted
        self._place = _BEGINNING
        self._moved = time.monotonic()
        self._seen: set[str] = set()

    def batches(self, poll: float, last: int) -> Iterator[list[dict[str, Any]]]:
        """At first up to `last` records that are there, then new ones, a list a look; as they were stored."""
        from chancery.cli.retry import Retry

        patience = Retry()
        yield self._start(last)
        while True:
            time.sleep(poll)
            yield patience.ask(self.look)

    def look(self) -> list[dict[str, Any]]:
        """The records that are there now and have not been given before."""
        ahead = self._place
        if time.monotonic() - self._moved > _QUIET:  # before looking: what is stored meanwhile is looked at again
            ahead, self._moved = self._newest(), time.monotonic()
        pages = self._api.pages("/audit-logs", **self._wanted, after=self._since(), order="asc", limit=500)
        found = [record for record in pages if record["refId"] not in self._seen]
        self._take(found)
        self._move(max(ahead, *self._seen, _BEGINNING))
        return found

    def _start(self, last: int) -> list[dict[str, Any]]:
        """The newest records; whatever is stored from here on is new."""
        self._move(self._newest())
        found = self.look()
        if len(found) < last:
            query = {**self._wanted, "after": _BEGINNING, "order": "desc", "limit": last}
            found = self._api.get("/audit-logs", **query)["items"][::-1]
            self._take(found)
        return found[-last:] if last else []

    def _newest(self) -> str:
        """The refId that was stored last, whatever record it is of."""
        query = {"tenantId": self._wanted.get("tenantId"), "after": _BEGINNING, "order": "desc", "fields": "refId"}
        found = self._api.get("/audit-logs", **query, limit=1)["items"]
        return str(found[0]["refId"]) if found else _BEGINNING

    def _take(self, records: list[dict[str, Any]]) -> None:
        self._seen.update(record["refId"] for record in records)

    def _move(self, place: str) -> None:
        """Goes on to a refId, and forgets what is out of sight from there."""
        if place != self._place:
            self._place, self._moved = place, time.monotonic()
        self._seen = {ref_id for ref_id in self._seen if ref_id > self._since()}

    def _since(self) -> str:
        from chancery.core.formats.identifiers import ref_id_before

        return ref_id_before(self._place, _OVERLAP_MS)
