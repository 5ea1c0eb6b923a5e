"""`chancery destinations`: webhooks and streams, their secrets, tests, deliveries and health."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError
from chancery.cli.json_input import json_value

if TYPE_CHECKING:
    from chancery.cli.polling import Status

app = typer.Typer(no_args_is_help=True, help="Destinations of events: webhooks and streams.")

_COLUMNS = ("refId", "kind", "name", "url", "events", "enabled", "reason", "tenant")
_DELIVERY_COLUMNS = ("refId", "kind", "types", "status", "reason", "attempt", "response", "created")
_ENDED = ("delivered", "failed")
_KEPT = ("name", "events", "filter", "format", "orderedBy", "alert", "ratePerSecond", "maxAgeSeconds", "roleArn")

Destination = Annotated[str, typer.Argument(help="refId of the destination.")]
Limit = Annotated[int, typer.Option(min=1, help="Lines to show.")]
Timeout = Annotated[float, typer.Option(min=0, help="Minutes to wait.")]


@app.command(name="list")
@options.connects()
def list_destinations(
    *, tenant: options.Tenant = None, limit: Limit = 50, as_json: options.Json = False, connect: options.Connect
) -> None:
    """List destinations, newest first."""
    from chancery.cli.render import print_items

    found = connect().pages("/destinations", limit=min(limit, 500), tenantId=tenant)
    print_items(islice(found, limit), as_json, _COLUMNS, _row)


@app.command()
@options.connects()
def show(
    *, ref_id: Destination, tenant: options.Tenant = None, as_json: options.Json = False, connect: options.Connect
) -> None:
    """Print a destination, without its secrets."""
    from chancery.cli.render import print_document

    print_document(connect().get(f"/destinations/{ref_id}", tenantId=tenant), as_json)


@app.command()
@options.connects("dm_user")
def create(
    *,
    name: Annotated[str | None, typer.Argument(help="Name of a webhook.")] = None,
    url: Annotated[str | None, typer.Argument(help="URL of a webhook.")] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", "-e", help="Event type, or audit.*; repeatable. Default: *")
    ] = None,
    slack: Annotated[bool, typer.Option("--slack", help="Send texts that Slack takes.")] = False,
    file: Annotated[
        Path | None, typer.Option(help="File of the whole body as JSON, for other kinds; - is standard input.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Add a destination and print it with its secret, which is never shown again."""
    from chancery.cli.render import print_document

    if (file is None) == (name is None or url is None):
        raise UsageError("Give NAME and URL of a webhook, or --file.")
    body: dict[str, Any] = {"kind": "webhook", "name": name, "url": url, "events": event or ["*"]}
    body |= {"format": "slack"} if slack else {}
    body = body if file is None else _body(file)
    body |= {} if tenant is None else {"tenantId": tenant}
    print_document(connect().post("/destinations", body, idempotency_key=str(uuid.uuid4())), as_json)


