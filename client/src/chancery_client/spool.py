"""Events on disk while the bus is unavailable: segments of JSON lines, safe for several processes and after a crash."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

MAX_SPOOL_BYTES = 256 * 1024 * 1024
_ABANDONED_SECONDS = 3600  # age at which an empty temporary file is removed


class Spool:
    """A folder of segments. A segment is written to a temporary file, synced, and then renamed to `*.ndjson`."""

    def __init__(self, folder: Path, max_bytes: int = MAX_SPOOL_BYTES) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._numbers = count()
        self._round: Iterator[Path] | None = None
        self._done: set[str] = set()

    def write(self, details: list[bytes]) -> bool:
        """Stores the events (JSON) as one segment. Returns False where the disk failed or the folder is full."""
        try:
            body = b"".join(detail + b"\n" for detail in details)
            if not self._has_room(len(body)):
                return False
            self._write_segment(body)
        except OSError:
            return False
        with suppress(OSError):
            _sync_folder(self._folder)
        return True

    def reject(self, event: dict[str, Any], reason: str) -> bool:
        """Appends an event that can never be sent to `rejected.jsonl`, with the reason. Returns False on failure."""
        line = orjson.dumps({"reason": reason, "event": event}, default=str, option=orjson.OPT_APPEND_NEWLINE)
        try:
            if not self._has_room(len(line)):
                return False
            with _opened(self._folder / "rejected.jsonl", os.O_APPEND) as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)  # a line that cannot be written whole is truncated again
                _write_all(handle, line)
        except OSError:
            return False
        return True

    def next_segment(self) -> "Segment | None":
        """The next segment of this round, oldest first and locked: enter it with `with`. None ends the round.

        Skips segments that another process has locked, and those that were sent but could not be removed.
        """
        if self._round is None:
            self._adopt()
            self._round = iter(sorted(self._folder.glob("*.ndjson")))
        for path in self._round:
            if path.name not in self._done:
                segment = Segment(path, self._done)
                if segment.lock():
                    return segment
        self._round = None
        return None

    def start_over(self) -> None:
        """Makes the next call of `next_segment` begin a new round."""
        self._round = None

    def _has_room(self, size: int) -> bool:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.scandir(self._folder) as files:
            for file in files:
                with suppress(FileNotFoundError):  # another process has replayed it since
                    size += file.stat().st_size
        return size <= self._max_bytes

    def _write_segment(self, body: bytes) -> None:
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}"
        temporary = self._folder / f"{name}.writing"
        with _opened(temporary, os.O_EXCL) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before the first byte: see _adopt
                _write_all(handle, body)
                temporary.rename(self._folder / f"{name}.ndjson")
                fcntl.flock(handle, fcntl.LOCK_UN)  # a child forked meanwhile has the file open too
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    def _adopt(self) -> None:
        """Takes over temporary files of processes that died: files with content whose lock no process holds."""
        for temporary in self._folder.glob("*.writing"):
            with suppress(OSError):
                found = temporary.stat()
                if found.st_size:
                    with temporary.open("rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        temporary.rename(temporary.with_suffix(".ndjson"))
                elif time.time() - found.st_mtime > _ABANDONED_SECONDS:
                    temporary.unlink()


class Segment:
    """One file of spooled events while it is replayed.

    `events` and `torn` are its lines by offset: whole JSON objects, and lines that a crash has cut off.
    """

    def __init__(self, path: Path, done: set[str]) -> None:
        self._path, self._done = path, done
        self._file: BufferedRandom | None = None
        self.events: dict[int, bytes] = {}
        self.torn: dict[int, bytes] = {}

    def lock(self) -> bool:
        """Locks the file. Returns False where another process has the lock or has removed the file."""
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
                (self.events if _is_object(line) else self.torn)[offset] = line
            offset += len(line) + 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def retain(self, left: dict[int, bytes]) -> None:
        """Removes every line but those in `left`.

        Overwrites the lines in place, which needs no space, and removes the file once `left` is empty. A file that
        cannot be changed is skipped by this process from now on: it would be sent again in each round.
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
                fcntl.flock(self._file, fcntl.LOCK_UN)  # a forked child may have inherited the file
            self._file.close()
            self._file = None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _write_all(handle: int, body: bytes) -> None:
    """Writes and syncs the whole body or nothing: on a full disk, `write` stops anywhere without an error."""
    begin, rest = os.fstat(handle).st_size, memoryview(body)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, begin)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
