"""Published logs in S3, under Object Lock: tiles, entry bundles, checkpoints, by the keys of `tlog.layout`.

Everything but `checkpoint` is written once: a second write must bring the same bytes, or somebody has forked the log.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from chancery.core.aws.objects import Objects
from chancery.sealing.models import LogForked
from chancery.tlog.layout import CHECKPOINT, WITNESS, log_key, witness_key, witness_name, witness_prefix
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import Fetch

TILE_TYPE, NOTE_TYPE = "application/octet-stream", "text/plain; charset=utf-8"
_PARALLEL = 8


class TileStorage:
    """Reads and writes the published logs of one bucket. `trusting`: a full tile once read is not read again."""

    def __init__(self, objects: Objects, *, trusting: bool = True) -> None:
        self._objects = objects
        self._full_tile = lru_cache(1024)(self._read) if trusting else self._read  # 8 KB each, and they never change

    def write(self, log: str, files: Mapping[str, bytes]) -> None:
        """Writes tiles and bundles, once each. Raises LogForked, Unavailable."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda item: self._write_once(log_key(log, item[0]), item[1], TILE_TYPE), files.items()))

    def fetch(self, log: str) -> Fetch:
        """What reads a file of a log by its path (`tile/0/000`). It raises LookupError when there is none."""

        def read(path: str) -> bytes:
            key = log_key(log, path)
            return self._read(key) if ".p/" in path else self._full_tile(key)

        return read

    def link(self, log: str, path: str) -> str:
        """A presigned link to a file of a log."""
        return self._objects.link(log_key(log, path))

    def read_all(self, log: str, paths: Iterable[str]) -> list[bytes]:
        """The files at the paths, in order. Raises LookupError."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            return list(pool.map(self.fetch(log), paths))

    def witness(self, log: str, size: int, note: str) -> None:
        """Keeps a checkpoint for good, in order of size. Raises LogForked where there is another of that size."""
        self._write_once(witness_key(log, size), note.encode(), NOTE_TYPE)

    def witnessed_after(self, log: str, size: int) -> list[int]:
        """The sizes above `size` of checkpoints that were published, smallest first; at most a thousand."""
        keys = self._objects.keys_after(witness_prefix(log), witness_name(size))
        return [int(key.rpartition("/")[2]) for key in keys]

    def witnessed(self, log: str, size: int) -> str:
        """The checkpoint that was published for a size. Raises LookupError."""
        return self._read(witness_key(log, size)).decode()

    def first_witnessed(self, log: str, size: int) -> str:
        """The same as it was first: what Object Lock keeps when somebody has written over it. Raises LookupError."""
        found = self._objects.read_first(witness_key(log, size))
        if found is None:
            raise LookupError(f"There is no {witness_key(log, size)} in the log bucket.")
        return found.decode()

    def logs(self) -> list[str]:
        """The name of every log that was ever published."""
        return [prefix.removeprefix(WITNESS).rstrip("/") for prefix in self._objects.folders(WITNESS)]

    def newest(self, log: str) -> str | None:
        """The newest checkpoint, as a signed note."""
        found = self._objects.read(log_key(log, CHECKPOINT))
        return found[0].decode() if found else None

    def show_newest(self, log: str, size: int, note: str) -> None:
        """Puts a checkpoint where everybody looks for the newest, unless a larger one is there."""
        key, done = log_key(log, CHECKPOINT), False
        while not done:
            shown = self._objects.read(key)
            if shown is None:
                done = self._objects.create(key, note.encode(), NOTE_TYPE)
            elif Checkpoint.unverified(shown[0].decode()).size >= size:
                return
            else:
                done = self._objects.replace(key, note.encode(), NOTE_TYPE, shown[1])

    def _write_once(self, key: str, body: bytes, content_type: str) -> None:
        if not self._objects.create(key, body, content_type) and self._read(key) != body:
            raise LogForked(f"The log bucket holds something else at {key}; see docs/integrity.md, A forked log.")

    def _read(self, key: str) -> bytes:
        found = self._objects.read(key)
        if found is None:
            raise LookupError(f"There is no {key} in the log bucket.")
        return found[0]
