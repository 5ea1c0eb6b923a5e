"""`chancery import winston` and `chancery import postgres-audit`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError

if TYPE_CHECKING:
    from chancery.cli.imports.importer import Importer
    from chancery.cli.imports.items import Item
    from chancery.cli.imports.source_lines import LineSource
    from chancery.cli.imports.summary import Summary

app = typer.Typer(no_args_is_help=True, help="Import: files of other systems, through the API.")

_SHOWN = 10  # entries of a dry run
_HEAD_BYTES = 64 * 1024  # that tell a file from another one with the same name

TimeZone = Annotated[str, typer.Option("--timezone", help="Zone of times without one, such as Europe/Berlin.")]
State = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Folder for rejects and checkpoints, instead of the source's own."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the first entries and the counts; send nothing.")]
Tenant = Annotated[str | None, typer.Option(help="Tenant of all entries; needs a super_admin.")]
Reader = Callable[["LineSource", Path], Iterator["Item"]]


@app.command()
@options.connects("user")
def winston(
    files: Annotated[list[Path], typer.Argument(help="Files of JSON lines, plain or gzip'd.", metavar="FILE...")],
    *,
    timezone: TimeZone = "UTC",
    tenant: Tenant = None,
    state: State = None,
    dry_run: DryRun = False,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Import log files of Winston: errors with a stack as error logs, all other lines as app logs.

    Repairs mojibake. An import that was interrupted continues; one that is repeated stores nothing twice. Lines that
    cannot be imported are in FILE.rejects.jsonl, with reasons.
    """
    from chancery.cli.imports.source_lines import read_head
    from chancery.cli.imports.source_times import rfc3339_of, time_zone
    from chancery.cli.imports.winston import first_time, read_winston
    from chancery.cli.imports.winston_entries import WinstonEntries
    from chancery.core.formats.times import now, to_rfc3339

    zone = time_zone(timezone)

    def read(lines: "LineSource", file: Path) -> Iterator["Item"]:
        time = first_time(read_head(file, _HEAD_BYTES), zone) or rfc3339_of(file.stat().st_mtime, zone)
        return read_winston(lines, WinstonEntries(zone, time or to_rfc3339(now()), tenant))

    _import(files, read, [timezone, tenant], state, None if dry_run else connect, as_json)


@app.command(name="postgres-audit")
@options.connects("producer")
def postgres_audit(
    files: Annotated[list[Path], typer.Argument(help="CSV files with a header, plain or gzip'd.", metavar="FILE...")],
    *,
    timezone: TimeZone = "UTC",
    tenant: Tenant = None,
    state: State = None,
    dry_run: DryRun = False,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Import exports of a PostgreSQL audit_logs table as audit events.

    An import that was interrupted continues; one that is repeated stores nothing twice. Rows that cannot be imported
    are in FILE.rejects.jsonl, with reasons.
    """
    from chancery.cli.imports.postgres_audit import read_audit_rows
    from chancery.cli.imports.source_times import time_zone

    zone = time_zone(timezone)

    def read(lines: "LineSource", _: Path) -> Iterator["Item"]:
        return read_audit_rows(lines, zone, tenant)

    _import(files, read, [timezone, tenant], state, None if dry_run else connect, as_json)


def _import(
    files: Sequence[Path],
    read: Reader,
    parameters: list[str | None],
    state: Path | None,
    connect: options.Connect | None,
    as_json: bool,
) -> None:
    """Imports the files one after the other, or shows what would be sent where there is no `connect`.

    Raises UsageError, ProblemError and Unreachable; Exit with 1 where lines were rejected.
    """
    if state is not None:
        state.mkdir(parents=True, exist_ok=True)
        if len({file.name for file in files}) < len(files):
            raise UsageError("--state: two of the files have the same name; import them one after the other.")
    api = connect() if connect else None
    rejected = 0
    for file in files:
        source = [_fingerprint(file), *parameters]
        if api is None:
            summary = _preview(file, read)
        else:
            with _importer(api, file, state or file.parent, source) as importer:
                _run(importer, file, read)
            summary = importer.summary
        _print_summary(file, summary, as_json, state or file.parent if api else None)
        rejected += summary.rejected
    if rejected:
        raise typer.Exit(1)


@contextmanager
def _importer(api: Any, file: Path, folder: Path, source: list[str | None]) -> Iterator["Importer"]:
    """The importer of a file, from its checkpoint on; the checkpoint stays where the block raises."""
    from chancery.cli.imports.importer import Importer
    from chancery.cli.imports.progress_files import Checkpoint, RejectsFile
    from chancery.cli.imports.summary import Summary
    from chancery.cli.render import err

    checkpoint = Checkpoint(folder / f"{file.name}.import.json", [api.url, *source])
    start = checkpoint.read()
    if start["line"]:
        err.print(f"{file.name}: continues after line {start['line']}.", soft_wrap=True)
    rejects = RejectsFile(folder / f"{file.name}.rejects.jsonl", start["rejectsBytes"])
    try:
        yield Importer(api, checkpoint, rejects, Summary(start["counts"]), start["line"])
    except BaseException:
        err.print(f"{file.name}: not finished; the same command continues the import.", soft_wrap=True)
        raise
    finally:
        rejects.close()
    checkpoint.remove()


def _fingerprint(file: Path) -> str:
    """A hash of the file's beginning, the same when it has been renamed or compressed. Raises UsageError, OSError."""
    from hashlib import sha256

    from chancery.cli.imports.source_lines import read_head

    return sha256(read_head(file, _HEAD_BYTES)).hexdigest()


def _run(importer: "Importer", file: Path, read: Reader) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from chancery.cli.imports.source_lines import open_lines
    from chancery.cli.render import err

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with open_lines(file) as lines, Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(file.name, total=file.stat().st_size)
        for last in importer.run(read(lines, file)):
            progress.update(task, completed=lines.bytes_read, description=f"{file.name}: line {last}")


def _preview(file: Path, read: Reader) -> "Summary":
    """Prints the first entries of a file, redacted, and counts them all."""
    from chancery.cli.imports.source_lines import open_lines
    from chancery.cli.imports.summary import Summary
    from chancery.cli.render import print_json

    summary, shown = Summary(), 0
    with open_lines(file) as lines:
        for item in read(lines, file):
            summary.add(item)
            if item.entry is not None and shown < _SHOWN:
                shown += 1
                print_json({"line": item.line, "path": item.entry.path, "entry": _redacted(item.entry.body)})
    return summary


def _redacted(body: dict[str, Any]) -> dict[str, Any]:
    """An entry as the service redacts it, which stores the address of an audit event."""
    from chancery.core.redaction import redact

    own = {"ipAddress": body["ipAddress"]} if "ipAddress" in body else {}
    return {**redact(body), **own}


def _print_summary(file: Path, summary: "Summary", as_json: bool, folder: Path | None) -> None:
    from chancery.cli.render import print_document

    document: dict[str, Any] = {"file": str(file), **summary.as_json()}
    if summary.rejected and folder is not None:
        document["rejects"] = str(folder / f"{file.name}.rejects.jsonl")
    print_document(document, as_json)
