"""Records as JSON lines: split into chunks, each chunk checked by itself, then compared with a log in order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chancery.tlog.archive_manifest import Bounds, SortKey
from chancery.tlog.errors import VerificationError, reason, ref_id_of
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.strict_json import parse_object

# Parses a line without its newline: the record in its JSON form, and whether the line is written as Chancery writes it.
# Raises ValueError where the content of the record does not have its digest.
ReadRecord = Callable[[bytes], tuple[Mapping[str, Any], bool]]

CHUNK_BYTES = 1 << 20
_LONGEST_LINE = 1 << 26  # bytes; a record has at most 16 MB, and JSON escapes


@dataclass(frozen=True, slots=True)
class CheckedChunk:
    """The findings about a chunk without the log: leaf hashes of the valid lines, up to the first invalid one.

    `first`, `last`: sort keys of the first and last valid record, where bounds were given. `unlike`: index in the chunk
    of the first line that is not written as Chancery writes it. `failure`: the error of the invalid line.
    """

    leaves: Sequence[bytes]
    first: SortKey | None = None
    last: SortKey | None = None
    unlike: int | None = None
    failure: str | None = None


def chunks(pieces: Iterable[bytes], size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time; the last chunk ends without a newline where a line has no end."""
    buffer, end = bytearray(), 0  # the end of the last whole line
    for piece in pieces:
        newline = piece.rfind(b"\n")
        if newline >= 0:
            end = len(buffer) + newline + 1
        buffer += piece
        if end and len(buffer) >= size:
            yield bytes(buffer[:end])
            del buffer[:end]
            end = 0
        if len(buffer) - end >= _LONGEST_LINE:
            break
    if buffer:
        yield bytes(buffer)


def check_chunk(read: ReadRecord, bounds: Bounds | None, chunk: bytes) -> CheckedChunk:
    """Recomputes digests and leaf hashes of whole lines, up to the first that is invalid."""
    *lines, rest = chunk.split(b"\n")
    leaves, first, last, unlike = list[bytes](), None, None, None
    failure = "the line is cut off, or longer than any record" if rest else None
    for number, line in enumerate(lines):
        try:
            record, as_written = read(line)
            last = bounds.check(record, last) if bounds else None
            leaves.append(leaf_hash(leaf_entry(record)))
        except (AttributeError, LookupError, TypeError):
            failure = "is not a record"
            break
        except (ValueError, RecursionError) as exc:
            failure = reason(exc)
            break
        first = first or last
        unlike = number if unlike is None and not as_written else unlike
    return CheckedChunk(leaves, first, last, unlike, failure)


class LeafComparison:
    """Compares leaf hashes of records, in their order, with the leaves that a log has at the positions of a proof.

    `leaves_at` returns the log's leaf hashes at indexes; LookupError at one whose tile the proof lacks.
    """

    def __init__(self, positions: Iterator[int | None], leaves_at: Callable[[Sequence[int]], Iterable[bytes]]) -> None:
        self._positions, self._leaves_at = positions, leaves_at

    def take(self, leaves: Sequence[bytes], line: int) -> None:
        """Compares the next leaves, of which the first is at `line`. None as a position means no leaf.

        Raises VerificationError with line and index; LookupError and ValueError of the log.
        """
        indexes, failure = self._next_positions(len(leaves))
        expected = iter(self._leaves_at([index for index in indexes if index is not None]))
        for number, (leaf, index) in enumerate(zip(leaves, indexes, strict=False), line):
            if index is None:
                continue
            try:
                known = next(expected)
            except LookupError as exc:
                raise VerificationError(reason(exc), line=number, index=index) from exc
            if known != leaf:
                raise VerificationError("the log has another record at this index", line=number, index=index)
        if failure:
            failure.line = failure.line if failure.file else line + len(indexes)
            raise failure

    def _next_positions(self, count: int) -> tuple[list[int | None], VerificationError | None]:
        """The next positions, up to the first that is invalid, and the error of that one."""
        indexes = list[int | None]()
        try:
            for _ in range(count):
                indexes.append(next(self._positions))
        except StopIteration:
            return indexes, VerificationError("the proof has no position for this line")
        except VerificationError as exc:
            return indexes, exc
        return indexes, None


@contextmanager
def naming_record(file: str, chunk: bytes, first_line: int) -> Iterator[None]:
    """Adds the file and the refId of the line to a VerificationError about a line of a chunk."""
    try:
        yield
    except VerificationError as exc:
        if exc.file is None and exc.line is not None:
            exc.file, exc.ref_id = file, _ref_id(chunk, exc.line - first_line)
        raise


def _ref_id(chunk: bytes, number: int) -> str | None:
    try:
        return ref_id_of(parse_object(chunk.split(b"\n", number + 1)[number])[0])
    except (IndexError, ValueError, RecursionError):
        return None
