"""`chancery record`: sends one event, or a file of events in batches."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError
from chancery.cli.json_input import json_value

BATCH = 500


@options.connects("producer")
def record(
    *,
    action: Annotated[str | None, typer.Option(help="Action: resource_type.verb, or a verb alone.")] = None,
    resource: Annotated[str | None, typer.Option(help="Resource as type/id.")] = None,
    actor: Annotated[str | None, typer.Option(help="Actor (actorId).")] = None,
    actor_name: Annotated[str | None, typer.Option(help="Display name of the actor.")] = None,
    on_behalf_of: options.OnBehalfOf = None,
    on_behalf_of_name: Annotated[str | None, typer.Option(help="Display name of the person impersonated.")] = None,
    actor_type: Annotated[str, typer.Option(help="human, agent or system.")] = "human",
    description: Annotated[str | None, typer.Option(help="Description, a sentence.")] = None,
    tenant: options.Tenant = None,
    before: Annotated[str | None, typer.Option(help="State before, as JSON.")] = None,
    after: Annotated[str | None, typer.Option(help="State after, as JSON.")] = None,
    metadata: Annotated[str | None, typer.Option(help="Metadata, as JSON.")] = None,
    file: Annotated[Path | None, typer.Option(help="File of events as JSON lines; - is standard input.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="A request with the same key is recorded once.")] = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Record one audit event, or a file of events in batches of 500 up to the first line that is not JSON."""
    from chancery.cli.render import print_document

    api = connect()
    if file is not None:
        return _record_file(api, file, idempotency_key)
    if not (action and resource and actor):
        raise UsageError("An event needs --action, --resource type/id and --actor; or give a --file of events.")
    kind, _, identifier = resource.partition("/")
    event = {
        "action": action,
        "resourceType": kind,
        "resourceId": identifier,
        "actorId": actor,
        "actorName": actor_name,
        "actorType": actor_type,
        "onBehalfOfId": on_behalf_of,
        "onBehalfOfName": on_behalf_of_name,
        "description": description,
        "tenantId": tenant,
        "before": _parsed("--before", before),
        "after": _parsed("--after", after),
        "metadata": _parsed("--metadata", metadata),
    }
    receipt = api.post("/audit-logs", {k: v for k, v in event.items() if v is not None}, idempotency_key)
    print_document(receipt, as_json)
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
        finally:  # also after an error: these have been sent
            progress.stop()
            err.print(f"Recorded {stored}, refused {failed}.")
    if failed:
        raise typer.Exit(1)


def _batches(file: Path) -> Iterator[list[tuple[int, Any]]]:
    """Events with their line numbers. Raises UsageError at a line that is not JSON, after the events before it."""

    batch: list[tuple[int, Any]] = []
    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                batch.append((number, json_value(f"Line {number}", line)))
            except UsageError as exc:
                if batch:
                    yield batch
                raise UsageError(
                    f"{exc} This line and the following ones were not sent: correct it, "
                    "and send the file from this line on with another --idempotency-key."
                ) from exc
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _parsed(option: str, text: str | None) -> Any:
    return None if text is None else json_value(option, text)


COMMANDS = (record,)
