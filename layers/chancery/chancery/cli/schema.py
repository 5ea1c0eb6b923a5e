"""`chancery schema`: compares the database with the registry, applies the difference, prints the roles."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from chancery.cli.errors import Unreachable, UsageError

Uri = Annotated[
    str | None, typer.Option(help="MongoDB URI of a user with the schema role. [env: CHANCERY_MONGODB_URI]")
]
DatabaseName = Annotated[str, typer.Option(help="The records' database.")]
Retention = Annotated[str, typer.Option(help='Retention of collections in days, as JSON: {"tool_call_logs": 30}')]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts: a line a step.")]

app = typer.Typer(no_args_is_help=True, help="Collections, validators, indexes and roles of the database.")


@app.command()
def plan(
    uri: Uri = None, database: DatabaseName = "chancery", retention: Retention = "{}", as_json: Json = False
) -> None:
    """Show the differences between the registry and the database. Changes nothing."""
    with _connected(uri, database) as target:
        steps = _plan(target, retention)
    _print(steps, as_json)


@app.command(name="apply")
def apply_(
    uri: Uri = None, database: DatabaseName = "chancery", retention: Retention = "{}", as_json: Json = False
) -> None:
    """Apply the registry to the database."""
    from chancery.core.mongo.schema import apply

    with _connected(uri, database) as target:
        steps = _plan(target, retention)
        apply(target, steps)
    _print(steps, as_json)


@app.command()
def roles(
    atlas: Annotated[
        bool, typer.Option(help="Print requests of Atlas' Admin API instead of createRole commands.")
    ] = False,
    database: DatabaseName = "chancery",
) -> None:
    """Print the roles writer, reader, sealer, archiver, pusher, deliverer and schema, one JSON document a line."""
    from chancery.cli.render import print_json
    from chancery.core.mongo.database_roles import atlas_roles, create_role_commands
    from chancery.wiring.registry import COLLECTIONS

    for role in (atlas_roles if atlas else create_role_commands)(database, COLLECTIONS):
        print_json(role)


@contextmanager
def _connected(uri: str | None, database: str) -> Iterator[Any]:
    """The database while the block runs. Raises UsageError and Unreachable, also for what the block does with it."""
    from pymongo.errors import InvalidName

    from chancery.cli.connection import open_mongo

    found = uri or os.environ.get("CHANCERY_MONGODB_URI")
    if not found:
        raise UsageError("Give a MongoDB URI: --uri or CHANCERY_MONGODB_URI.")
    with open_mongo(found, "--uri" if uri else "CHANCERY_MONGODB_URI") as client:
        try:
            target = client[database]
        except InvalidName as exc:
            raise UsageError(f"--database cannot be {database!r}.") from exc
        with _translated():
            yield target


@contextmanager
def _translated() -> Iterator[None]:
    """Turns errors of the database into those of the command line."""
    from chancery.core.errors import ChanceryError, Unavailable
    from chancery.core.mongo.client import translated

    try:
        with translated():
            yield
    except Unavailable as exc:
        raise Unreachable(exc.detail) from exc
    except ChanceryError as exc:
        raise UsageError(f"{exc.detail} Use the schema user's URI.") from exc


def _plan(database: Any, retention: str) -> Any:
    from chancery.core.mongo.collections import UnfitRetention, retention_of
    from chancery.core.mongo.schema import plan
    from chancery.wiring.registry import COLLECTIONS

    try:
        days = retention_of(retention, COLLECTIONS)
    except UnfitRetention as exc:
        raise UsageError(f"--retention: {exc.detail}") from exc
    return plan(database, COLLECTIONS, days)


def _print(steps: Any, as_json: bool) -> None:
    from chancery.cli.render import err, print_json, print_table

    if as_json:
        for step in steps:
            print_json({"kind": step.kind, "collection": step.collection, "detail": step.detail})
    elif steps:
        print_table(["step", "collection", "detail"], [(step.kind, step.collection, step.detail) for step in steps])
    else:
        err.print("Nothing to do.")
