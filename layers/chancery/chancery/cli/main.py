"""`chancery`: the operators' command line."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from chancery.cli import (
    archive,
    calls,
    destinations,
    exchanges,
    export,
    integrations,
    listen,
    logs,
    proof,
    record,
    redrive,
    rejects,
    restore,
    schema,
    search,
    settings,
    skills,
    systems,
    tail,
    tokens,
    verify,
)
from chancery.cli.errors import CommandError, ProblemError, UsageError
from chancery.cli.imports import commands as imports

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The record office: record, search, follow, export, prove and verify audit records; apply the database schema."
    "\n\nExit codes: 0 done, 1 the service answered with an error or a verification failed, 2 wrong usage or an "
    "unusable file, 3 no answer, or not in time.",
)
for _module in (record, search, tail, listen, export, proof, settings, rejects, redrive, tokens):
    for _command in _module.COMMANDS:
        app.command()(_command)
for _command in (*exchanges.INTEGRATION_COMMANDS, *calls.COMMANDS):
    integrations.app.command()(_command)
for _command in restore.COMMANDS:
    archive.app.command()(_command)
app.add_typer(archive.app, name="archive")
app.add_typer(settings.redaction, name="redaction")
app.add_typer(destinations.app, name="destinations")
app.add_typer(exchanges.app, name="exchanges")
app.add_typer(logs.app, name="logs")
app.add_typer(imports.app, name="import")
app.add_typer(integrations.app, name="integrations")
integrations.app.add_typer(systems.systems, name="systems")
integrations.app.add_typer(systems.endpoints, name="endpoints")
app.add_typer(skills.app, name="skills")
app.add_typer(verify.app, name="verify")
app.add_typer(schema.app, name="schema")


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: runs a command, prints its error on stderr, and exits with its code."""
    from chancery.cli import render

    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(args=tail.with_poll_interval(sys.argv[1:] if arguments is None else arguments))
        sys.exit(0)
    except ProblemError as exc:
        render.print_problem(exc.problem)
        sys.exit(exc.exit_code)
    except CommandError as exc:
        render.err.print(str(exc), soft_wrap=True)
        sys.exit(exc.exit_code)
    except OSError as exc:
        _discard_output()
        what = f"{exc.filename} cannot be used" if exc.filename else "The output cannot be written"
        render.err.print(f"{what}: {exc.strerror or type(exc).__name__}.", soft_wrap=True)
        sys.exit(UsageError.exit_code)
    except UnicodeError:
        render.err.print("The input is not UTF-8 text.", soft_wrap=True)
        sys.exit(UsageError.exit_code)


def _discard_output() -> None:
    """Lets Python exit without a second error where standard output cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
