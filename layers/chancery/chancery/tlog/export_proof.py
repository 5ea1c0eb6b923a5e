"""The export proof: JSON lines that lead each record of an export, or of an archived month, to a signed checkpoint.

    {"format": "chancery-export-proof@v1", "checkpoint": note, "records": count, "sha256": hash of the export}
    {"level": 1, "number": 0, "hashes": base64}     every tile above the leaves, level by level, ascending
    {"level": 0, "number": 7, "hashes": base64}     each tile with the leaf of a record, and the last if it is partial
    {"positions": [1, 7, ...]}                      the index in the log of each record, up to 1,000 a line

In the proof of an archived month `sha256` is null (the manifest has the hashes of the file), and so is the position of
a record without a leaf, which is older than the log.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

import orjson

from chancery.tlog.errors import VerificationError, located
from chancery.tlog.merkle import HASH_BYTES, NO_LEAF
from chancery.tlog.signed_notes import decode, encode
from chancery.tlog.strict_json import members, parse_object
from chancery.tlog.tiles import WIDTH, Tile, tile_at, upper_tiles

FORMAT = "chancery-export-proof@v1"
MEDIA_TYPE = "application/x-ndjson"
LONGEST_LINE = 1 << 20  # bytes; a full tile takes 11 KB, a thousand positions at most 20 KB
_POSITIONS = 1000  # of a line
_TILES = 64  # read at once when a proof is written
_LEVELS = range(8)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def proof_lines(
    head: "ProofHead", size: int, positions: Iterable[int], read_tiles: Callable[[list[str]], Iterable[bytes]]
) -> Iterator[bytes]:
    """The lines of the proof that records are in the log of `size` leaves under the head's checkpoint.

    `positions`, iterated twice: the index of each record, or NO_LEAF. `read_tiles` returns the contents of tiles by
    their paths, in order.
    """
    yield _line({"format": FORMAT, "checkpoint": head.checkpoint, "records": head.records, "sha256": head.sha256})
    for tiles in batched(tiles_for(size, positions), _TILES, strict=False):
        for tile, row in zip(tiles, read_tiles([tile.path for tile in tiles]), strict=True):
            yield _line({"level": tile.level, "number": tile.number, "hashes": encode(row)})
    for batch in batched(positions, _POSITIONS, strict=False):
        yield _line({"positions": [None if position == NO_LEAF else position for position in batch]})


def tiles_for(size: int, positions: Iterable[int]) -> list[Tile]:
    """The tiles of a proof: all above the leaves, those with the leaf of a record, and the last if it is partial."""
    numbers = {position // WIDTH for position in positions if position != NO_LEAF}
    partial = {size // WIDTH} if size % WIDTH else set()
    return upper_tiles(size) + [tile_at(0, number, size) for number in sorted(numbers | partial)]


@dataclass(frozen=True, slots=True)
class ProofHead:
    """The first line of a proof. `sha256`: of the export in hex, None for an archived month."""

    checkpoint: str
    records: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class ProofTile:
    """A tile of a proof with its hashes; the line, and the offset of that line in the proof."""

    tile: Tile
    row: bytes
    line: int
    offset: int


class ProofParser:
    """Parses the lines of a proof in order: `head`, then all of `tiles`, then `positions`.

    Raises VerificationError with the line. `archived`: the proof of an archived month. `line` and `offset` are those of
    the line that is parsed next.
    """

    def __init__(self, lines: Iterable[bytes], *, archived: bool) -> None:
        self.line, self.offset = 1, 0
        self._lines, self._archived = iter(lines), archived
        self._current: bytes | None = next(self._lines, None)

    def head(self) -> ProofHead:
        """The first line."""
        with located("proof", 1):
            hash_type = type(None) if self._archived else str
            value = self._value() or {}
            form, note, records, digest = members(value, format=str, checkpoint=str, records=int, sha256=hash_type)
            if form != FORMAT or records < 0 or not (self._archived or _SHA256.fullmatch(digest)):
                raise ValueError(f"is not the first line of a {FORMAT}")
        self._advance()
        return ProofHead(note, records, digest)

    def tiles(self, size: int) -> Iterator[ProofTile]:
        """The tiles, which are those of a log of `size` leaves: all above the leaves, ascending at level 0."""
        upper, last = iter(upper_tiles(size)), -1
        expected = next(upper, None)
        while True:
            with located("proof", self.line):
                value = self._value()
                if value is None or "positions" in value:
                    break
                tile, row = parse_tile(value, size)
                if expected and tile != expected:
                    raise ValueError(f"must be tile {expected.number} of level {expected.level}")
                if not expected and (tile.level or tile.number <= last):
                    raise ValueError("the tiles are not in ascending order")
            last = last if expected else tile.number
            expected = next(upper, None) if expected else None
            yield ProofTile(tile, row, self.line, self.offset)
            self._advance()
        if expected or (size % WIDTH and last != size // WIDTH):
            raise VerificationError("tiles are missing before this line", file="proof", line=self.line)

    def positions(self, size: int) -> Iterator[int | None]:
        """The index of each record in a log of `size` leaves."""
        while self._current is not None:
            with located("proof", self.line):
                (found,) = members(self._value() or {}, positions=list)
                self._check_positions(found, size)
            yield from found
            self._advance()

    def _check_positions(self, found: list[Any], size: int) -> None:
        if not 0 < len(found) <= _POSITIONS:
            raise ValueError(f"must have 1 to {_POSITIONS} positions")
        known = [index for index in found if index is not None] if self._archived else found
        if not all(type(index) is int and 0 <= index < size for index in known):
            raise ValueError(f"a position is not an index in a log of {size} records")

    def _value(self) -> dict[str, Any] | None:
        """The object of the current line; None after the last. Raises ValueError."""
        return None if self._current is None else parse_line(self._current)

    def _advance(self) -> None:
        self.line, self.offset = self.line + 1, self.offset + len(self._current or b"")
        self._current = next(self._lines, None)


def parse_line(line: bytes) -> dict[str, Any]:
    """The object of a line with its newline. Raises ValueError."""
    if not line.endswith(b"\n"):
        raise ValueError("is cut off, or longer than any line of a proof")
    return parse_object(line[:-1])[0]


def parse_tile(value: dict[str, Any], size: int) -> tuple[Tile, bytes]:
    """A tile of a log of `size` leaves and its hashes. Raises ValueError."""
    level, number, encoded = members(value, level=int, number=int, hashes=str)
    if level not in _LEVELS or number not in range(((size >> 8 * level) + WIDTH - 1) // WIDTH):
        raise ValueError(f"a log of {size} records has no tile {number} of level {level}")
    tile, row = tile_at(level, number, size), decode(encoded)
    if len(row) != tile.width * HASH_BYTES:
        raise ValueError(f"tile {number} of level {level} must have {tile.width} hashes")
    return tile, row


def split_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a proof from its bytes in pieces; the last without a newline where it is cut off or too long."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > LONGEST_LINE:
            break
    if rest:
        yield rest


def _line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
