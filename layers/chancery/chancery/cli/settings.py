"""`chancery settings`: shows or changes whether a tenant accepts only actions of the catalogue."""

from typing import Annotated

import typer

from chancery.cli import options


@options.connects("super_admin")
def settings(
    *,
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Accept actions of the catalogue only, or any.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show a tenant's settings, or change them."""
    from chancery.cli.render import print_document

    api = connect()
    if strict is None:
        answer = api.get("/audit-settings", tenantId=tenant)
    else:
        answer = api.put("/audit-settings", {"strictCatalog": strict}, tenantId=tenant)
    print_document(answer, as_json)


COMMANDS = (settings,)
