"""The proof beside an archived file, compared with the log that it is about while it streams past.

Lines of JSON as `chancery.sealing.export_proofs` writes them; `sha256` is null (the manifest has the file's), and so is
the position of a record without a leaf.
"""

from array import array
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

import orjson

from chancery.archive.contents import Manifest

FORMAT = "chancery-export-proof@v1"
LEAVES = 256  # of a tile
_MOST_POSITIONS = 1000  # of a line
_LONGEST_LINE = 1 << 20  # bytes; a full tile takes 11 KB, a thousand positions at most 20 KB


class LogTile(Protocol):
    """A tile by its place."""

    @property
    def level(self) -> int: ...
    @property
    def number(self) -> int: ...


class SealedLog(Protocol):
    """A log as it was at a checkpoint: `sealing.believed.VerifiedTileReader`. It raises LookupError and ValueError."""

    @property
    def upper(self) -> Sequence[LogTile]: ...
    def check(self, level: int, number: int, row: bytes) -> None: ...
    def leaves(self, indexes: Sequence[int]) -> list[bytes]: ...


def check(lines: Iterable[bytes], manifest: Manifest, log: SealedLog) -> int:
    """Checks a proof; the byte at which its positions begin. Raises ValueError, for a tile naming its line."""
    numbered = enumerate(lines, 1)
    tiles, offset, last = _Tiles(log), 0, b""
    for number, line in numbered:
        try:
            value = _parsed(line)
            if number == 1:
                _check_head(value, manifest)
            elif "positions" in value:
                last = line
                break
            else:
                tiles.take(value)
        except (LookupError, ValueError) as exc:
            raise ValueError(f"line {number}: {_reason(exc)}") from exc
        offset += len(line)
    tiles.finish()
    _check_positions(positions(chain([last] if last else [], (line for _, line in numbered))), manifest, tiles)
    return offset


def positions(lines: Iterable[bytes]) -> Iterator[int | None]:
    """The index in the log of each record, from the lines that hold them. Raises ValueError."""
    for line in lines:
        found = _parsed(line).get("positions")
        if not isinstance(found, list) or not 0 < len(found) <= _MOST_POSITIONS:
            raise ValueError("it has something else among its positions")
        if not all(index is None or (type(index) is int and index >= 0) for index in found):
            raise ValueError("it has a position that is none")
        yield from found


class _Tiles:
    """Takes tiles in their order, and compares each with the log's."""

    def __init__(self, log: SealedLog) -> None:
        self._log = log
        self._upper = iter(log.upper)
        self._expected = next(self._upper, None)
        self.numbers = array("Q")  # of the tiles of leaves, ascending

    def take(self, value: dict[str, Any]) -> None:
        """Takes the next one. Raises LookupError, ValueError."""
        level, number, row = _tile(value)
        expected = self._expected
        if expected is not None:
            if (level, number) != (expected.level, expected.number):
                raise ValueError(f"must be tile {expected.number} of level {expected.level}")
            self._expected = next(self._upper, None)
        elif level != 0 or (self.numbers and number <= self.numbers[-1]):
            raise ValueError("is a tile out of order")
        self._log.check(level, number, row)
        if level == 0:
            self.numbers.append(number)

    def finish(self) -> None:
        """After the last one. Raises ValueError."""
        if self._expected is not None:
            raise ValueError("it lacks a tile above the leaves")

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self.numbers, number)
        return place < len(self.numbers) and self.numbers[place] == number


def _check_positions(indexes: Iterable[int | None], manifest: Manifest, tiles: _Tiles) -> None:
    """That there is a position for each record, its tile with it, and that they are where the manifest says."""
    count, sealed, first, last = 0, 0, None, None
    for index in indexes:
        count += 1
        if index is None:
            continue
        if index // LEAVES not in tiles:
            raise ValueError(f"it lacks the tile of index {index}")
        sealed += 1
        first = index if first is None else min(first, index)
        last = index if last is None else max(last, index)
    if count != manifest.records:
        raise ValueError(f"it is about {count} records, and the file has {manifest.records}")
    if (sealed, first, last) != (manifest.log.sealed, manifest.log.first_index, manifest.log.last_index):
        raise ValueError("its records are not where the manifest says they are in the log")


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in a proof that comes in pieces, each with its newline. Raises ValueError where one has no end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > _LONGEST_LINE:
            raise ValueError("it has a line that is longer than any")
    if rest:
        raise ValueError("it is cut off")


def _parsed(line: bytes) -> dict[str, Any]:
    value = orjson.loads(line)
    if not isinstance(value, dict) or orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) != line:
        raise ValueError("is not written as Chancery writes it")
    return value


def _check_head(value: dict[str, Any], manifest: Manifest) -> None:
    expected = {"format": FORMAT, "checkpoint": manifest.log.checkpoint, "records": manifest.records, "sha256": None}
    if value != expected:
        raise ValueError("is not the beginning of this archive's proof")


def _tile(value: dict[str, Any]) -> tuple[int, int, bytes]:
    level, number, hashes = value.get("level"), value.get("number"), value.get("hashes")
    if value.keys() != {"level", "number", "hashes"} or type(level) is not int or type(number) is not int:
        raise ValueError("is not a tile")
    row = b64decode(str(hashes), validate=True)
    if b64encode(row).decode() != hashes:
        raise ValueError("has base64 that is not canonical")
    return level, number, row


def _reason(exc: Exception) -> str:
    """A message as it is; not with the quotes that KeyError puts around it, nor with the text that was not JSON."""
    if isinstance(exc, orjson.JSONDecodeError):
        return "is not JSON"
    return str(exc.args[0]) if exc.args else type(exc).__name__
