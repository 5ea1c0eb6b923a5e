"""Tiles of a log, each verified against the root of a checkpoint before it is used."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, lru_cache

from chancery.tlog.merkle import HASH_BYTES, root
from chancery.tlog.signed_notes import Checkpoint
from chancery.tlog.tiles import WIDTH, Fetch, Tile, right_edge, root_of_edge, split, tile_at

_CACHED_TILES = 2048  # of 8 KB
_PARALLEL = 8


class VerifiedTileReader:
    """Reads tiles of a log through `fetch`, which raises LookupError where there is no such file.

    `size`: the number of leaves under the checkpoint.
    """

    def __init__(self, fetch: Fetch, checkpoint: Checkpoint) -> None:
        self.size = checkpoint.size
        self._fetch, self._root = fetch, checkpoint.root
        self._row = lru_cache(_CACHED_TILES)(self._verified)

    def check(self, level: int, number: int, row: bytes) -> None:
        """Checks that `row` is the content of a tile, without reading a full tile of leaves.

        Raises LookupError where the log lacks a tile, ValueError where the content differs.
        """
        tile = self._tile(level, number)
        holds = self._leads_up(tile, row) if tile.level == 0 and tile.width == WIDTH else row == self._row(tile)
        if not holds:
            raise ValueError(f"tile {number} of level {level} is not the log's")

    def leaves(self, indexes: Sequence[int]) -> list[bytes]:
        """The hashes of leaves; their tiles are read in parallel. Raises LookupError, ValueError."""
        if indexes and not 0 <= min(indexes) <= max(indexes) < self.size:
            raise ValueError(f"a log of {self.size} records has no record {max(indexes)}")
        numbers = sorted({index // WIDTH for index in indexes})
        with ThreadPoolExecutor(_PARALLEL) as pool:
            rows = dict(zip(numbers, pool.map(lambda number: self._row(self._tile(0, number)), numbers), strict=True))
        return [_hash_of(rows[index // WIDTH], index) for index in indexes]

    def _tile(self, level: int, number: int) -> Tile:
        tile = tile_at(max(level, 0), number, self.size)
        if level < 0 or number < 0 or tile.width < 1:
            raise ValueError(f"a log of {self.size} records has no tile {number} of level {level}")
        return tile

    def _verified(self, tile: Tile) -> bytes:
        row = self._edge[tile] if tile.width < WIDTH else self._read(tile)
        if tile.width == WIDTH and not self._leads_up(tile, row):
            raise ValueError(f"{tile.path} of the log does not lead to the root of the checkpoint")
        return row

    def _leads_up(self, tile: Tile, row: bytes) -> bool:
        """Whether the hash of a full tile is where it belongs, one level up."""
        above = self._row(self._tile(tile.level + 1, tile.number // WIDTH))
        return len(row) == WIDTH * HASH_BYTES and root(split(row)) == _hash_of(above, tile.number)

    @cached_property
    def _edge(self) -> dict[Tile, bytes]:
        """The partial tiles, which make up the root."""
        rows = {tile: self._read(tile) for tile in right_edge(self.size)}
        if root_of_edge({tile.level: split(row) for tile, row in rows.items()}) != self._root:
            raise ValueError(f"the log's tiles do not lead to the root of the checkpoint of {self.size} records")
        return rows

    def _read(self, tile: Tile) -> bytes:
        """A tile; where a partial tile is gone, the beginning of the full one (tlog-tiles)."""
        with suppress(LookupError):
            return self._fetch(tile.path)
        if tile.width < WIDTH:
            with suppress(LookupError):
                return self._fetch(Tile(tile.level, tile.number).path)[: tile.width * HASH_BYTES]
        raise LookupError(f"the log lacks {tile.path}")


def _hash_of(row: bytes, index: int) -> bytes:
    place = index % WIDTH * HASH_BYTES
    return row[place : place + HASH_BYTES]
