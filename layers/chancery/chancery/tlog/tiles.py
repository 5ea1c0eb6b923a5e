"""Tiles of a log (https://c2sp.org/tlog-tiles): paths, the tiles that a growing log writes, hashes from tiles."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from chancery.tlog.merkle import HASH_BYTES, RootOf, joined, leaf_hash, perfect_subtrees, root

WIDTH = 256  # hashes of a full tile
_HEIGHT = 8  # levels of the tree within a tile

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile: `level`, `number` within the level, `width` in hashes (256 when full)."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`."""
        return f"tile/{self.level}/{self._suffix}"

    @property
    def bundle_path(self) -> str:
        """`tile/entries/<N>[.p/<W>]`: the entry bundle of a tile of level 0."""
        return f"tile/entries/{self._suffix}"

    @property
    def _suffix(self) -> str:
        parts = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            parts.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return "/".join(parts) + partial


def tile_at(level: int, number: int, size: int) -> Tile:
    """The tile of a log of `size` leaves, partial where the log ends in it."""
    hashes = size >> (_HEIGHT * level)
    return Tile(level, number, min(WIDTH, hashes - number * WIDTH))


def tiles_of(size: int) -> list[Tile]:
    """Every tile of a log, level by level."""
    found, level = [], 0
    while hashes := size >> (_HEIGHT * level):
        found += [tile_at(level, number, size) for number in range((hashes + WIDTH - 1) // WIDTH)]
        level += 1
    return found


def upper_tiles(size: int) -> list[Tile]:
    """Every tile above the leaves, level by level: the tiles of a log whose leaves are the full tiles of level 0."""
    return [replace(tile, level=tile.level + 1) for tile in tiles_of(size // WIDTH)]


def right_edge(size: int) -> list[Tile]:
    """The partial tiles of a log, from level 0 up."""
    return [tile for tile in tiles_of_edge(size) if tile.width < WIDTH]


def tiles_of_edge(size: int) -> list[Tile]:
    """The last tile of each level."""
    found, level = [], 0
    while hashes := size >> (_HEIGHT * level):
        found.append(tile_at(level, (hashes - 1) // WIDTH, size))
        level += 1
    return found


def split(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry after its length as a big-endian uint16. Raises struct.error above 65,535 bytes."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError when it ends within an entry."""
    return list(iter_bundle(data))


def iter_bundle(data: bytes) -> Iterator[bytes]:
    """The entries of a bundle, one by one. Raises ValueError at an entry that is cut off."""
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        if at + 2 > len(data) or end > len(data):
            raise ValueError("The entry bundle is cut off.")
        yield data[at + 2 : end]
        at = end


class Growth:
    """A growing log: takes entries and returns the tiles that the larger log has in addition to those of the smaller.

    `edge`: the hashes of the partial tiles at the old size, by level; `entries`: the entries of the partial bundle.
    """

    def __init__(self, size: int, edge: Mapping[int, Sequence[bytes]], entries: Sequence[bytes]) -> None:
        self.size = size
        self._rows = {level: list(hashes) for level, hashes in edge.items()}
        self._entries = list(entries)
        self._written: dict[str, bytes] = {}

    def append(self, entries: Iterable[bytes]) -> None:
        """Adds leaves."""
        for entry in entries:
            self._entries.append(entry)
            self.size += 1
            self._add(0, leaf_hash(entry))
            if len(self._entries) == WIDTH:
                self._written[Tile(0, self.size // WIDTH - 1).bundle_path] = bundle(self._entries)
                self._entries = []

    def _add(self, level: int, hashed: bytes) -> None:
        row = self._rows.setdefault(level, [])
        row.append(hashed)
        if len(row) == WIDTH:
            number = (self.size >> (_HEIGHT * (level + 1))) - 1
            self._written[Tile(level, number).path] = b"".join(row)
            self._rows[level] = []
            self._add(level + 1, root(row))

    def files(self) -> dict[str, bytes]:
        """Path → content of every full tile and bundle completed since the old size, and of the new right edge."""
        files = dict(self._written)
        for tile in right_edge(self.size):
            files[tile.path] = b"".join(self._rows[tile.level])
            if tile.level == 0:
                files[tile.bundle_path] = bundle(self._entries)
        return files

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return root_of_edge({level: row for level, row in self._rows.items() if row})


def root_of_edge(edge: Mapping[int, Sequence[bytes]]) -> bytes:
    """The root of a log from the hashes of its partial tiles, by level."""
    parts: list[bytes] = []
    for _, row in sorted(edge.items(), reverse=True):
        parts += [root(row[index << height : (index + 1) << height]) for height, index in perfect_subtrees(0, len(row))]
    return joined(parts) if parts else root([])


def reader(fetch: Fetch, size: int, ranges: Iterable[tuple[int, int]] = ()) -> RootOf:
    """A function that returns the root over any range of leaves of a log of `size`, from its tiles.

    `fetch` returns the content of a tile by its path. The tiles of `ranges` are fetched in advance, in parallel.
    """
    needed = sorted({_tile_of(height, index, size) for span in ranges for height, index in perfect_subtrees(*span)})
    with ThreadPoolExecutor(8) as pool:
        known = dict(zip(needed, pool.map(lambda tile: fetch(tile.path), needed), strict=True))

    def subtree(height: int, index: int) -> bytes:
        tile = _tile_of(height, index, size)
        content = known.get(tile) or fetch(tile.path)
        first = (index << (height % _HEIGHT)) - tile.number * WIDTH
        hashes = split(content)[first : first + (1 << (height % _HEIGHT))]
        return root(hashes)

    def root_of(start: int, end: int) -> bytes:
        return joined([subtree(height, index) for height, index in perfect_subtrees(start, end)])

    return root_of


def _tile_of(height: int, index: int, size: int) -> Tile:
    """The tile whose hashes make up the perfect tree of a height with an index among those."""
    level, within = divmod(height, _HEIGHT)
    return tile_at(level, (index << within) // WIDTH, size)
