"""Events on disk while the bus is away: segments of JSON lines, safe for several processes and for a crash."""

import fcntl
import os
import time
from collections.abc import Iterator
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

MAX_SPILL_BYTES = 256 * 1024 * 1024


class Spill:
    """A folder of segments. A segment is written whole under a passing name, synced, and only then given its own."""

    def __init__(self, folder: Path, max_bytes: int = MAX_SPILL_BYTES) -> None:
        self._folder, self._max_bytes = folder, max_bytes

    def write(self, details: list[bytes]) -> bool:
        """Whether the events (JSON, one line each) are on disk now; False also when the folder is full."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            body = b"".join(detail + b"\n" for detail in details)
            if sum(file.stat().st_size for file in self._folder.glob("*.ndjson")) + len(body) > self._max_bytes:
                return False
            name = f"{time.time_ns():020d}-{os.getpid()}"
            passing = self._folder / f"{name}.writing"
            _write_synced(passing, body, os.O_EXCL)
            passing.rename(self._folder / f"{name}.ndjson")
            _sync_folder(self._folder)
        except OSError:
            return False
        return True

    def reject(self, event: dict[str, Any], reason: str) -> None:
        """Keeps an event that can never be sent, with the reason, in `rejected.jsonl`."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            line = orjson.dumps({"reason": reason, "event": event}, default=str, option=orjson.OPT_APPEND_NEWLINE)
            _write_synced(self._folder / "rejected.jsonl", line, os.O_APPEND)
        except OSError:
            return

    def segments(self) -> Iterator["Segment"]:
        """The segments, oldest first, each to be entered with `with`; those another process works on are left out."""
        for path in sorted(self._folder.glob("*.ndjson")):
            segment = Segment(path)
            if segment.lock():
                yield segment


class Segment:
    """One file of events, locked while it is replayed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedRandom | None = None

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

    def __enter__(self) -> list[bytes]:
        assert self._file is not None
        return [line for line in self._file.read().splitlines() if _is_whole(line)]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def keep(self, left: list[bytes]) -> None:
        """Forgets what was replayed; `left` stays for the next time."""
        if not left:
            self._path.unlink(missing_ok=True)
            return
        passing = self._path.with_suffix(".writing")
        _write_synced(passing, b"".join(detail + b"\n" for detail in left), os.O_TRUNC)
        passing.rename(self._path)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_whole(line: bytes) -> bool:
    """A torn last line is no JSON."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _write_synced(path: Path, body: bytes, flags: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        os.write(handle, body)
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
