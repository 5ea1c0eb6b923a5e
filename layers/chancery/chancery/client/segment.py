"""One file of events on disk, as it is replayed."""

import fcntl
import os
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path
from types import TracebackType

import orjson


class Segment:
    """The events of a file by their offset in it, and the lines a crash has torn; nobody else's while it is locked."""

    def __init__(self, path: Path, done: set[str]) -> None:
        self._path, self._done = path, done
        self._file: BufferedRandom | None = None
        self.events: dict[int, bytes] = {}
        self.torn: dict[int, bytes] = {}

    def lock(self) -> bool:
        """Whether this process may replay the segment now."""
        try:
            self._file = self._path.open("r+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._close()
            return False
        if not self._path.exists():  # replayed by another process between the listing and the lock
            self._close()
            return False
        return True

    def __enter__(self) -> None:
        assert self._file is not None
        offset = 0
        for line in self._file.read().split(b"\n"):
            if line:
                (self.events if _is_whole(line) else self.torn)[offset] = line
            offset += len(line) + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def keep(self, left: dict[int, bytes]) -> None:
        """Forgets what was replayed; `left` stays for the next time.

        Blanks the lines where they are, which needs no space, and removes the file once nothing is left. One that
        cannot be changed is not replayed again by this process: it would be sent for ever.
        """
        try:
            if left:
                self._blank({at: line for at, line in (self.events | self.torn).items() if at not in left})
            else:
                self._remove()
        except OSError:
            self._done.add(self._path.name)

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            assert self._file is not None
            self._done.add(self._path.name)
            self._file.truncate(0)  # for other processes

    def _blank(self, lines: dict[int, bytes]) -> None:
        assert self._file is not None
        for offset, line in lines.items():
            os.pwrite(self._file.fileno(), b"\n" * len(line), offset)
        os.fsync(self._file.fileno())

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)  # also where a forked child has inherited the file
            self._file.close()
            self._file = None


def _is_whole(line: bytes) -> bool:
    """A torn line is no JSON object."""
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
