"""`chancery tail`: new records as they are stored."""

import time
from typing import Annotated, Any

import typer

from chancery.cli import options

_OVERLAP_MS = 60_000  # how much later than it happened a record may turn up and still be shown


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(tail)


def tail(
    poll: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 2.0,
    tenant: options.Tenant = None,
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
    """Follow the audit trail: each new record once, until interrupted."""
    from chancery.cli.api import Api
    from chancery.cli.connection import find_connection
    from chancery.cli.render import print_json, print_records

    api = Api(find_connection(api_url, token, caller))
    wanted = options.filters(tenant, actor, action, resource, None, None, None, query)
    follower = Follower(api, wanted)
    header = True
    try:
        for records in follower.batches(poll, last):
            if as_json:
                for record in records:
                    print_json(record)
            elif records:
                print_records(records, header=header)
                header = False
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


class Follower:
    """Looks again from a minute before the newest record seen, and leaves out what it has shown.

    Records are ordered by when they happened, not by when they were stored, so one may turn up behind the newest; that
    minute is how late it may be. Remembers only the refIds inside of it.
    """

    def __init__(self, api: Any, wanted: dict[str, str | None]) -> None:
        self._api = api
        self._wanted = wanted
        self._seen: dict[str, str] = {}

    def batches(self, poll: float, last: int) -> Any:
        """New records, oldest first, a list a look."""
        newest = self._api.get("/audit-logs", limit=max(last, 1), **self._wanted)["items"]
        self._remember(newest)
        self.look()  # what is there already within the overlap is not new
        yield list(reversed(newest[:last]))
        while True:
            time.sleep(poll)
            yield self.look()

    def look(self) -> list[dict[str, Any]]:
        """The records that are there now and have not been shown."""
        since = self._since()
        wanted = {**self._wanted, "from": since, "order": "asc", "limit": 500}
        found = [item for item in self._api.pages("/audit-logs", **wanted) if item["refId"] not in self._seen]
        self._remember(found)
        self._forget(self._since())
        return found

    def _since(self) -> str | None:
        from datetime import datetime, timedelta

        if not self._seen:
            return None
        newest = datetime.fromisoformat(max(self._seen.values()))
        return (newest - timedelta(milliseconds=_OVERLAP_MS)).isoformat()

    def _remember(self, records: list[dict[str, Any]]) -> None:
        self._seen |= {record["refId"]: record["createdOn"] for record in records}

    def _forget(self, since: str | None) -> None:
        if since is not None:
            kept = since[:23]
            self._seen = {ref_id: moment for ref_id, moment in self._seen.items() if moment[:23] >= kept}
