"""`chancery integrations call`, `calls`, `retry`, `cancel`: managed calls to external systems."""

import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError
from chancery.cli.json_input import json_value

if TYPE_CHECKING:
    from chancery.cli.polling import Status

_ACTIVE = ("waiting", "attempting")
_COLUMNS = ("requestId", "system", "endpoint", "status", "reason", "attempt", "created")

RequestId = Annotated[str, typer.Argument(help="requestId of the call, or of one of its attempts.")]


@options.connects()
def call(
    *,
    system: Annotated[str, typer.Argument(help="Code of the system.")],
    endpoint: Annotated[str, typer.Argument(help="Code of the endpoint.")],
    file: Annotated[Path | None, typer.Argument(help="File of the body as JSON; - is standard input.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="Parameter of the path, name=value; repeatable.")] = None,
    query: Annotated[list[str] | None, typer.Option(help="Parameter of the query, name=value; repeatable.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the call has ended.")] = True,
    timeout: Annotated[float, typer.Option(min=0, help="Minutes to wait.")] = 10,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Call an external system and print the result. The service retries; exit code 1 if the call does not succeed."""
    from chancery.cli.polling import Work, poll
    from chancery.cli.render import err, print_document

    body: dict[str, Any] = {"pathParameters": _pairs("--path", path), "query": _pairs("--query", query)}
    if file is not None:
        text = sys.stdin.buffer.read() if str(file) == "-" else _read(file)
        body["body"] = json_value(str(file), text)
    if tenant is not None:
        body["tenantId"] = tenant
    api = connect()
    begun = api.post(f"/integrations/{system}/{endpoint}/calls", body, idempotency_key=str(uuid.uuid4()))
    if wait:
        where = f"/integrations/calls/{begun['requestId']}"
        later = f"The call continues: chancery integrations calls {begun['requestId']}"
        work = Work(f"The call {begun['requestId']}", later, (0.2, 5))
        begun = poll(work, lambda: api.get(where, tenantId=tenant), _status, timeout)
    print_document(begun, as_json)
    if wait and begun["status"] != "succeeded":
        err.print(f"The call has {begun['status'].replace('_', ' ')}: {begun['reason']}.", soft_wrap=True)
        raise typer.Exit(1)


@options.connects()
def calls(
    *,
    request_id: Annotated[
        str | None, typer.Argument(help="requestId of one call; without it, the newest ones.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="Code of the system.")] = None,
    status: Annotated[str | None, typer.Option(help="waiting, attempting, succeeded, failed, timed_out.")] = None,
    tenant: options.Tenant = None,
    limit: Annotated[int, typer.Option(min=1, help="Lines to show.")] = 50,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List managed calls, newest first, or print one with its result."""
    from itertools import islice

    from chancery.cli.render import print_document, print_items

    api = connect()
    if request_id is not None:
        print_document(api.get(f"/integrations/calls/{request_id}", tenantId=tenant), as_json)
        return
    filters = {"systemCode": system, "status": status, "tenantId": tenant}
    pages = api.pages("/integrations/calls", limit=min(limit, 500), **filters)
    print_items(islice(pages, limit), as_json, _COLUMNS, _row)


@options.connects()
def retry(
    *,
    request_id: RequestId,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Have a managed call tried again, now."""
    _change(connect, request_id, "retry", tenant, as_json)


@options.connects()
def cancel(
    *,
    request_id: RequestId,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Have no further attempt made of a managed call."""
    _change(connect, request_id, "cancel", tenant, as_json)


def _change(connect: options.Connect, request_id: str, what: str, tenant: str | None, as_json: bool) -> None:
    from chancery.cli.render import print_document

    body = {} if tenant is None else {"tenantId": tenant}
    print_document(connect().post(f"/exchanges/{request_id}/{what}", body), as_json)


def _status(document: dict[str, Any]) -> "Status":
    from chancery.cli.polling import Status

    return Status(f"{document['status']}: {document['reason']}", document["status"] not in _ACTIVE)


def _row(found: dict[str, Any]) -> Sequence[Any]:
    names = ("refId", "systemCode", "endpointCode", "status", "reason", "attempt", "createdOn")
    return [found[name] for name in names]


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """Raises UsageError."""
    pairs = dict[str, str]()
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} needs name=value.")
        pairs[name] = value
    return pairs


def _read(file: Path) -> bytes:
    """Raises UsageError."""
    try:
        return file.read_bytes()
    except OSError as exc:
        raise UsageError(f"{file} cannot be read: {exc.strerror}.") from exc


COMMANDS = (call, calls, retry, cancel)
