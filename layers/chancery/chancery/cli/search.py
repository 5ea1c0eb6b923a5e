"""`chancery search`, `show`, `stats`, `trace`, `catalog` and `health`."""

from enum import StrEnum
from typing import Annotated

import typer

from chancery.cli import options


class GroupBy(StrEnum):
    ACTION = "action"
    ACTOR = "actor"
    RESOURCE_TYPE = "resourceType"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


def search(
    tenant: options.Tenant = None,
    actor: options.Actor = None,
    action: options.Action = None,
    resource: options.Resource = None,
    trace: options.Trace = None,
    from_: options.From = None,
    to: options.To = None,
    query: options.Query = None,
    limit: Annotated[int, typer.Option(help="Records to show.", min=1, max=500)] = 20,
    everything: Annotated[bool, typer.Option("--all", help="All records, over all pages.")] = False,
    oldest_first: Annotated[bool, typer.Option(help="Oldest first instead of newest first.")] = False,
    fields: Annotated[str | None, typer.Option(help="Comma-separated fields to fetch.")] = None,
    restored: options.Restored = False,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Search the audit trail, newest first."""
    from itertools import islice

    from chancery.cli.api import open_api
    from chancery.cli.render import err, print_json, print_records, print_table

    api = open_api(api_url, token, caller)
    filters = options.filters(tenant, actor, action, resource, trace, from_, to, query)
    page = {"limit": 500 if everything else limit, "order": "asc" if oldest_first else "desc", "fields": fields}
    found = api.pages("/audit-logs", **filters, **page, source="restored" if restored else None)
    records = found if everything else islice(found, limit)
    if as_json:
        for record in records:
            print_json(record)
        return
    shown = list(records)
    if fields:
        names = [name.strip() for name in fields.split(",")]
        print_table(names, [[record.get(name) for name in names] for record in shown])
    else:
        print_records(shown)
    counted = "1 record" if len(shown) == 1 else f"{len(shown)} records"
    err.print(counted + ("" if everything or len(shown) < limit else "; more with --limit or --all"))


def show(
    ref_id: Annotated[str, typer.Argument(help="refId of the record.")],
    tenant: options.Tenant = None,
    restored: options.Restored = False,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Show one record, whole."""
    from chancery.cli.api import open_api
    from chancery.cli.render import print_fields, print_json

    query = {"tenantId": tenant, "source": "restored" if restored else None}
    record = open_api(api_url, token, caller).get(f"/audit-logs/{ref_id}", **query)
    print_json(record) if as_json else print_fields(record)


def stats(
    group_by: Annotated[GroupBy, typer.Option(help="Field or period to count by.")] = GroupBy.ACTION,
    tenant: options.Tenant = None,
    actor: options.Actor = None,
    action: options.Action = None,
    resource: options.Resource = None,
    trace: options.Trace = None,
    from_: options.From = None,
    to: options.To = None,
    query: options.Query = None,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Count records by a field or a period."""
    from chancery.cli.api import open_api
    from chancery.cli.render import err, print_json, print_table

    filters = options.filters(tenant, actor, action, resource, trace, from_, to, query)
    api = open_api(api_url, token, caller)
    answer = api.get("/audit-logs/stats", groupBy=group_by.value, **filters)
    groups = answer["groups"]
    if as_json:
        for group in groups:
            print_json(group)
        return
    print_table([group_by.value, "count"], [(group["key"], group["count"]) for group in groups])
    if answer.get("truncated"):
        err.print(f"{len(groups)} groups; there are more: narrow the search")


def trace(
    trace_id: Annotated[str, typer.Argument(help="Trace id.")],
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Show every record of a trace, of every kind, in time order."""
    from chancery.cli.api import open_api
    from chancery.cli.render import print_json, print_records

    found = list(open_api(api_url, token, caller).pages(f"/traces/{trace_id}", tenantId=tenant))
    if not as_json:
        return print_records(found)
    for record in found:
        print_json(record)
    return None


def catalog(
    coverage: Annotated[bool, typer.Option(help="Which actions were recorded, and when last.")] = False,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Show the catalogue of audited actions, or its coverage."""
    from chancery.cli.api import open_api
    from chancery.cli.render import local_time, print_json, print_table

    api = open_api(api_url, token, caller)
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


def health(
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Check whether the database and the bus answer."""
    from chancery.cli.api import open_api
    from chancery.cli.render import print_fields, print_json

    report = open_api(api_url, token, caller).get("/health")
    print_json(report) if as_json else print_fields(report)


COMMANDS = (search, show, stats, trace, catalog, health)
