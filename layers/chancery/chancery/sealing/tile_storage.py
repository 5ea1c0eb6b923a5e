"""Published logs in S3, under Object Lock: tiles, entry bundles, checkpoints, by the keys of `tlog.layout`.

Everything but `checkpoint` is written once: a second write must bring the same bytes, otherwise the log is forked.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from chancery.core.aws.objects import Objects
from chancery.sealing.models import LogForked
from chancery.tlog.layout import CHECKPOINT, WITNESS, log_key, witness_key, witness_name, witness_prefix
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import Fetch

TILE_TYPE, NOTE_TYPE = "application/octet-stream", "text/plain; charset=utf-8"
_PARALLEL = 8
_KEYS_LISTED = 1000  # by one call of `Objects.keys_after`


class TileStorage:
    """Reads and writes the published logs of one bucket. `cache_tiles`: a full tile once read is not read again."""

    def __init__(self, objects: Objects, *, cache_tiles: bool = True) -> None:
        self._objects = objects
        self._full_tile = lru_cache(1024)(self._read) if cache_tiles else self._read  # 8 KB each, and they never change

    def write(self, log: str, files: Mapping[str, bytes]) -> None:
        """Writes tiles and bundles, once each. Raises LogForked, Unavailable."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda item: self._write_once(log_key(log, item[0]), item[1], TILE_TYPE), files.items()))

    def fetch(self, log: str) -> Fetch:
        """A function that reads a file of a log by its path (`tile/0/000`); it raises LookupError."""

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
        """Stores a checkpoint for good, in order of size. Raises LogForked where there is another of that size."""
        self._write_once(witness_key(log, size), note.encode(), NOTE_TYPE)

    def witnessed_after(self, log: str, size: int) -> Iterator[int]:
        """The sizes above `size` of checkpoints that were published, smallest first; lists a thousand at once."""
        while keys := self._objects.keys_after(witness_prefix(log), witness_name(size)):
            for key in keys:
                size = int(key.rpartition("/")[2])
                yield size
            if len(keys) < _KEYS_LISTED:
                return

    def witnessed(self, log: str, size: int) -> str:
        """The checkpoint that was published for a size. Raises LookupError."""
        return self._read(witness_key(log, size)).decode()

    def first_witnessed(self, log: str, size: int) -> str:
        """The first version of it, which Object Lock retains through later writes. Raises LookupError."""
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

    def put_newest(self, log: str, size: int, note: str) -> None:
        """Stores a checkpoint as the newest, unless a larger one is stored there."""
        key, done = log_key(log, CHECKPOINT), False
        while not done:
            newest = self._objects.read(key)
            if newest is None:
                done = self._objects.create(key, note.encode(), NOTE_TYPE)
            elif Checkpoint.unverified(newest[0].decode()).size >= size:
                return
            else:
                done = self._objects.replace(key, note.encode(), NOTE_TYPE, newest[1])

    def _write_once(self, key: str, body: bytes, content_type: str) -> None:
        if not self._objects.create(key, body, content_type) and self._read(key) != body:
            raise LogForked(f"The log bucket holds something else at {key}; see docs/integrity.md, A forked log.")

    def _read(self, key: str) -> bytes:
        found = self._objects.read(key)
        if found is None:
            raise LookupError(f"There is no {key} in the log bucket.")
        return found[0]
