"""Waits for work of the service that takes long: polls it, shows its progress on stderr, and has a limit."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from chancery.cli.errors import ProblemError, Unreachable
from chancery.cli.retry import Retry


class Status(NamedTuple):
    """How far the work is. `total` None: unknown."""

    text: str
    is_finished: bool
    completed: int = 0
    total: int | None = None


class Work(NamedTuple):
    """Work of the service: `name` for messages, and how a person looks at it later. `pauses`: seconds between two
    polls, at first and at most.
    """

    name: str
    later: str
    pauses: tuple[float, float]


def poll(
    work: Work, fetch: Callable[[], dict[str, Any]], status_of: Callable[[dict[str, Any]], Status], minutes: float
) -> dict[str, Any]:
    """The document of the work once it is finished. Retries while the service is unavailable: the work continues.

    Raises Unreachable after so many minutes. Where it raises, or is interrupted, it prints how to look later.
    """
    from chancery.cli.render import err

    deadline = time.monotonic() + minutes * 60
    retry, (pause, longest) = Retry(deadline), work.pauses
    try:
        with _display() as show:
            while True:
                document = retry.call(fetch)
                status = status_of(document)
                show(status)
                if status.is_finished:
                    return document
                if (left := deadline - time.monotonic()) <= 0:
                    raise Unreachable(f"{work.name} is not done after {minutes:g} minutes; it continues.")
                time.sleep(min(pause, left))
                pause = min(pause * 1.5, longest)
    except (KeyboardInterrupt, ProblemError, Unreachable):
        err.print(work.later, soft_wrap=True)
        raise


@contextmanager
def _display() -> Iterator[Callable[[Status], None]]:
    """Shows the status: as a progress bar or, where stderr is no terminal, as a line for each change."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from chancery.cli.render import err

    if not err.is_terminal:
        yield _print_changes(err.print)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda status: progress.update(
            task, description=status.text, total=status.total, completed=status.completed
        )


def _print_changes(write: Callable[[str], None]) -> Callable[[Status], None]:
    last = ""

    def show(status: Status) -> None:
        nonlocal last
        done = f" ({status.completed} of {status.total})" if status.total is not None else ""
        line = f"{status.text}{done}"
        if line != last:
            write(line)
        last = line

    return show
