"""`chancery archive`: lists months that are due, archives them, and shows the progress."""

import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import ProblemError

if TYPE_CHECKING:
    from chancery.cli.polling import Status

app = typer.Typer(no_args_is_help=True, help="The archive: months of records in S3 Glacier.")

Month = Annotated[str | None, typer.Option(help="A month: 2024-03.")]
_POLL = (2.0, 15.0)  # seconds: at first, and at most
_OPEN = ("pending", "running")
_DUE_COLUMNS = ("month", "tenant", "part", "state", "records")
_COLUMNS = (*_DUE_COLUMNS, "bytes", "class", "id")


@app.command()
@options.connects("super_admin")
def plan(
    *,
    tenant: options.Tenant = None,
    month: Month = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List the months that are due and not archived yet. Changes nothing."""
    from chancery.cli.render import err, print_json, print_table

    found = _due(connect(), _filters(tenant, month))
    if as_json:
        for item in found:
            print_json(item)
        return
    rows = [_due_row(item) for item in found]
    if rows:
        print_table(_DUE_COLUMNS, rows)
    else:
        err.print("Nothing is due.")


@app.command()
@options.connects("super_admin")
def run(
    *,
    tenant: options.Tenant = None,
    month: Month = None,
    storage_class: Annotated[
        str | None, typer.Option(help="GLACIER or DEEP_ARCHIVE, instead of the deployment's.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every planned month is archived or has failed.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Minutes to wait, with --wait.", min=0)] = 720,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Archive the months that are due: of every tenant, or as given."""
    from chancery.cli.render import err, print_document

    api = connect()
    body = _filters(tenant, month) | ({"storageClass": storage_class} if storage_class else {})
    answer = api.post("/archives/runs", body, idempotency_key=str(uuid.uuid4()))
    if wait:
        answer = _wait(api, answer["id"], timeout)
    print_document(answer, as_json)
    if answer["state"] == "failed":
        raise ProblemError(200, {"title": "The run failed", "detail": answer["error"]})
    if wait and answer["requeuedPartitions"]:
        err.print(f"{answer['requeuedPartitions']} months of earlier runs are still open; see chancery archive status.")
    if wait and (failed := answer["partitions"].get("failed")):
        detail = (
            f"{failed} of {answer['partitions']['total']} months failed; see chancery archive status --state failed."
        )
        raise ProblemError(200, {"title": "Not everything is archived", "detail": detail})


@app.command()
@options.connects("super_admin")
def status(
    *,
    run_id: Annotated[str | None, typer.Option("--run", help="Show the progress of this run.")] = None,
    tenant: options.Tenant = None,
    month: Month = None,
    state: Annotated[str | None, typer.Option(help="pending, running, archived or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Lines to show.")] = 50,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show a run, or list the archived months, newest first."""
    from itertools import islice

    from chancery.cli.render import print_document, print_items

    api = connect()
    if run_id is not None:
        answer = api.get(f"/archives/runs/{run_id}")
        print_document(answer, as_json)
        return
    pages = api.pages("/archives", tenantId=tenant, month=month, state=state, limit=min(limit, 500))
    found = islice(pages, limit)
    print_items(found, as_json, _COLUMNS, _row)


def _filters(tenant: str | None, month: str | None) -> dict[str, Any]:
    return {name: value for name, value in (("tenantId", tenant), ("month", month)) if value is not None}


def _due(api: Any, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The months that are due, over all pages."""
    cursor = None
    while True:
        body = filters | {"dryRun": True} | ({"cursor": cursor} if cursor else {})
        page = api.post("/archives/runs", body, idempotency_key=str(uuid.uuid4()))  # a dry run: safe to retry
        yield from page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return


def _wait(api: Any, run_id: str, minutes: float) -> dict[str, Any]:
    """The run once none of its months is open. Raises Unreachable after so many minutes."""
    from chancery.cli.polling import Work, poll

    work = Work(f"The run {run_id}", f"To look later: chancery archive status --run {run_id}", _POLL)
    return poll(work, lambda: api.get(f"/archives/runs/{run_id}"), _status, minutes)


def _status(run: dict[str, Any]) -> "Status":
    from chancery.cli.polling import Status

    states = run["partitions"]
    left = sum(states[state] for state in _OPEN)
    text = f"{run['state']}: {run['records']} records, {run['bytes']} bytes"
    is_finished = run["state"] == "failed" or (run["state"] == "planned" and not left)
    return Status(text, is_finished, states["total"] - left, states["total"])


def month_row(item: dict[str, Any]) -> Sequence[Any]:
    """The cells that identify a partition: month, tenant, and its part."""
    part = f"supplement {item['supplement']}" if item["supplement"] else "month"
    return item["month"], item["tenantId"] or "(platform)", part


def _due_row(item: dict[str, Any]) -> Sequence[Any]:
    return (*month_row(item), item["state"], item["records"])


def _row(item: dict[str, Any]) -> Sequence[Any]:
    return (*_due_row(item), item["bytes"], item["storageClass"], item["id"])
