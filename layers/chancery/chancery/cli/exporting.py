"""`chancery export`."""

import hashlib
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chancery.cli import options

_LOOK_EVERY = 0.5  # seconds


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(export)


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    format_: Annotated[
        Format, typer.Option("--format", help="ndjson is exact; csv is for spreadsheets.")
    ] = Format.NDJSON,
    tenant: options.Tenant = None,
    actor: options.Actor = None,
    action: options.Action = None,
    resource: options.Resource = None,
    trace: options.Trace = None,
    from_: options.From = None,
    to: options.To = None,
    query: options.Query = None,
    no_proof: Annotated[bool, typer.Option("--no-proof", help="Do without the proof, <output>.proof.")] = False,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Export records to a file, with their proof beside it: asked for, waited for, downloaded, its SHA-256 checked."""
    from chancery.cli.api import Api, ProblemError
    from chancery.cli.connection import find_connection
    from chancery.cli.render import print_fields, print_json

    api = Api(find_connection(api_url, token, caller))
    wanted = options.filters(tenant, actor, action, resource, trace, from_, to, query)
    body = {name: value for name, value in wanted.items() if value is not None} | {"format": format_.value}
    done = _wait(api, api.post("/audit-exports", body)["id"])
    if done["state"] == "failed":
        raise ProblemError(200, {"title": "The export failed", "detail": done["error"]})
    _download(done["url"], output, done["sha256"])
    summary = {"file": str(output), **{name: done[name] for name in ("id", "records", "bytes", "sha256")}}
    if done.get("proofUrl") and not no_proof:
        proof = output.with_name(f"{output.name}.proof")
        _download(done["proofUrl"], proof)
        summary["proof"] = str(proof)
    print_json(summary) if as_json else print_fields(summary)


def _wait(api: Any, export_id: str) -> dict[str, Any]:
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from chancery.cli.render import err

    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("queued")
        while True:
            state: dict[str, Any] = api.get(f"/audit-exports/{export_id}")
            progress.update(task, description=f"{state['state']}: {state['records']} records, {state['bytes']} bytes")
            if state["state"] in ("done", "failed"):
                return state
            time.sleep(_LOOK_EVERY)


def _download(url: str, target: Path, sha256: str | None = None) -> None:
    """Writes beside the target and renames once all is there, with the right hash: never half a file under its name."""
    import httpx

    from chancery.cli.api import ProblemError, Unreachable

    digest, partial = hashlib.sha256(), target.with_name(f"{target.name}.part")
    try:
        with httpx.stream("GET", url, timeout=60) as answer, partial.open("wb") as file:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                digest.update(piece)
                file.write(piece)
    except httpx.HTTPError as exc:
        partial.unlink(missing_ok=True)
        raise Unreachable(f"{target.name} could not be downloaded ({type(exc).__name__}).") from exc
    if sha256 not in (None, digest.hexdigest()):
        partial.unlink()
        raise ProblemError(200, {"title": "The download is damaged", "detail": "Its SHA-256 is another; try again."})
    partial.replace(target)
