"""`chancery proof`, `checkpoint` and `verifier-key`: what `chancery verify` needs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from chancery.cli import options

Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write instead of printing.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (proof, checkpoint, verifier_key):
        app.command()(command)


def proof(
    ref_id: Annotated[str, typer.Argument(help="refId of the record.")],
    output: Output = None,
    tenant: options.Tenant = None,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Fetch the proof that a record is in its tenant's log."""
    _fetch(f"/audit-logs/{ref_id}/proof", tenant, output, api_url, token, caller)


def checkpoint(
    output: Output = None,
    tenant: options.Tenant = None,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Fetch the newest signed checkpoint of a tenant's log: keep it, and nothing before it can change unnoticed."""
    _fetch("/audit-checkpoint", tenant, output, api_url, token, caller)


def verifier_key(
    output: Output = None,
    tenant: options.Tenant = None,
    caller: options.Caller = "user",
    api_url: options.ApiUrl = None,
    token: options.Token = None,
) -> None:
    """Fetch the public key that checks a tenant's log: once, and keep it where nobody can exchange it."""
    _fetch("/audit-verifier-key", tenant, output, api_url, token, caller)


def _fetch(
    path: str, tenant: str | None, output: Path | None, api_url: str | None, token: str | None, caller: str
) -> None:
    """Writes an answer as it is, to the byte."""
    from chancery.cli.api import Api
    from chancery.cli.connection import UsageError, find_connection

    text = Api(find_connection(api_url, token, caller)).content(path, tenantId=tenant)
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
