"""The errors that end a command, with its exit code.

CommandError
├── ProblemError   1: the service answered with an error
├── UsageError     2: the command, or a file that it names, cannot be used
└── Unreachable    3: no answer, or not in time
"""

from typing import Any, ClassVar


class CommandError(Exception):
    """Its text is printed on standard error."""

    exit_code: ClassVar[int]


class ProblemError(CommandError):
    """The service answered with an error. `problem`: its problem+json, or as much of one as there was."""

    exit_code = 1

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None = None) -> None:
        super().__init__(f"{status} {problem.get('title', '')}")
        self.status = status
        self.problem = problem
        self.retry_after = retry_after  # seconds


class UsageError(CommandError):
    """The command cannot run with these arguments; the text says what to do."""

    exit_code = 2


class Unreachable(CommandError):
    """A server did not answer, or an operation did not finish in time."""

    exit_code = 3
