"""`chancery logs`: counts log lines."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from chancery.cli import options

app = typer.Typer(no_args_is_help=True, help="Operational logs.")


class GroupBy(StrEnum):
    FINGERPRINT = "fingerprint"
    ENDPOINT = "endpoint"
    USER = "user"
    LEVEL = "level"
    LOGGER = "logger"
    FEATURE = "feature"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


@app.callback()
def _main() -> None:
    """Operational logs."""


@app.command()
@options.connects()
def aggregate(
    *,
    kind: Annotated[str, typer.Argument(help="Kind of log: app, error, performance, ...")],
    group_by: Annotated[GroupBy, typer.Option(help="Field or period to count by.")] = GroupBy.LEVEL,
    level: Annotated[str | None, typer.Option(help="This level and those above.")] = None,
    user: Annotated[str | None, typer.Option(help="User (userId).")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Endpoint.")] = None,
    logger: Annotated[str | None, typer.Option(help="Logger.")] = None,
    trace: options.Trace = None,
    from_: options.From = None,
    to: options.To = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Words in message, summary and error.")] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Count log lines, their users and the percentiles of their durations; by default of the last 24 hours."""
    from chancery.cli.render import err, print_items

    filters = {"level": level, "userId": user, "endpoint": endpoint, "logger": logger, "traceId": trace}
    filters |= {"from": from_, "to": to, "q": query, "tenantId": tenant}
    answer = connect().get(f"/logs/{kind}/aggregate", groupBy=group_by.value, **filters)
    print_items(answer["groups"], as_json, [group_by.value, "count", "users", "p50", "p95", "p99"], _row)
    if answer["sampledOneIn"] > 1:
        err.print(f"estimated from one line in {answer['sampledOneIn']}; exact counts need a shorter time")
    if answer["truncated"]:
        err.print(f"{len(answer['groups'])} groups; there are more: narrow the search")


def _row(group: dict[str, Any]) -> tuple[Any, ...]:
    durations = group["durationMs"] or {}
    return (group["key"], group["count"], group["users"], *(durations.get(name) for name in ("p50", "p95", "p99")))
