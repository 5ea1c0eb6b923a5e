"""`chancery settings`: whether a tenant takes catalogued actions only."""

from typing import Annotated

import typer

from chancery.cli import options


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(settings)


def settings(
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Take catalogued actions only, or any.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    caller: options.Caller = "super_admin",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Show a tenant's settings, or change them."""
    from chancery.cli.api import Api
    from chancery.cli.connection import find_connection
    from chancery.cli.render import print_fields, print_json

    api = Api(find_connection(api_url, token, caller))
    if strict is None:
        answer = api.get("/audit-settings", tenantId=tenant)
    else:
        answer = api.put("/audit-settings", {"strictCatalog": strict}, tenantId=tenant)
    print_json(answer) if as_json else print_fields(answer)
