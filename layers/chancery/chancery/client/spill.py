"""Events on disk while the bus is away: segments of JSON lines, safe for several processes and for a crash."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from chancery.client.segment import Segment

MAX_SPILL_BYTES = 256 * 1024 * 1024
_FORGOTTEN = 3600  # seconds after which an empty passing file is nobody's


class Spill:
    """A folder of segments. A segment is written whole under a passing name, synced, and only then given its own."""

    def __init__(self, folder: Path, max_bytes: int = MAX_SPILL_BYTES) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._numbers = count()
        self._round: Iterator[Path] | None = None
        self._done: set[str] = set()

    def write(self, details: list[bytes]) -> bool:
        """Whether the events (JSON, one line each) are all on disk now; False also when the folder is full."""
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
        """Keeps an event that can never be sent, with the reason, in `rejected.jsonl`; whether it is there."""
        line = orjson.dumps({"reason": reason, "event": event}, default=str, option=orjson.OPT_APPEND_NEWLINE)
        try:
            if not self._has_room(len(line)):
                return False
            with _opened(self._folder / "rejected.jsonl", os.O_APPEND) as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)  # what cannot be written whole is cut off again
                _write_all(handle, line)
        except OSError:
            return False
        return True

    def next_segment(self) -> Segment | None:
        """The next of this round, oldest first, locked, to be entered with `with`; None at the end of the round.

        Left out are those that another process works on, and those that are dealt with but could not be removed.
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
        """Begins a new round with the next segment."""
        self._round = None

    def _has_room(self, size: int) -> bool:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.scandir(self._folder) as files:
            for file in files:
                with suppress(FileNotFoundError):  # replayed by another process meanwhile
                    size += file.stat().st_size
        return size <= self._max_bytes

    def _write_segment(self, body: bytes) -> None:
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}"
        passing = self._folder / f"{name}.writing"
        with _opened(passing, os.O_EXCL) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before the first byte: see _adopt
                _write_all(handle, body)
                passing.rename(self._folder / f"{name}.ndjson")
                fcntl.flock(handle, fcntl.LOCK_UN)  # a child that was forked meanwhile holds it open, too
            except OSError:
                passing.unlink(missing_ok=True)
                raise

    def _adopt(self) -> None:
        """Takes over what a process that died has written and not named: it holds bytes, and no living one its lock."""
        for passing in self._folder.glob("*.writing"):
            with suppress(OSError):
                found = passing.stat()
                if found.st_size:
                    with passing.open("rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        passing.rename(passing.with_suffix(".ndjson"))
                elif time.time() - found.st_mtime > _FORGOTTEN:
                    passing.unlink()


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _write_all(handle: int, body: bytes) -> None:
    """Writes and syncs all of it, or nothing: on a full disk `write` stops somewhere without an error."""
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
