"""`chancery`: the operators' command line."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

SERVICE_ERROR, USAGE, NOT_REACHABLE = 1, 2, 3


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The record office: record, search, follow, export, prove and verify audit records; bring a database to the "
    "schema.\n\nExit codes: 0 done, 1 the service refused or what was verified does not hold, 2 wrong usage or a file "
    "that cannot be used, 3 nobody answers, or not in time.",
)


def _add_commands() -> None:
    from chancery.cli import archive as archiving
    from chancery.cli import export as exporting
    from chancery.cli import proof as proving
    from chancery.cli import record as recording
    from chancery.cli import redrive as redriving
    from chancery.cli import restore as restoring
    from chancery.cli import schema, settings, skills, tokens
    from chancery.cli import search as searching
    from chancery.cli import tail as following
    from chancery.cli import verify as verifying

    for module in (recording, searching, following, exporting, proving, settings, redriving, tokens):
        module.register(app)
    restoring.register(archiving.app)
    app.add_typer(archiving.app, name="archive")
    app.add_typer(skills.app, name="skills")
    app.add_typer(verifying.app, name="verify")
    app.add_typer(schema.app, name="schema")


_add_commands()


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: runs a command, prints its error on stderr, and exits with its code."""
    from chancery.cli import render
    from chancery.cli import tail as following
    from chancery.cli.api import ProblemError, Unreachable
    from chancery.cli.connection import UsageError

    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(args=following.with_poll(sys.argv[1:] if arguments is None else arguments))
        sys.exit(0)
    except ProblemError as exc:
        render.print_problem(exc.problem)
        sys.exit(SERVICE_ERROR)
    except UsageError as exc:
        render.err.print(str(exc), soft_wrap=True)
        sys.exit(USAGE)
    except Unreachable as exc:
        render.err.print(str(exc), soft_wrap=True)
        sys.exit(NOT_REACHABLE)
    except OSError as exc:
        _let_go_of_output()
        where = f"{exc.filename} cannot be used" if exc.filename else "The output cannot be written"
        render.err.print(f"{where}: {exc.strerror or type(exc).__name__}.", soft_wrap=True)
        sys.exit(USAGE)
    except UnicodeError:
        render.err.print("What was given is not UTF-8 text.", soft_wrap=True)
        sys.exit(USAGE)


def _let_go_of_output() -> None:
    """Lets Python end without another error where standard output takes no more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
