"""`chancery settings`: shows or changes whether a tenant accepts only actions of the catalogue."""

from typing import Annotated

import typer

from chancery.cli import options


def settings(
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Accept actions of the catalogue only, or any.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    caller: options.Caller = "super_admin",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Show a tenant's settings, or change them."""
    from chancery.cli.api import open_api
    from chancery.cli.render import print_fields, print_json

    api = open_api(api_url, token, caller)
    if strict is None:
        answer = api.get("/audit-settings", tenantId=tenant)
    else:
        answer = api.put("/audit-settings", {"strictCatalog": strict}, tenantId=tenant)
    print_json(answer) if as_json else print_fields(answer)


COMMANDS = (settings,)
