"""An export proof in a file, read at random: constant memory, and no tile used before it leads to the signed root."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from chancery.tlog.errors import VerificationError, located
from chancery.tlog.export_proof import ProofParser, ProofTile, parse_line, parse_tile
from chancery.tlog.merkle import HASH_BYTES, root
from chancery.tlog.signed_notes import OpenCheckpoint
from chancery.tlog.tiles import WIDTH, right_edge, root_of_edge, split

_CACHED_TILES = 4096  # of 8 KB


class ProofFile:
    """Reads and verifies a proof. Every method raises VerificationError where it is malformed or leads to another root.

    `read_line` returns the line at an offset, with its newline, at most LONGEST_LINE bytes; nothing at the end.
    Only the offsets of tiles are in memory, and the tiles used last. Each tile is verified whenever it is read.
    """

    def __init__(
        self, read_line: Callable[[int], bytes], open_checkpoint: OpenCheckpoint, *, archived: bool = False
    ) -> None:
        self._read_line, self._archived = read_line, archived
        self._levels: dict[int, _Level] = {}
        self.row = lru_cache(_CACHED_TILES)(self._verified_row)
        parser = ProofParser(self._lines(), archived=archived)
        self.head = parser.head()
        with located("proof", 1):
            self.checkpoint = open_checkpoint(self.head.checkpoint)
        for found in parser.tiles(self.checkpoint.size):
            self._levels.setdefault(found.tile.level, _Level(found.line)).add(found)
        self._positions_from = parser.offset, parser.line
        self._edge: dict[int, bytes] = {}
        self._verify_tiles()

    def positions(self) -> Iterator[int | None]:
        """The index in the log of each record, in their order."""
        offset, line = self._positions_from
        parser = ProofParser(self._lines(offset), archived=self._archived)
        parser.line = line
        return parser.positions(self.checkpoint.size)

    def leaves(self, indexes: Sequence[int]) -> Iterator[bytes]:
        """The hashes of leaves, one by one. Raises LookupError at a leaf whose tile the proof lacks."""
        for index in indexes:
            place = index % WIDTH * HASH_BYTES
            yield self.row(0, index // WIDTH)[place : place + HASH_BYTES]

    def has_leaf(self, index: int) -> bool:
        """Whether the proof has the tile of a leaf."""
        return self._place(0, index // WIDTH) is not None

    def root_at(self, size: int) -> bytes | None:
        """The root that the log had at a smaller size; None where the proof lacks the tile for it."""
        edge = {}
        for tile in right_edge(size):
            if self._place(tile.level, tile.number) is None:
                return None
            edge[tile.level] = split(self.row(tile.level, tile.number)[: tile.width * HASH_BYTES])
        return root_of_edge(edge)

    def _lines(self, offset: int = 0) -> Iterator[bytes]:
        while line := self._read_line(offset):
            yield line
            offset += len(line)

    def _place(self, level: int, number: int) -> tuple[int, int] | None:
        """Offset and line of a tile."""
        found = self._levels.get(level)
        return found.place(number) if found else None

    # ---- verification

    def _verify_tiles(self) -> None:
        """From the signed root down, so that the first wrong tile is named and no other."""
        edge = right_edge(self.checkpoint.size)
        for tile in edge:
            self._edge[tile.level] = self._read_row(tile.level, tile.number)[1]
        if root_of_edge({level: split(row) for level, row in self._edge.items()}) != self.checkpoint.root:
            lines = ", ".join(str(place[1]) for tile in edge if (place := self._place(tile.level, tile.number)))
            raise VerificationError(
                f"the tiles of lines {lines} do not lead to the root of the checkpoint", file="proof", line=1
            )
        for level in sorted(self._levels, reverse=True):
            for number in self._levels[level].numbers:
                self.row(level, number)

    def _verified_row(self, level: int, number: int) -> bytes:
        """The hashes of a tile of the log. Raises LookupError where the proof lacks it."""
        line, row = self._read_row(level, number)
        if len(row) < WIDTH * HASH_BYTES:
            holds = row == self._edge[level]
        else:
            above, at = self.row(level + 1, number // WIDTH), number % WIDTH * HASH_BYTES
            holds = root(split(row)) == above[at : at + HASH_BYTES]
        if not holds:
            raise VerificationError(f"tile {number} of level {level} is not the log's", file="proof", line=line)
        return row

    def _read_row(self, level: int, number: int) -> tuple[int, bytes]:
        place = self._place(level, number)
        if place is None:
            raise LookupError(f"the proof has no tile {number} of level {level}")
        offset, line = place
        with located("proof", line):
            tile, row = parse_tile(parse_line(self._read_line(offset)), self.checkpoint.size)
            if (tile.level, tile.number) != (level, number):
                raise ValueError("the file changes while it is read")
        return line, row


class _Level:
    """Where the tiles of a level are: their numbers, ascending, and the offset of each; the line of the first."""

    def __init__(self, first_line: int) -> None:
        self.numbers, self._offsets, self._first_line = array("Q"), array("Q"), first_line

    def add(self, found: ProofTile) -> None:
        self.numbers.append(found.tile.number)
        self._offsets.append(found.offset)

    def place(self, number: int) -> tuple[int, int] | None:
        """Offset and line of a tile, None where there is none."""
        at = bisect_left(self.numbers, number)
        found = at < len(self.numbers) and self.numbers[at] == number
        return (self._offsets[at], self._first_line + at) if found else None
