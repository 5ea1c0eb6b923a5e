"""`chancery export`: audit records, requested, awaited, downloaded and checked; or summaries of exchanges as CSV."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from chancery.cli import options
from chancery.cli.errors import ProblemError, Unreachable, UsageError

if TYPE_CHECKING:
    from chancery.cli.polling import Status

_POLL = (0.5, 5.0)  # seconds: at first, and at most


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


class What(StrEnum):
    RECORDS = "records"
    SUMMARIES = "summaries"


@options.connects()
@options.with_filters
def export(
    *,
    what: Annotated[
        What, typer.Argument(help="Audit records, or summaries of exchanges (CSV; --from, --to, --tenant).")
    ] = What.RECORDS,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    format_: Annotated[
        Format, typer.Option("--format", help="ndjson is exact; csv is for spreadsheets.")
    ] = Format.NDJSON,
    filters: options.Filters,
    no_proof: Annotated[bool, typer.Option("--no-proof", help="Do not download the proof, <output>.proof.")] = False,
    export_id: Annotated[str | None, typer.Option("--id", help="Fetch an export that was requested before.")] = None,
    timeout: Annotated[float, typer.Option(help="Minutes to wait for the export.", min=0)] = 15,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Export records to a file, with their proof in <output>.proof. Waits for the export and checks its SHA-256."""
    from chancery.cli.render import print_document

    api = connect()
    if what is What.SUMMARIES:
        print_document(_export_summaries(api, output, filters), as_json)
        return
    body = {name: value for name, value in filters.items() if value is not None}
    if export_id and body:
        raise UsageError("A requested export has its own filters: give --id without filters.")
    with _file_at(output) as file:
        requested = export_id or api.post("/audit-exports", body | {"format": format_.value})["id"]
        done = _wait(api, requested, timeout)
        if done["state"] == "failed":
            raise ProblemError(200, {"title": "The export failed", "detail": done["error"]})
        _download(done["url"], file, output.name, done["sha256"])
    summary = {"file": str(output), **{name: done[name] for name in ("id", "records", "bytes", "sha256")}}
    if done.get("proofUrl") and not no_proof:
        proof = output.with_name(f"{output.name}.proof")
        with _file_at(proof) as file:
            _download(done["proofUrl"], file, proof.name)
        summary["proof"] = str(proof)
    print_document(summary, as_json)


def _export_summaries(api: Any, output: Path, filters: options.Filters) -> dict[str, Any]:
    """`{file, summaries}`: the written file. Raises UsageError for a filter of audit records."""
    from chancery.cli.summaries import write_summaries

    period = {name: filters[name] for name in ("from", "to", "tenantId")}
    if any(value is not None for name, value in filters.items() if name not in period):
        raise UsageError("Summaries are chosen by --from, --to and --tenant only.")
    with _file_at(output) as file:
        return {"file": str(output), "summaries": write_summaries(api, file, period)}


@contextmanager
def _file_at(target: Path) -> Iterator[BinaryIO]:
    """A temporary file that is renamed to the target at the end of the block, and removed after an error.

    Raises UsageError where it cannot be created.
    """

    if target.is_dir():
        raise UsageError(f"{target} is a folder; give a file.")
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
    """The export once it is done or failed. Raises Unreachable after so many minutes."""
    from chancery.cli.polling import Work, poll

    later = f"To fetch the export later: chancery export --id {export_id} -o FILE"
    work = Work(f"The export {export_id}", later, _POLL)
    return poll(work, lambda: api.get(f"/audit-exports/{export_id}"), _status, minutes)


def _status(export: dict[str, Any]) -> "Status":
    from chancery.cli.polling import Status

    text = f"{export['state']}: {export['records']} records, {export['bytes']} bytes"
    return Status(text, export["state"] in ("done", "failed"))


def _download(url: str, file: BinaryIO, name: str, sha256: str | None = None) -> None:
    """Downloads to a file. Raises Unreachable, and ProblemError where the content does not have the hash."""
    import httpx

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
        raise ProblemError(200, {"title": "The download is damaged", "detail": "Its SHA-256 differs; try again."})


COMMANDS = (export,)
