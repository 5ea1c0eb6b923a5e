"""`chancery verify`: records, exports, logs and checkpoints, offline but for `log` and what is not given as a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options

if TYPE_CHECKING:
    from chancery.sealing.notes import Checkpoint, VerifierKey

_SMALL = 4 << 20  # bytes: not worth starting processes for

Key = Annotated[str, typer.Option("--key", help="Verifier key of the log, or a file that holds it.")]
app = typer.Typer(
    no_args_is_help=True,
    help="Check records, exports and logs against signed checkpoints. Exit codes: 0 holds, 1 does not, 2 wrong usage.",
)


def _file(help_: str) -> Any:
    return typer.Argument(help=help_, exists=True, dir_okay=False, readable=True)


def _file_option(name: str, help_: str) -> Any:
    return typer.Option(name, help=help_, exists=True, dir_okay=False, readable=True)


@app.command()
def record(
    file: Annotated[Path, _file("The record as GET /v1/audit-logs/{refId} answers.")],
    proof: Annotated[Path, _file("Its proof: tlog-proof text or the JSON form.")],
    key: Key,
    as_json: options.Json = False,
) -> None:
    """Check one record offline: it is what was sealed, and where."""
    from chancery.verification.records import verify_record

    def verify() -> dict[str, Any]:
        names = (str(file), str(proof))
        found = verify_record(file.read_bytes(), proof.read_bytes(), _key(key), names)
        return {"log": found.log, "size": found.size, "index": found.index, "refId": found.ref_id}

    _report(verify, as_json)


@app.command()
def export(
    file: Annotated[Path, _file("The NDJSON export.")],
    key: Key,
    proof: Annotated[Path | None, _file_option("--proof", "Its proof; <export>.proof unless given.")] = None,
    checkpoint: Annotated[
        Path | None, _file_option("--checkpoint", "A signed checkpoint that the proof must not be older than.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; 0 for none beside this one.", min=0)] = None,
    as_json: options.Json = False,
) -> None:
    """Check an export offline: every line is what was sealed, and whether it is all of the log."""
    import os

    from chancery.cli.connection import UsageError
    from chancery.verification.exports import verify_export

    beside = proof or file.with_name(f"{file.name}.proof")
    if not beside.is_file():
        raise UsageError(f"There is no {beside}; name the proof with --proof.")
    size = file.stat().st_size
    if workers is None:
        workers = (os.process_cpu_count() or 1) if size > _SMALL else 0

    def verify() -> dict[str, Any]:
        vkey = _key(key)
        newer = _checkpoint(checkpoint, vkey) if checkpoint else None
        with file.open("rb") as lines, beside.open("rb") as proven, _progress(size, in_bytes=True) as advance:
            names = (str(file), str(beside))
            found = verify_export(lines, proven, vkey, newer=newer, workers=workers, names=names, advance=advance)
        return {"log": found.log, "size": found.size, "records": found.records, "complete": found.complete}

    _report(verify, as_json)


@app.command()
def consistency(
    old: Annotated[Path, _file("The older signed checkpoint.")],
    new: Annotated[Path, _file("The newer signed checkpoint.")],
    key: Key,
    proof: Annotated[
        Path | None, _file_option("--proof", "The answer of GET /v1/audit-consistency; asked for unless given.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Check that a log only grew from one checkpoint to another."""
    from chancery.verification.consistency import verify_consistency

    def verify() -> dict[str, Any]:
        vkey = _key(key)
        older, newer = _checkpoint(old, vkey), _checkpoint(new, vkey)
        answer, name = None, "the answer"
        if proof:
            answer, name = proof.read_bytes(), str(proof)
        elif 0 < older.size < newer.size:
            query = {"from": older.size, "to": newer.size, "tenantId": tenant}
            answer = _api(api_url, token, caller).content("/audit-consistency", **query)
        verify_consistency(older, newer, answer, vkey, name)
        return {"log": vkey.name, "from": older.size, "to": newer.size}

    _report(verify, as_json)


