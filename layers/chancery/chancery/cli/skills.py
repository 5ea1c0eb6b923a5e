"""`chancery skills`: lists and prints skills, and seeds the global ones from a library."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from chancery.content.skills.seeding import Seeder

app = typer.Typer(no_args_is_help=True, help="Skills: instructions for agents.")

_COLUMNS = ("name", "category", "owner", "roles", "version", "bytes", "refId")


@app.command(name="list")
@options.connects()
def list_(
    *,
    category: Annotated[
        str | None, typer.Option(help="client_context, brand_voice, sop, platform_guide or template.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="Agent role that the skill is assigned to.")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Words in name and content.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant, or global for the global skills only.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Lines to show.")] = 50,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List skills, newest first: a tenant's own, and the global ones that it does not override."""
    from itertools import islice

    from chancery.cli.render import print_items

    filters = {"category": category, "role": role, "q": query, "tenantId": tenant}
    pages = connect().pages("/skills", limit=min(limit, 500), **filters)
    found = islice(pages, limit)
    print_items(found, as_json, _COLUMNS, _row)


@app.command()
@options.connects()
def show(
    *,
    ref_id: Annotated[str, typer.Argument(help="refId of the skill.")],
    version: Annotated[int | None, typer.Option(help="Earlier version of the skill.")] = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Print the content of a skill; byte for byte if the output is a file or a pipe."""
    from chancery.cli.render import plain, print_json

    path = f"/skills/{ref_id}" + ("" if version is None else f"/versions/{version}")
    found = connect().get(path)
    if as_json:
        print_json(found)
    elif sys.stdout.isatty():
        typer.echo(plain(found["content"].expandtabs(4)))
    else:
        typer.echo(found["content"], nl=False)


@app.command()
def seed(
    folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of a library, instead of the packaged one."),
    ] = None,
    uri: Annotated[
        str | None, typer.Option(help="MongoDB URI of a user with the writer role. [env: CHANCERY_MONGODB_URI]")
    ] = None,
    database: Annotated[str, typer.Option(help="The skills' database.")] = "chancery",
    bus: Annotated[str | None, typer.Option(help="Event bus for the audit events. [env: CHANCERY_EVENT_BUS]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts: one document.")] = False,
) -> None:
    """Update the global skills from a library, as each deployment does; without --uri those of the local stack.

    Does not touch skills that an admin has changed or deleted. Each change is audited.
    """
    from chancery.cli.render import print_fields, print_json
    from chancery.content.skills.library import LibraryBroken, packaged, read_library
    from chancery.core.errors import ChanceryError, Unavailable

    try:
        library = read_library(folder or packaged())
        with _seeder(uri, database, bus) as seeder:
            seeded = seeder.seed(library).as_json()
    except LibraryBroken as exc:
        raise UsageError(exc.detail) from exc
    except Unavailable as exc:
        raise Unreachable(exc.detail) from exc
    except ChanceryError as exc:
        raise UsageError(f"{exc.detail} --uri needs a user with the writer role.") from exc
    print_json(seeded) if as_json else print_fields({name: ", ".join(items) for name, items in seeded.items()})


@contextmanager
def _seeder(uri: str | None, database: str, bus: str | None) -> Iterator["Seeder"]:
    """A seeder of the given database and bus, else of the local stack. Raises UsageError."""
    import boto3

    from chancery.audit.access import AccessTrail
    from chancery.cli.connection import local_aws, local_stack, open_mongo
    from chancery.content.skills.seeding import Seeder
    from chancery.content.skills.store import SkillStore
    from chancery.core.aws.event_bus import Bus

    uri, bus = uri or os.environ.get("CHANCERY_MONGODB_URI"), bus or os.environ.get("CHANCERY_EVENT_BUS")
    local: dict[str, Any] = {}
    if uri is None:
        stack = local_stack()
        uri, bus = stack["mongodb"]["writer"], stack["eventBusName"]
        local = local_aws(stack)
    if not bus:
        raise UsageError("Give the event bus for the audit events: --bus or CHANCERY_EVENT_BUS.")
    events = boto3.client("events", **local)
    with open_mongo(uri, "--uri") as client:
        yield Seeder(SkillStore(client[database]), AccessTrail(Bus(bus, events.put_events)))


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    roles = "all" if item["isClientContext"] else ", ".join(item["assignedAgentRoles"])
    sizes = item["version"], item["contentBytes"], item["refId"]
    return item["name"], item["category"], item["tenantId"], roles, *sizes
