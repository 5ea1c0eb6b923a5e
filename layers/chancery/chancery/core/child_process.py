"""A Python module in a process of its own, which answers frames, and is killed when it takes too long.

For work that must not take memory, time or credentials of the function: typesetting, expressions of tenants. The module
reads frames on standard input and answers on standard output (`frames.py`); its first frame says that it is ready.
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

from chancery.core.frames import LONGEST, framed
from chancery.core.observability import logger

_INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
_READY_SECONDS = 20
_PIECE = 1 << 20


class ChildFailed(Exception):
    """A process has ended, or was killed: `late` because it took too long, else it ended with `status`.

    `ready`: it was ready, so that the job is the cause of a failure, unless someone else killed it.
    """

    def __init__(self, *, late: bool, status: int | None, ready: bool) -> None:
        super().__init__(f"late: {late}, status: {status}, ready: {ready}")
        self.late, self.status, self.ready = late, status, ready


class ChildProcess:
    """Runs `python -m module arguments...`; starts with the first exchange, or with `start`. Not for several threads.

    After a failure the process is gone, and the next exchange starts another one.
    """

    def __init__(self, module: str, arguments: Sequence[str] = (), ready_seconds: float = _READY_SECONDS) -> None:
        self._command = ["-m", module, *arguments]
        self._ready_seconds = ready_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The id of the process, None where there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts the process if there is none; it gets ready by itself."""
        self._started()

    def stop(self) -> None:
        """Ends the process."""
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)

    def exchange(self, job: bytes, seconds: float, answers: int = 1) -> list[bytes]:
        """Sends a frame and returns those that answer it. Raises ChildFailed; then the process has ended.

        `seconds`: for the job, once the process is ready.
        """
        process = self._started()
        assert process.stdin and process.stdout
        late = False
        try:
            if not self._ready:
                _read(process.stdout.fileno(), time.monotonic() + self._ready_seconds)
                self._ready = True
            deadline = time.monotonic() + seconds
            _write(process.stdin.fileno(), framed(job), deadline)
            return [_read(process.stdout.fileno(), deadline) for _ in range(answers)]
        except TimeoutError:
            late = True
        except OSError:
            logger.debug("CHILD_PROCESS_PIPE_BROKEN")
        ready, status = self._ready, None if late else _status(process)
        self.stop()
        raise ChildFailed(late=late, status=status, ready=ready)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            # No credential of this function goes with it, only where its packages are.
            inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            env = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **inherited}
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, *self._command], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env, cwd="/"
            )
            assert self._process.stdin and self._process.stdout
            os.set_blocking(self._process.stdin.fileno(), False)
            os.set_blocking(self._process.stdout.fileno(), False)
        return self._process


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status of a process that has closed its pipe; None for one that goes on without it."""
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        return None


def _read(pipe: int, deadline: float) -> bytes:
    """The next frame. Raises TimeoutError, and OSError where the pipe ends or has garbage."""
    size = int.from_bytes(_read_bytes(pipe, 4, deadline))
    if size > LONGEST:
        raise OSError("garbage")
    return _read_bytes(pipe, size, deadline)


def _read_bytes(pipe: int, size: int, deadline: float) -> bytes:
    found = bytearray()
    while len(found) < size:
        _wait(pipe, select.POLLIN, deadline)
        piece = os.read(pipe, min(size - len(found), _PIECE))
        if not piece:
            raise OSError("ended")
        found += piece
    return bytes(found)


def _write(pipe: int, content: bytes, deadline: float) -> None:
    rest = memoryview(content)
    while rest:
        _wait(pipe, select.POLLOUT, deadline)
        rest = rest[os.write(pipe, rest[:_PIECE]) :]


def _wait(pipe: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _close(pipe: IO[bytes] | None) -> None:
    if pipe:
        try:
            pipe.close()
        except OSError:
            logger.debug("CHILD_PROCESS_PIPE_BROKEN")