@app.command()
def log(
    key: Key,
    tiles: Annotated[
        str | None, typer.Option(help="Folder or s3://bucket/logs/<log> with checkpoint and tiles, instead of the API.")
    ] = None,
    since: Annotated[
        Path | None, _file_option("--since", "An older signed checkpoint: this log must begin with its records.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="MongoDB URI: every leaf must have its record, every record its leaf.")
    ] = None,
    database_name: Annotated[str, typer.Option(help="The records' database.")] = "chancery",
    tenant: Annotated[str | None, typer.Option(help="The log's tenant, where its name is only a hash of it.")] = None,
    as_json: options.Json = False,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Check a whole log: entries, tiles, root, signature; on demand its past, and the database."""
    from chancery.cli.logs import log_of, published_log
    from chancery.cli.stored import stored_comparison
    from chancery.sealing.notes import encode

    def verify() -> dict[str, Any]:
        vkey = _key(key)
        published = published_log(vkey, tiles, lambda: _api(api_url, token, caller))
        older = _checkpoint(since, vkey) if since else None
        found: dict[str, Any] = {"log": vkey.name, "size": published.checkpoint.size}
        found["root"] = encode(published.checkpoint.root)
        if older:
            found["since"] = older.size
        with (
            stored_comparison(published, log_of(vkey), database, database_name, tenant) as comparison,
            _progress(published.checkpoint.size) as advance,
        ):
            for start, leaves in published.walk(older):
                if comparison:
                    comparison.take(start, leaves)
                advance(len(leaves))
            if comparison:
                found["notYetSealed"] = comparison.finish()
        return found

    _report(verify, as_json)


# ---- what the commands share


def _report(verify: Callable[[], dict[str, Any]], as_json: bool) -> None:
    """Prints what holds; or, on one line, what does not and where, and ends with exit code 1."""
    from rich.text import Text

    from chancery.cli.api import ProblemError, Unreachable
    from chancery.cli.connection import UsageError
    from chancery.cli.render import err, plain, print_fields, print_json
    from chancery.verification.failure import DoesNotHold

    try:
        found = verify()
    except DoesNotHold as failure:
        if as_json:
            print_json({"holds": False, **failure.as_json()})
        line = plain(failure).replace("\n", " ")
        err.print(Text.assemble(("DOES NOT HOLD", "bold red"), f" {line}"), soft_wrap=True)
        raise typer.Exit(1) from None
    except OSError as exc:
        raise UsageError(f"{exc.filename or 'A file'} cannot be read: {exc.strerror}.") from exc
    except ProblemError as exc:  # exit code 1 would say that something does not hold
        kind = Unreachable if exc.status == 429 or exc.status >= 500 else UsageError
        raise kind(f"The service refused: {exc}. {exc.problem.get('detail', '')}".strip()) from exc
    print_json({"holds": True, **found}) if as_json else print_fields({"verdict": "HOLDS", **found})


def _key(text: str) -> "VerifierKey":
    """The key in a text, or in the file of that name. Raises UsageError."""
    from chancery.cli.connection import UsageError
    from chancery.sealing.notes import VerifierKey

    try:
        return VerifierKey.parse(Path(text).read_text(encoding="utf-8") if _is_file(text) else text)
    except ValueError as exc:
        raise UsageError(f"--key is neither a verifier key nor a file with one. {exc}") from exc


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _checkpoint(path: Path, key: "VerifierKey") -> "Checkpoint":
    from chancery.verification.failure import at
    from chancery.verification.parsing import open_note

    with at(str(path)):
        return open_note(path.read_bytes().decode(), key)


def _api(api_url: str | None, token: str | None, caller: str) -> Any:
    from chancery.cli.api import Api
    from chancery.cli.connection import find_connection

    return Api(find_connection(api_url, token, caller))


@contextmanager
def _progress(total: int, *, in_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; gives what moves it on."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from chancery.cli.render import err

    columns = (BarColumn(), DownloadColumn() if in_bytes else MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.advance(task, done)
