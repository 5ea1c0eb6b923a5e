"""`chancery record`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from chancery.cli import options

BATCH = 500


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(record)


def record(
    action: Annotated[str | None, typer.Option(help="What was done: resource_type.verb, or a bare verb.")] = None,
    resource: Annotated[str | None, typer.Option(help="To what: type/id.")] = None,
    actor: Annotated[str | None, typer.Option(help="By whom (actorId).")] = None,
    actor_name: Annotated[str | None, typer.Option(help="Display name of the actor.")] = None,
    actor_type: Annotated[str, typer.Option(help="human, agent or system.")] = "human",
    description: Annotated[str | None, typer.Option(help="A sentence for people.")] = None,
    tenant: options.Tenant = None,
    before: Annotated[str | None, typer.Option(help="State before, as JSON.")] = None,
    after: Annotated[str | None, typer.Option(help="State after, as JSON.")] = None,
    metadata: Annotated[str | None, typer.Option(help="Anything else, as JSON.")] = None,
    file: Annotated[Path | None, typer.Option(help="Events as JSON lines instead; - for standard input.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key never records twice.")] = None,
    as_json: options.Json = False,
    caller: options.Caller = "producer",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Record one audit event, or a file of them in batches of 500, up to the first line that is not JSON."""
    from chancery.cli.api import Api
    from chancery.cli.connection import UsageError, find_connection
    from chancery.cli.render import print_fields, print_json

    api = Api(find_connection(api_url, token, caller))
    if file is not None:
        return _record_file(api, file, idempotency_key)
    if not (action and resource and actor):
        raise UsageError("Say what happened: --action, --resource type/id and --actor; or give a --file of events.")
    kind, _, identifier = resource.partition("/")
    event = {
        "action": action,
        "resourceType": kind,
        "resourceId": identifier,
        "actorId": actor,
        "actorName": actor_name,
        "actorType": actor_type,
        "description": description,
        "tenantId": tenant,
        "before": _parsed("--before", before),
        "after": _parsed("--after", after),
        "metadata": _parsed("--metadata", metadata),
    }
    receipt = api.post("/audit-logs", {k: v for k, v in event.items() if v is not None}, idempotency_key)
    print_json(receipt) if as_json else print_fields(receipt)
    return None


def _record_file(api: Any, file: Path, idempotency_key: str | None) -> None:
    from rich.progress import Progress

    from chancery.cli.render import err, print_json

    stored = failed = 0
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("recording", total=None)
        try:
            for number, batch in enumerate(_batches(file)):
                key = f"{idempotency_key}-{number}" if idempotency_key else None
                results = api.post("/audit-logs", {"records": [event for _, event in batch]}, key)["results"]
                stored += sum(result["status"] < 400 for result in results)
                failed += sum(result["status"] >= 400 for result in results)
                for (line, _), result in zip(batch, results, strict=True):
                    print_json({"line": line, **result})
                progress.update(task, advance=len(batch), description=f"recorded {stored}")
        finally:  # also where the service or a line ends it: this much is true then
            progress.stop()
            err.print(f"Recorded {stored}, refused {failed}.")
    if failed:
        raise typer.Exit(1)


def _batches(file: Path) -> Iterator[list[tuple[int, Any]]]:
    """Events with their line numbers; those before a line that is not JSON are given before UsageError is raised."""
    from chancery.cli.connection import UsageError

    batch: list[tuple[int, Any]] = []
    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                batch.append((number, json.loads(line)))
            except (ValueError, RecursionError) as exc:
                if batch:
                    yield batch
                what = exc.msg if isinstance(exc, json.JSONDecodeError) else type(exc).__name__
                raise UsageError(
                    f"Line {number} is not JSON: {what}. Nothing from it on was sent; mend it, and send the rest from "
                    "that line on, under another --idempotency-key."
                ) from exc
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _parsed(option: str, text: str | None) -> Any:
    from chancery.cli.connection import UsageError

    try:
        return None if text is None else json.loads(text)
    except json.JSONDecodeError as exc:
        raise UsageError(f"{option} is not JSON: {exc.msg} at character {exc.pos}.") from exc
