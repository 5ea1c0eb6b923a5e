"""`chancery search`, `show`, `stats`, `trace`, `catalog` and `health`."""

from enum import StrEnum
from typing import Annotated

import typer

from chancery.cli import options


class GroupBy(StrEnum):
    ACTION = "action"
    ACTOR = "actor"
    RESOURCE_TYPE = "resourceType"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@options.connects()
@options.with_filters
def search(
    *,
    filters: options.Filters,
    limit: Annotated[int, typer.Option(help="Records to show.", min=1, max=500)] = 20,
    everything: Annotated[bool, typer.Option("--all", help="All records, over all pages.")] = False,
    oldest_first: Annotated[bool, typer.Option(help="Oldest first instead of newest first.")] = False,
    fields: Annotated[str | None, typer.Option(help="Comma-separated fields to fetch.")] = None,
    restored: options.Restored = False,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Search the audit trail, newest first."""
    from itertools import islice

    from chancery.cli.render import err, print_json, print_records, print_table

    api = connect()
    page = {"limit": 500 if everything else limit, "order": "asc" if oldest_first else "desc", "fields": fields}
    pages = api.pages("/audit-logs", **filters, **page, source="restored" if restored else None)
    records = pages if everything else islice(pages, limit)
    if as_json:
        for record in records:
            print_json(record)
        return
    found = list(records)
    if fields:
        names = [name.strip() for name in fields.split(",")]
        print_table(names, [[record.get(name) for name in names] for record in found])
    else:
        print_records(found)
    counted = "1 record" if len(found) == 1 else f"{len(found)} records"
    err.print(counted + ("" if everything or len(found) < limit else "; more with --limit or --all"))


@options.connects()
def show(
    *,
    ref_id: Annotated[str, typer.Argument(help="refId of the record.")],
    tenant: options.Tenant = None,
    restored: options.Restored = False,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show one record, whole."""
    from chancery.cli.render import print_document

    query = {"tenantId": tenant, "source": "restored" if restored else None}
    record = connect().get(f"/audit-logs/{ref_id}", **query)
    print_document(record, as_json)


@options.connects()
@options.with_filters
def stats(
    *,
    group_by: Annotated[GroupBy, typer.Option(help="Field or period to count by.")] = GroupBy.ACTION,
    filters: options.Filters,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Count records by a field or a period."""
    from chancery.cli.render import err, print_items

    api = connect()
    answer = api.get("/audit-logs/stats", groupBy=group_by.value, **filters)
    groups = answer["groups"]
    print_items(groups, as_json, [group_by.value, "count"], lambda group: (group["key"], group["count"]))
    if answer.get("truncated") and not as_json:
        err.print(f"{len(groups)} groups; there are more: narrow the search")


@options.connects()
def trace(
    *,
    trace_id: Annotated[str, typer.Argument(help="Trace id.")],
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show every record of a trace, of every kind, in time order."""
    from chancery.cli.render import print_json, print_records

    found = list(connect().pages(f"/traces/{trace_id}", tenantId=tenant))
    if not as_json:
        return print_records(found)
    for record in found:
        print_json(record)
    return None


@options.connects()
def catalog(
    *,
    coverage: Annotated[bool, typer.Option(help="Which actions were recorded, and when last.")] = False,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show the catalogue of audited actions, or its coverage."""
    from chancery.cli.render import local_time, print_json, print_table

    api = connect()
    answer = api.get("/audit-catalog/coverage", tenantId=tenant) if coverage else api.get("/audit-catalog")
    if as_json:
        return print_json(answer)
    if not coverage:
        rows = [(item["action"], "added" if item["added"] else "", item["triggers"]) for item in answer["actions"]]
        return print_table(
            ["action", "", "triggers"],
            [(action, mark, "; ".join(trigger["trigger"] for trigger in found)) for action, mark, found in rows],
        )
    domains = answer["domains"]
    last = {item["domain"]: local_time(item["lastSeen"]) if item["lastSeen"] else "never" for item in domains}
    return print_table(
        ["domain", "seen", "unseen", "last seen"],
        [(item["domain"], item["seen"], item["unseen"], last[item["domain"]]) for item in domains],
    )


@options.connects()
def health(
    *,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Check whether the database and the bus answer."""
    from chancery.cli.render import print_document

    report = connect().get("/health")
    print_document(report, as_json)


COMMANDS = (search, show, stats, trace, catalog, health)
