"""`chancery verify`: verifies records, exports, logs and checkpoints, offline where all files are given."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError
from chancery.cli.verdicts import Workers, file_argument, file_names, file_option, key_of, processes, progress, report

if TYPE_CHECKING:
    from chancery.tlog.signed_notes import Checkpoint, VerifierKey

Key = Annotated[str, typer.Option("--key", help="Verifier key of the log, or a file that holds it.")]
app = typer.Typer(
    no_args_is_help=True,
    help="Verify records, exports and logs by signed checkpoints. Exit codes: 0 holds, 1 does not, 2 wrong usage.",
)


@app.command()
def record(
    file: Annotated[Path, file_argument("The record, as in the answer of GET /v1/audit-logs/{refId}.")],
    proof: Annotated[Path, file_argument("Its proof: tlog-proof text or the JSON form.")],
    key: Key,
    as_json: options.Json = False,
) -> None:
    """Verify one record offline: its content is what was sealed, and where in the log."""
    from chancery.cli.verification import verify_record

    def verify() -> dict[str, Any]:
        with file_names(record=file, proof=proof):
            found = verify_record(file.read_bytes(), proof.read_bytes(), key_of(key))
        return {"log": found.log, "size": found.size, "index": found.index, "refId": found.ref_id}

    report(verify, as_json)


@app.command()
def export(
    file: Annotated[Path, file_argument("The NDJSON export.")],
    key: Key,
    proof: Annotated[Path | None, file_option("--proof", "Its proof; <export>.proof unless given.")] = None,
    checkpoint: Annotated[
        Path | None, file_option("--checkpoint", "A signed checkpoint; the proof must not be older.")
    ] = None,
    workers: Workers = None,
    as_json: options.Json = False,
) -> None:
    """Verify an export offline: each line is what was sealed; says whether it has all records of the log."""
    from chancery.cli.verification import verify_export

    proof_file = proof or file.with_name(f"{file.name}.proof")
    if not proof_file.is_file():
        raise UsageError(f"There is no {proof_file}; give the proof with --proof.")
    size = file.stat().st_size

    def verify() -> dict[str, Any]:
        vkey = key_of(key)
        newer = _checkpoint(checkpoint, vkey) if checkpoint else None
        with (
            file.open("rb") as lines,
            proof_file.open("rb") as proven,
            progress(size, in_bytes=True) as advance,
            file_names(export=file, proof=proof_file),
        ):
            count = processes(size, workers)
            found = verify_export(lines, proven, vkey, newer=newer, workers=count, advance=advance)
        return {"log": found.log, "size": found.size, "records": found.records, "complete": found.complete}

    report(verify, as_json)


@app.command()
@options.connects()
def consistency(
    *,
    old: Annotated[Path, file_argument("The older signed checkpoint.")],
    new: Annotated[Path, file_argument("The newer signed checkpoint.")],
    key: Key,
    proof: Annotated[
        Path | None, file_option("--proof", "The answer of GET /v1/audit-consistency; fetched unless given.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Verify that a log only grew between two checkpoints."""
    from chancery.cli.checkpoints import opener
    from chancery.tlog.consistency import verify_consistency

    def verify() -> dict[str, Any]:
        vkey = key_of(key)
        older, newer = _checkpoint(old, vkey), _checkpoint(new, vkey)
        answer, name = None, "the answer"
        if proof:
            answer, name = proof.read_bytes(), str(proof)
        elif 0 < older.size < newer.size:
            query = {"from": older.size, "to": newer.size, "tenantId": tenant}
            answer = connect().content("/audit-consistency", **query)
        with file_names(proof=name):
            verify_consistency(older, newer, answer, opener(vkey))
        return {"log": vkey.name, "from": older.size, "to": newer.size}

    report(verify, as_json)


@app.command()
@options.connects()
def log(
    *,
    key: Key,
    tiles: Annotated[
        str | None, typer.Option(help="Folder or s3://bucket/logs/<log> with checkpoint and tiles, instead of the API.")
    ] = None,
    since: Annotated[
        Path | None, file_option("--since", "An older signed checkpoint: the log must begin with its records.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="MongoDB URI: also compare the leaves with the stored records.")
    ] = None,
    database_name: Annotated[str, typer.Option(help="The records' database.")] = "chancery",
    tenant: Annotated[str | None, typer.Option(help="Tenant of the log, if its name is a hash.")] = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Verify a whole log: entries, tiles, root, signature; optionally an older checkpoint and the database."""
    from chancery.cli.database_audit import stored_comparison
    from chancery.cli.log_sources import log_of, published_log
    from chancery.tlog.signed_notes import encode

    def verify() -> dict[str, Any]:
        vkey = key_of(key)
        published = published_log(vkey, tiles, connect)
        older = _checkpoint(since, vkey) if since else None
        found: dict[str, Any] = {"log": vkey.name, "size": published.checkpoint.size}
        found["root"] = encode(published.checkpoint.root)
        if older:
            found["since"] = older.size
        with (
            stored_comparison(published, log_of(vkey), database, database_name, tenant) as comparison,
            progress(published.checkpoint.size) as advance,
        ):
            for start, leaves in published.walk(older):
                if comparison:
                    comparison.take(start, leaves)
                advance(len(leaves))
            if comparison:
                found["notYetSealed"] = comparison.finish()
        return found

    report(verify, as_json)


def _checkpoint(path: Path, key: "VerifierKey") -> "Checkpoint":
    from chancery.cli.checkpoints import opener
    from chancery.tlog.errors import located

    with located(str(path)):
        return opener(key)(path.read_bytes().decode())
