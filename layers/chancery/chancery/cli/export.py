"""`chancery export`."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from chancery.cli import options

if TYPE_CHECKING:
    from chancery.cli.retry import Retry

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
    export_id: Annotated[str | None, typer.Option("--id", help="Fetch an export that was asked for before.")] = None,
    timeout: Annotated[float, typer.Option(help="Minutes to wait until it is done.", min=0)] = 15,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Export records to a file, with their proof beside it: asked for, waited for, downloaded, its SHA-256 checked."""
    from chancery.cli.api import Api, ProblemError
    from chancery.cli.connection import UsageError, find_connection
    from chancery.cli.render import print_fields, print_json

    api = Api(find_connection(api_url, token, caller))
    wanted = options.filters(tenant, actor, action, resource, trace, from_, to, query)
    body = {name: value for name, value in wanted.items() if value is not None}
    if export_id and body:
        raise UsageError("An export that was asked for before has its filters: give --id without any.")
    with _file_at(output) as file:
        asked = export_id or api.post("/audit-exports", body | {"format": format_.value})["id"]
        done = _wait(api, asked, timeout)
        if done["state"] == "failed":
            raise ProblemError(200, {"title": "The export failed", "detail": done["error"]})
        _download(done["url"], file, output.name, done["sha256"])
    summary = {"file": str(output), **{name: done[name] for name in ("id", "records", "bytes", "sha256")}}
    if done.get("proofUrl") and not no_proof:
        proof = output.with_name(f"{output.name}.proof")
        with _file_at(proof) as file:
            _download(done["proofUrl"], file, proof.name)
        summary["proof"] = str(proof)
    print_json(summary) if as_json else print_fields(summary)


@contextmanager
def _file_at(target: Path) -> Iterator[BinaryIO]:
    """A file beside the target that takes its name where all went well: never half a file under it, nothing else left.

    Raises UsageError where there can be no file.
    """
    from chancery.cli.connection import UsageError

    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file in it.")
    partial = target.with_name(f"{target.name}.part")
    try:
        file = partial.open("wb")
    except OSError as exc:
        raise UsageError(f"{target} cannot be written: {exc.strerror}.") from exc
    try:
        with file:
            yield file
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _wait(api: Any, export_id: str, minutes: float) -> dict[str, Any]:
    """The export once it is done or failed. Raises Unreachable where that takes longer; says how to ask for it later.

    Looks again where the service is away for a while: the export goes on without it.
    """
    from chancery.cli.api import ProblemError, Unreachable
    from chancery.cli.render import err
    from chancery.cli.retry import Retry

    until = time.monotonic() + minutes * 60
    try:
        return _followed(api, export_id, until, Retry(until))
    except (KeyboardInterrupt, ProblemError, Unreachable):
        err.print(f"To fetch the export later: chancery export --id {export_id} -o FILE", soft_wrap=True)
        raise


def _followed(api: Any, export_id: str, until: float, patience: "Retry") -> dict[str, Any]:
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from chancery.cli.api import Unreachable
    from chancery.cli.render import err

    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("queued")
        while True:
            state: dict[str, Any] = patience.ask(lambda: api.get(f"/audit-exports/{export_id}"))
            progress.update(task, description=f"{state['state']}: {state['records']} records, {state['bytes']} bytes")
            if state["state"] in ("done", "failed"):
                return state
            if time.monotonic() + _LOOK_EVERY > until:
                raise Unreachable(f"The export {export_id} is not done yet; it goes on.")
            time.sleep(_LOOK_EVERY)


def _download(url: str, file: BinaryIO, name: str, sha256: str | None = None) -> None:
    """Writes what is there to a file. Raises Unreachable, and ProblemError where it is not what has that hash."""
    import httpx

    from chancery.cli.api import ProblemError, Unreachable

    digest = hashlib.sha256()
    try:
        with httpx.stream("GET", url, timeout=60) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                digest.update(piece)
                file.write(piece)
    except httpx.HTTPError as exc:
        raise Unreachable(f"{name} could not be downloaded ({type(exc).__name__}).") from exc
    if sha256 not in (None, digest.hexdigest()):
        raise ProblemError(200, {"title": "The download is damaged", "detail": "Its SHA-256 is another; try again."})