@app.command(name="test")
@options.connects("dm_user")
def send_test(
    *,
    ref_id: Destination,
    type_: Annotated[str | None, typer.Option("--type", help="Event type that is said to have happened.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the test has been delivered.")] = True,
    timeout: Timeout = 1,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Send a test and print its delivery. Exit code 1 if it fails."""
    api, body = connect(), {} if type_ is None else {"type": type_}
    begun = api.post(f"/destinations/{ref_id}/test", body, idempotency_key=str(uuid.uuid4()), tenantId=tenant)
    _finish(api, begun, wait, timeout, tenant, as_json)


@app.command()
@options.connects("dm_user")
def enable(
    *, ref_id: Destination, tenant: options.Tenant = None, as_json: options.Json = False, connect: options.Connect
) -> None:
    """Enable a destination: delivery goes on where it stopped."""
    _set_enabled(connect, ref_id, True, tenant, as_json)


@app.command()
@options.connects("dm_user")
def disable(
    *, ref_id: Destination, tenant: options.Tenant = None, as_json: options.Json = False, connect: options.Connect
) -> None:
    """Disable a destination: what comes meanwhile is delivered when it is enabled again."""
    _set_enabled(connect, ref_id, False, tenant, as_json)


@app.command()
@options.connects()
def deliveries(
    *,
    ref_id: Destination,
    delivery_id: Annotated[str | None, typer.Argument(help="refId of one delivery, to print its attempts.")] = None,
    status: Annotated[str | None, typer.Option(help="pending, blocked, delivered, failed.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Event type in the delivery.")] = None,
    response: Annotated[int | None, typer.Option(help="Status of the last answer.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Created at or after (RFC 3339).")] = None,
    to: Annotated[str | None, typer.Option(help="Created before (RFC 3339).")] = None,
    tenant: options.Tenant = None,
    limit: Limit = 50,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List deliveries, newest first, or print one with its attempts."""
    from chancery.cli.render import print_document, print_items

    api, path = connect(), f"/destinations/{ref_id}/deliveries"
    if delivery_id is not None:
        print_document(api.get(f"{path}/{delivery_id}", tenantId=tenant), as_json)
        return
    filters = {"status": status, "type": type_, "responseStatus": response, "from": from_, "to": to}
    found = api.pages(path, limit=min(limit, 500), tenantId=tenant, **filters)
    print_items(islice(found, limit), as_json, _DELIVERY_COLUMNS, _delivery_row)


@app.command()
@options.connects("dm_user")
def replay(
    *,
    ref_id: Destination,
    delivery_id: Annotated[str | None, typer.Argument(help="refId of one delivery.")] = None,
    failed_since: Annotated[str | None, typer.Option(help="All that have failed since a time (RFC 3339).")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="With --to: all that were created then.")] = None,
    to: Annotated[str | None, typer.Option(help="End of --from (RFC 3339).")] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Send one delivery again, all failed ones since a time, or those of a range."""
    from chancery.cli.render import print_document

    given = {"failedSince": failed_since, "from": from_, "to": to}
    body = {name: value for name, value in given.items() if value is not None}
    if (delivery_id is None) == (not body):
        raise UsageError("Give the refId of a delivery, or --failed-since, or --from and --to.")
    api, path = connect(), f"/destinations/{ref_id}"
    if delivery_id is not None:
        again = api.post(f"{path}/deliveries/{delivery_id}/replay", None, tenantId=tenant)
        print_document(again, as_json)
        return
    total, cursor = 0, dict[str, str]()
    while True:
        answer = api.post(f"{path}/replays", {**body, **cursor}, tenantId=tenant)
        total += answer["replayed"]
        if answer["nextCursor"] is None:
            break
        cursor = {"cursor": answer["nextCursor"]}
    print_document({"replayed": total}, as_json)


@app.command()
@options.connects()
def health(
    *, ref_id: Destination, tenant: options.Tenant = None, as_json: options.Json = False, connect: options.Connect
) -> None:
    """Print how far a destination is. Exit code 1 unless it is ok."""
    from chancery.cli.render import print_document

    found = connect().get(f"/destinations/{ref_id}/health", tenantId=tenant)
    print_document(found, as_json)
    if found["status"] != "ok":
        raise typer.Exit(1)


@app.command(name="rotate-secret")
@options.connects("dm_user")
def rotate_secret(
    *,
    ref_id: Destination,
    overlap_hours: Annotated[int, typer.Option(min=0, max=168, help="How long the old secret signs, too.")] = 24,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Make a new secret of a webhook and print it, once."""
    from chancery.cli.render import print_document

    body, key = {"overlapHours": overlap_hours}, str(uuid.uuid4())
    print_document(
        connect().post(f"/destinations/{ref_id}/secret", body, idempotency_key=key, tenantId=tenant), as_json
    )


@app.command()
@options.connects("dm_user")
def delete(*, ref_id: Destination, tenant: options.Tenant = None, connect: options.Connect) -> None:
    """Delete a destination: what has not been delivered is not sent any more."""
    api, path = connect(), f"/destinations/{ref_id}"
    api.delete(path, api.get(path, tenantId=tenant)["version"], tenantId=tenant)


def _set_enabled(connect: options.Connect, ref_id: str, enabled: bool, tenant: str | None, as_json: bool) -> None:
    """Replaces the settings by the ones that are there; those that nobody can read stay without being named."""
    from chancery.cli.render import print_document

    api, path = connect(), f"/destinations/{ref_id}"
    found = api.get(path, tenantId=tenant)
    body = {name: found[name] for name in (*_KEPT, "options") if name in found} | {"enabled": enabled}
    print_document(api.put(path, body, found["version"], tenantId=tenant), as_json)


def _finish(api: Any, begun: dict[str, Any], wait: bool, minutes: float, tenant: str | None, as_json: bool) -> None:
    """Prints a delivery, with `wait` once it has ended. Exits with 1 if it has failed."""
    from chancery.cli.polling import Work, poll
    from chancery.cli.render import err, print_document

    if wait:
        destination, delivery = begun["destinationId"], begun["refId"]
        where = f"/destinations/{destination}/deliveries/{delivery}"
        later = f"It is tried again: chancery destinations deliveries {destination} {delivery}"
        begun = poll(
            Work(f"The delivery {delivery}", later, (0.2, 5)),
            lambda: api.get(where, tenantId=tenant),
            _status,
            minutes,
        )
    print_document(begun, as_json)
    if begun["status"] == "failed":
        err.print(f"The delivery has failed: {begun['reason']}.", soft_wrap=True)
        raise typer.Exit(1)


def _status(document: dict[str, Any]) -> "Status":
    from chancery.cli.polling import Status

    return Status(f"{document['status']}: {document['reason']}", document["status"] in _ENDED)


def _row(item: Mapping[str, Any]) -> Sequence[Any]:
    columns = item["refId"], item["kind"], item["name"], item["url"], " ".join(item["events"])
    return *columns, item["enabled"], item.get("disabledReason"), item["tenantId"]


def _delivery_row(item: Mapping[str, Any]) -> Sequence[Any]:
    columns = item["refId"], item["kind"], " ".join(item["types"]), item["status"], item["reason"]
    return *columns, item["attempt"], item.get("responseStatus"), item["createdOn"]


def _body(file: Path) -> dict[str, Any]:
    """The JSON object in a file, or on standard input. Raises UsageError."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as exc:
        raise UsageError(f"{file} cannot be read: {exc.strerror}.") from exc
    body = json_value(str(file), text)
    if not isinstance(body, dict):
        raise UsageError(f"{file} has no JSON object.")
    return body
