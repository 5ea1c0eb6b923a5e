"""The proof beside an export: a signed checkpoint, tiles that lead to its root, and where each record is in the log.

Only the offsets of tiles are in memory, and the tiles used last. Each tile is checked whenever it is read.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from chancery.tlog.merkle import HASH_BYTES, root
from chancery.tlog.signed_notes import Checkpoint, VerifierKey, decode
from chancery.tlog.tiles import WIDTH, Tile, right_edge, root_of_edge, split, tile_at
from chancery.verification.failure import DoesNotHold, at
from chancery.verification.parsing import members, open_note, parse

FORMAT = "chancery-export-proof@v1"
_LONGEST_LINE = 1 << 20  # bytes; a full tile takes 11 KB, a thousand positions at most 20 KB
_POSITIONS = 1000  # of a line
_TILES = 4096  # of 8 KB
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ExportProof:
    """Reads a proof. Every method raises DoesNotHold for what is malformed or does not lead to the signed root.

    `of_archive`: instead of a hash of the file it has null, and so instead of the position of a record without a leaf.
    """

    checkpoint: Checkpoint
    records: int
    sha256: str | None

    def __init__(self, file: BinaryIO, key: VerifierKey, name: str, *, of_archive: bool = False) -> None:
        self.name = name
        self._of_archive = of_archive
        self._file = file
        self._levels: dict[int, _Level] = {}
        self.row = lru_cache(_TILES)(self._checked_row)
        offset = self._read_head(key)
        self._positions_from = self._index(offset)
        self._edge: dict[int, bytes] = {}
        self._check_tiles()

    def positions(self) -> Iterator[int | None]:
        """The index in the log of each record of the export, in its order."""
        offset, number = self._positions_from
        while line := self._line(offset, number):
            with at(self.name, number):
                (found,) = members(parse(line[:-1])[0], positions=list)
                if not 0 < len(found) <= _POSITIONS:
                    raise ValueError(f"must have 1 to {_POSITIONS} positions")
                known = [index for index in found if index is not None] if self._of_archive else found
                if not all(type(index) is int and 0 <= index < self.checkpoint.size for index in known):
                    raise ValueError(f"a position is not an index in a log of {self.checkpoint.size} records")
            yield from found
            offset, number = offset + len(line), number + 1

    def root_at(self, size: int) -> bytes | None:
        """The root that the log had at a smaller size; None where the proof lacks the tile for it."""
        edge = {}
        for tile in right_edge(size):
            if self._place(tile.level, tile.number) is None:
                return None
            edge[tile.level] = split(self.row(tile.level, tile.number)[: tile.width * HASH_BYTES])
        return root_of_edge(edge)

    # ---- reading

    def _line(self, offset: int, number: int) -> bytes:
        """The line at an offset with its newline; empty at the end."""
        self._file.seek(offset)
        line = self._file.readline(_LONGEST_LINE)
        if line and not line.endswith(b"\n"):
            raise DoesNotHold("is cut off, or longer than any line of a proof", file=self.name, line=number)
        return line

    def _read_head(self, key: VerifierKey) -> int:
        line = self._line(0, 1)
        with at(self.name, 1):
            hashed = type(None) if self._of_archive else str
            types = {"format": str, "checkpoint": str, "records": int, "sha256": hashed}
            form, note, self.records, self.sha256 = members(parse(line[:-1])[0], **types)
            if form != FORMAT or self.records < 0 or not (self._of_archive or _SHA256.fullmatch(str(self.sha256))):
                raise ValueError(f"is not the first line of a {FORMAT}")
            self.checkpoint = open_note(note, key)
        return len(line)

    def _index(self, offset: int) -> tuple[int, int]:
        """Takes down where each tile is, and that all are there which must be; where the positions begin."""
        number, size = 2, self.checkpoint.size
        last = tile_at(0, size // WIDTH, size)
        upper = _upper_tiles(size)
        expected = next(upper, None)
        while line := self._line(offset, number):
            with at(self.name, number):
                value, _ = parse(line[:-1])
                if "positions" in value and expected is None:
                    break
                tile, _ = _tile(value, size)
                if expected and expected != (tile.level, tile.number):
                    raise ValueError(f"must be tile {expected[1]} of level {expected[0]}")
                self._levels.setdefault(tile.level, _Level(number)).add(tile.number, offset)
            expected = next(upper, None) if expected else None
            offset, number = offset + len(line), number + 1
        if expected or (last.width and self._place(0, last.number) is None):
            raise DoesNotHold("tiles are missing before this line", file=self.name, line=number)
        return offset, number

    def _place(self, level: int, number: int) -> tuple[int, int] | None:
        """Offset and line of a tile."""
        found = self._levels.get(level)
        return found.place(number) if found else None

    # ---- checking

    def _check_tiles(self) -> None:
        """From the signed root down, so that the first tile that is wrong is blamed and no other."""
        edge = right_edge(self.checkpoint.size)
        for tile in edge:
            self._edge[tile.level] = self._row(tile.level, tile.number)[1]
        if root_of_edge({level: split(row) for level, row in self._edge.items()}) != self.checkpoint.root:
            lines = ", ".join(str(place[1]) for tile in edge if (place := self._place(tile.level, tile.number)))
            raise DoesNotHold(
                f"the tiles of lines {lines} do not lead to the root of the checkpoint", file=self.name, line=1
            )
        for level in sorted(self._levels, reverse=True):
            for number in self._levels[level].numbers:
                self.row(level, number)

    def _checked_row(self, level: int, number: int) -> bytes:
        """The hashes of a tile that is the log's. Raises LookupError where the proof does not have it."""
        line, row = self._row(level, number)
        if len(row) < WIDTH * HASH_BYTES:
            holds = row == self._edge[level]
        else:
            above, at_ = self.row(level + 1, number // WIDTH), number % WIDTH * HASH_BYTES
            holds = root(split(row)) == above[at_ : at_ + HASH_BYTES]
        if not holds:
            raise DoesNotHold(f"tile {number} of level {level} is not the log's", file=self.name, line=line)
        return row

    def _row(self, level: int, number: int) -> tuple[int, bytes]:
        place = self._place(level, number)
        if place is None:
            raise LookupError(f"the proof has no tile {number} of level {level}")
        offset, line = place
        text = self._line(offset, line)
        with at(self.name, line):
            tile, row = _tile(parse(text[:-1])[0], self.checkpoint.size)
            if (tile.level, tile.number) != (level, number):
                raise ValueError("the file changes while it is read")
        return line, row


class _Level:
    """Where the tiles of a level are: their numbers, ascending, and the offset of each; the line of the first."""

    def __init__(self, first_line: int) -> None:
        self.numbers, self._offsets, self._first_line = array("Q"), array("Q"), first_line

    def add(self, number: int, offset: int) -> None:
        if self.numbers and number <= self.numbers[-1]:
            raise ValueError("the tiles are not in ascending order")
        self.numbers.append(number)
        self._offsets.append(offset)

    def place(self, number: int) -> tuple[int, int] | None:
        at_ = bisect_left(self.numbers, number)
        found = at_ < len(self.numbers) and self.numbers[at_] == number
        return (self._offsets[at_], self._first_line + at_) if found else None


def _tile(value: dict[str, Any], size: int) -> tuple[Tile, bytes]:
    """A tile of a log of `size` and its hashes. Raises ValueError."""
    level, number, encoded = members(value, level=int, number=int, hashes=str)
    if level not in range(8) or number not in range(((size >> 8 * level) + WIDTH - 1) // WIDTH):
        raise ValueError(f"a log of {size} records has no tile {number} of level {level}")
    tile, row = tile_at(level, number, size), decode(encoded)
    if len(row) != tile.width * HASH_BYTES:
        raise ValueError(f"tile {number} of level {level} must have {tile.width} hashes")
    return tile, row


def _upper_tiles(size: int) -> Iterator[tuple[int, int]]:
    """Level and number of every tile above level 0, in order."""
    level = 1
    while hashes := size >> (8 * level):
        for number in range((hashes + WIDTH - 1) // WIDTH):
            yield level, number
        level += 1
