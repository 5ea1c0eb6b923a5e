"""`chancery proof`, `checkpoint` and `verifier-key`: fetch the files that `chancery verify` needs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from chancery.cli import options
from chancery.cli.errors import UsageError

Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead of printing.")]


@options.connects()
def proof(
    *,
    ref_id: Annotated[str, typer.Argument(help="refId of the record.")],
    output: Output = None,
    tenant: options.Tenant = None,
    connect: options.Connect,
) -> None:
    """Fetch the proof that a record is in its tenant's log."""
    _fetch(f"/audit-logs/{ref_id}/proof", tenant, output, connect)


@options.connects()
def checkpoint(
    *,
    output: Output = None,
    tenant: options.Tenant = None,
    connect: options.Connect,
) -> None:
    """Fetch the newest signed checkpoint of a tenant's log. Keep it: it detects later changes to the log."""
    _fetch("/audit-checkpoint", tenant, output, connect)


@options.connects()
def verifier_key(
    *,
    output: Output = None,
    tenant: options.Tenant = None,
    connect: options.Connect,
) -> None:
    """Fetch the public key of a tenant's log. Fetch it once, and keep it where nobody can replace it."""
    _fetch("/audit-verifier-key", tenant, output, connect)


def _fetch(path: str, tenant: str | None, output: Path | None, connect: options.Connect) -> None:
    """Prints or writes an answer byte for byte."""

    text = connect().content(path, tenantId=tenant)
    if not text.endswith(b"\n"):
        text += b"\n"
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
        return
    try:
        output.write_bytes(text)
    except OSError as exc:
        raise UsageError(f"{output} cannot be written: {exc.strerror}.") from exc


COMMANDS = (proof, checkpoint, verifier_key)
