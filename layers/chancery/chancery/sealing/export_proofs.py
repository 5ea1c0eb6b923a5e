"""Proofs for exports: beside the file, what leads each of its records to a checkpoint.

Lines of JSON: a head, the log's tiles above the leaves, the tiles of leaves that hold an exported record (and the last
one while it is partial), and the index in the log of each line of the export, in its order.

Archives have the same beside them, without the file's hash, since it is not known in one piece; null stands for the
index of a record that is older than the log.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import batched
from typing import TYPE_CHECKING, Any

import orjson

from chancery.core.aws.objects import PART_BYTES, Objects
from chancery.core.errors import Unavailable
from chancery.core.mongo.client import Document
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.merkle import NO_LEAF
from chancery.tlog.signed_notes import encode
from chancery.tlog.tiles import WIDTH, Tile, tile_at, tiles_of

if TYPE_CHECKING:
    from hashlib import _Hash

FORMAT = "chancery-export-proof@v1"
PROOF_TYPE = "application/x-ndjson"
_RECORDS = 1000  # looked up at once, and positions of a line
_TILES = 64  # in memory at once


@dataclass(frozen=True, slots=True)
class ExportProof:
    """Where the proof of an export is, and the hex SHA-256 of the export that it is about."""

    key: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportProofs:
    """Proves exports that are written. `objects` is the bucket of the exports."""

    store: LogStore
    book: TileStorage
    objects: Objects
    part_bytes: int = PART_BYTES

    def prove(self, tenant_id: str | None, key: str) -> ExportProof | None:
        """Writes the proof of the NDJSON export of one tenant at `key`; None for an empty one without a log.

        Rests on nothing but the export and the log, so it is safe to repeat. Raises Unavailable, also while a record
        waits for its checkpoint: that is seconds.
        """
        digest, positions = self._read(tenant_id, key)
        head = self.store.head(tenant_id)
        size = head["publishedSize"] if head else 0
        if positions and max(positions) >= size:
            raise _not_sealed_yet()
        if head is None or not size:
            return None
        proof = ExportProof(f"{key}.proof", digest)
        lines = proof_lines(self.book, head, len(positions), positions, digest)
        self.objects.write(proof.key, lines, PROOF_TYPE, self.part_bytes)
        return proof

    def _read(self, tenant_id: str | None, key: str) -> tuple[str, array[int]]:
        """The export's SHA-256, and the index in the log of each of its records."""
        digest, positions = sha256(), array("Q")
        for ref_ids in batched(self._ref_ids(key, digest), _RECORDS, strict=False):
            indexes = self.store.indexes_of(tenant_id, ref_ids)
            if len(indexes) < len(ref_ids):
                raise _not_sealed_yet()
            positions.extend(indexes[ref_id] for ref_id in ref_ids)
        return digest.hexdigest(), positions

    def _ref_ids(self, key: str, digest: "_Hash") -> Iterator[str]:
        for line in self.objects.lines(key):
            digest.update(line)
            yield orjson.loads(line)["refId"]


def proof_lines(
    book: TileStorage, head: Document, records: int, positions: Iterable[int], digest: str | None = None
) -> Iterator[bytes]:
    """The lines of a proof that records are under a tree head's checkpoint. Raises Unavailable.

    `positions`, gone through twice: the index of each, or NO_LEAF. `digest`: hex SHA-256 of what it is about.
    """
    yield _line({"format": FORMAT, "checkpoint": head["checkpoint"], "records": records, "sha256": digest})
    for tiles in batched(tiles_for(head["publishedSize"], positions), _TILES, strict=False):
        for tile, hashes in zip(tiles, _hashes(book, head["log"], tiles), strict=True):
            yield _line({"level": tile.level, "number": tile.number, "hashes": encode(hashes)})
    for batch in batched(positions, _RECORDS, strict=False):
        yield _line({"positions": [None if position == NO_LEAF else position for position in batch]})


def _hashes(book: TileStorage, log: str, tiles: Iterable[Tile]) -> list[bytes]:
    try:
        return book.read_all(log, (tile.path for tile in tiles))
    except LookupError as exc:
        raise Unavailable("The log bucket misses a tile of the log.") from exc


def tiles_for(size: int, positions: Iterable[int]) -> list[Tile]:
    """The tiles that prove leaves to a log of `size`: all above the leaves, then theirs, then the last if partial."""
    above = [replace(tile, level=tile.level + 1) for tile in tiles_of(size // WIDTH)]
    numbers = {position // WIDTH for position in positions if position != NO_LEAF}
    partial = {size // WIDTH} if size % WIDTH else set()
    return above + [tile_at(0, number, size) for number in sorted(numbers | partial)]


def _line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _not_sealed_yet() -> Unavailable:
    return Unavailable("A record of the export is not sealed yet.")
