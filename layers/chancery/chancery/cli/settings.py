"""`chancery settings`: shows or changes the settings of a tenant. `chancery redaction try`: tries out its redaction."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.json_input import json_value

redaction = typer.Typer(no_args_is_help=True, help="Redaction: what would be stored of a value.")


@options.connects("super_admin")
def settings(
    *,
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="Accept actions of the catalogue only, or any.")
    ] = None,
    redaction: Annotated[
        Path | None, typer.Option(help="File of redaction settings as JSON; - is standard input.")
    ] = None,
    limits: Annotated[Path | None, typer.Option(help="File of rate limits as JSON; - is standard input.")] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Show a tenant's settings, or change some of them."""
    from chancery.cli.render import print_document

    changes: dict[str, Any] = {} if strict is None else {"strictCatalog": strict}
    if redaction is not None:
        changes["redaction"] = _json_of(redaction)
    if limits is not None:
        changes["limits"] = _json_of(limits)
    api = connect()
    answer = api.get("/settings", tenantId=tenant)
    if changes:
        body = {name: answer[name] for name in ("strictCatalog", "redaction", "limits")} | changes
        answer = api.put("/settings", body, answer["version"], tenantId=tenant)
    print_document(answer, as_json)


@redaction.command(name="try")
@options.connects("super_admin")
def try_(
    file: Annotated[Path, typer.Argument(help="File of a JSON value; - is standard input.")],
    *,
    settings: Annotated[
        Path | None, typer.Option(help="File of redaction settings as JSON, instead of the tenant's.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Print what would be redacted of a value, and why. Nothing is stored."""
    from chancery.cli.render import print_json, print_table

    body = {"value": _json_of(file)} | ({} if settings is None else {"redaction": _json_of(settings)})
    answer = connect().post("/redactions", body, tenantId=tenant)
    if as_json:
        print_json(answer)
        return
    columns = ("pointer", "start", "end", "kind", "reason")
    print_table(columns, [[str(found[column]) for column in columns] for found in answer["findings"]])


def _json_of(file: Path) -> Any:
    """The JSON in a file, or on standard input. Raises UsageError."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    return json_value(str(file), text)


COMMANDS = (settings,)
