"""`chancery exchanges` and `chancery integrations exchanges|health|stats`: exchanges with other systems."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from chancery.cli import options

app = typer.Typer(no_args_is_help=True, help="Exchanges with other systems: requests, responses, retries.")

_COLUMNS = ("when", "system", "endpoint", "method", "status", "response", "ms", "attempt", "error", "requestId")
_FIELDS = "requestId,systemCode,endpointCode,httpMethod,status,responseStatus,durationMs,attemptNumber,error,startedAt"
_FIGURES = {
    "total": "totalRequests",
    "ok": "successful",
    "failed": "failed",
    "timeout": "timeout",
    "cancelled": "cancelled",
    "ok %": "successRate",
    "avg ms": "avgDurationMs",
    "p50": "p50DurationMs",
    "p95": "p95DurationMs",
    "p99": "p99DurationMs",
}


class Outcome(StrEnum):
    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"


class Bucket(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class BodyOf(StrEnum):
    REQUEST = "request"
    RESPONSE = "response"


RequestId = Annotated[str, typer.Argument(help="requestId of the exchange.")]


@app.command(name="list")
@options.connects()
def exchanges(
    *,
    system: Annotated[str | None, typer.Option(help="Code of the system.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Code of the endpoint, with --system.")] = None,
    status: Annotated[Outcome | None, typer.Option(help="How it has ended, or PENDING.")] = None,
    unsuccessful: Annotated[bool, typer.Option("--unsuccessful", help="Failed, timed out or cancelled ones.")] = False,
    entity: Annotated[str | None, typer.Option(help="Business entity as type/id, or its id.")] = None,
    correlation: Annotated[str | None, typer.Option(help="Correlation id.")] = None,
    trace: options.Trace = None,
    actor: Annotated[str | None, typer.Option(help="User that caused it (actor.userId).")] = None,
    from_: options.From = None,
    to: options.To = None,
    tenant: options.Tenant = None,
    limit: Annotated[int, typer.Option(min=1, help="Lines to show.")] = 50,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List exchanges, newest first."""
    from itertools import islice

    from chancery.cli.render import print_items

    kind, slash, identifier = (entity or "").partition("/")
    filters = {
        "systemCode": system,
        "endpointCode": endpoint,
        "status": status.value if status else None,
        "isSuccess": "false" if unsuccessful else None,
        "entityType": kind if slash else None,
        "entityId": (identifier if slash else kind) or None,
        "correlationId": correlation,
        "traceId": trace,
        "userId": actor,
        "from": from_,
        "to": to,
        "tenantId": tenant,
        "fields": None if as_json else _FIELDS,
    }
    pages = connect().pages("/exchanges", limit=min(limit, 500), **filters)
    print_items(islice(pages, limit), as_json, _COLUMNS, _row)


@app.command()
@options.connects()
def show(
    *,
    request_id: RequestId,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show one exchange with its headers and bodies."""
    from chancery.cli.render import print_document

    print_document(connect().get(f"/exchanges/{request_id}", tenantId=tenant), as_json)


@app.command()
@options.connects()
def chain(
    *,
    request_id: RequestId,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List the attempts of the same request, in order."""
    from chancery.cli.render import print_items

    items = connect().get(f"/exchanges/{request_id}/chain", tenantId=tenant)["items"]
    print_items(items, as_json, _COLUMNS, _row)


@app.command()
@options.connects()
def body(
    *,
    request_id: RequestId,
    part: Annotated[BodyOf, typer.Argument(help="request or response.")] = BodyOf.RESPONSE,
    tenant: options.Tenant = None,
    connect: options.Connect,
) -> None:
    """Write a whole body to standard output, byte for byte."""
    sys.stdout.buffer.write(connect().content(f"/exchanges/{request_id}/{part.value}", tenantId=tenant))
    sys.stdout.buffer.flush()


@options.connects()
def health(
    *,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show success rate and durations (ms) of each system in the last hour."""
    from chancery.cli.render import print_items

    systems = connect().get("/integrations/health", tenantId=tenant)["systems"]
    several = len({system["tenantId"] for system in systems}) > 1
    columns = (*(("tenant",) if several else ()), "system", *_FIGURES)
    names = (*(("tenantId",) if several else ()), "systemCode", *_FIGURES.values())
    print_items(systems, as_json, columns, lambda system: [system[name] for name in names])


@options.connects()
def stats(
    *,
    system: Annotated[str, typer.Argument(help="Code of the system.")],
    endpoint: Annotated[str | None, typer.Argument(help="Code of the endpoint.")] = None,
    bucket: Annotated[Bucket, typer.Option(help="Length of a line's time.")] = Bucket.HOUR,
    from_: options.From = None,
    to: options.To = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show success rate and durations (ms) of a system or endpoint by time."""
    from chancery.cli.render import local_time, print_json, print_table

    path = f"/integrations/systems/{system}" + ("" if endpoint is None else f"/endpoints/{endpoint}")
    query = {"bucket": bucket.value, "from": from_, "to": to, "tenantId": tenant}
    answer = connect().get(f"{path}/stats", **query)
    if as_json:
        return print_json(answer)
    rows = [[local_time(item["beginsOn"]), *_figures(item)] for item in answer["items"]]
    return print_table(["when", *_FIGURES], [*rows, ["in all", *_figures(answer["total"])]])


def _figures(found: Mapping[str, Any]) -> list[Any]:
    return [found[name] for name in _FIGURES.values()]


def _row(exchange: Mapping[str, Any]) -> Sequence[Any]:
    from chancery.cli.render import local_time

    error = exchange.get("error") or {}
    names = ("systemCode", "endpointCode", "httpMethod", "status", "responseStatus", "durationMs", "attemptNumber")
    return [
        local_time(exchange["startedAt"]) if exchange.get("startedAt") else "",
        *(exchange.get(name) for name in names),
        error.get("message") or error.get("type"),
        exchange["requestId"],
    ]


INTEGRATION_COMMANDS = (exchanges, health, stats)
