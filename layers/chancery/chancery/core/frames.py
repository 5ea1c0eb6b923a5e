"""Frames on a pipe between a function and a process of its own: four bytes of length, and the content.

Imports nothing of a type: both sides use it, and the process has to start quickly.
"""

import os
import resource
from typing import IO

LONGEST = 256 * 1024 * 1024  # bytes; a longer frame is garbage


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """The next frame, or None where the pipe ends."""
    head = pipe.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head)
    body = pipe.read(size)
    return body if len(body) == size else None


def write_frame(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(framed(body))
    pipe.flush()


def framed(body: bytes) -> bytes:
    """A frame as it is on the pipe."""
    return len(body).to_bytes(4) + body


def claim_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes for frames of this process. What else it reads or prints goes to /dev/null, and not between frames."""
    pipes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return pipes


def limit_memory(memory_bytes: int) -> None:
    """Limits the address space of this process, and takes from it the right to open files and connections."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
