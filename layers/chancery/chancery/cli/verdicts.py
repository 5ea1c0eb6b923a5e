"""Shared by the commands that verify files: file arguments, the key, a progress bar, the verdict."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli.errors import ProblemError, Unreachable, UsageError

if TYPE_CHECKING:
    from chancery.tlog.signed_notes import VerifierKey


_SMALL = 4 << 20  # bytes: too few to start processes for
Workers = Annotated[int | None, typer.Option(help="Processes; 0: this one only.", min=0)]


def file_argument(help_: str) -> Any:
    """An existing file as a positional argument."""
    return typer.Argument(help=help_, exists=True, dir_okay=False, readable=True)


def file_option(name: str, help_: str) -> Any:
    """An existing file as an option."""
    return typer.Option(name, help=help_, exists=True, dir_okay=False, readable=True)


def processes(size: int, workers: int | None) -> int:
    """The number of processes that verify a file of `size` bytes, unless the caller sets it."""
    import os

    if workers is not None:
        return workers
    return (os.process_cpu_count() or 1) if size > _SMALL else 0


def report(verify: Callable[[], dict[str, Any]], as_json: bool) -> None:
    """Prints the findings of a verification; or, where it fails, one line with the first mismatch, and exits with 1."""
    from rich.text import Text

    from chancery.cli.render import err, plain, print_fields, print_json
    from chancery.tlog.errors import VerificationError

    try:
        found = verify()
    except VerificationError as failure:
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


@contextmanager
def file_names(**paths: Path | str | None) -> Iterator[None]:
    """Names the files of a VerificationError by their paths instead of their roles."""
    from chancery.tlog.errors import VerificationError

    try:
        yield
    except VerificationError as failure:
        if failure.file in paths:
            failure.file = str(paths[failure.file])
        raise


def key_of(text: str) -> "VerifierKey":
    """The key in a text, or in the file of that name. Raises UsageError."""
    from chancery.tlog.signed_notes import VerifierKey

    try:
        return VerifierKey.parse(Path(text).read_text(encoding="utf-8") if _is_file(text) else text)
    except ValueError as exc:
        raise UsageError(f"--key is neither a verifier key nor a file with one. {exc}") from exc


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


@contextmanager
def progress(total: int, *, in_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; yields the function that advances it."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from chancery.cli.render import err

    columns = (BarColumn(), DownloadColumn() if in_bytes else MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)
