"""An export line by line against its proof, in constant memory, digests in worker processes."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, Protocol

from chancery.tlog.merkle import HASH_BYTES, leaf_hash
from chancery.tlog.signed_notes import Checkpoint, VerifierKey
from chancery.tlog.tiles import WIDTH
from chancery.verification.failure import DoesNotHold, reason, ref_id_of
from chancery.verification.parsing import parse
from chancery.verification.proofs import ExportProof
from chancery.verification.records import entry_of

_CHUNK = 1 << 20  # bytes
_LONGEST_LINE = 1 << 26  # a record has at most 16 MB, and JSON escapes


class Readable(Protocol):
    """A file as far as it is needed here."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class SealedExport:
    """An export that holds. `complete`: it has every record that the log had at `size`."""

    log: str
    size: int
    records: int

    @property
    def complete(self) -> bool:
        return self.records == self.size


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is to say about lines without the log: the leaf hashes of good ones, and where they stop being good.

    `unlike`: place of the first line that is not written as Chancery writes it.
    """

    leaves: bytes
    unlike: int | None = None
    failure: str | None = None


def verify_export(
    export: BinaryIO,
    proof: BinaryIO,
    key: VerifierKey,
    *,
    newer: Checkpoint | None = None,
    workers: int = 0,
    names: tuple[str, str] = ("export", "export.proof"),
    advance: Callable[[int], None] = lambda _: None,
) -> SealedExport:
    """Checks an NDJSON export against its proof (seekable). Raises DoesNotHold.

    `newer`: the proof must not be older than this checkpoint. `workers`: processes, 0 for none but this one. `advance`
    is told the bytes that were read.
    """
    proven = ExportProof(proof, key, names[1])
    if newer:
        _check_age(proven, newer)
    lines = _Lines(names[0], proven)
    with closing(checked(chunks(export), check_lines, workers)) as results:
        for chunk, found in results:
            lines.take(chunk, found)
            advance(len(chunk))
    lines.finish()
    return SealedExport(key.name, proven.checkpoint.size, lines.count)


class _Lines:
    """Compares lines, in order, with what the log has where the proof says they are."""

    def __init__(self, name: str, proof: ExportProof) -> None:
        self.count = 0
        self._name, self._proof = name, proof
        self._positions = proof.positions()
        self._seen = bytearray(proof.checkpoint.size // 8 + 1)  # a bit for each index
        self._file_hash = sha256()
        self._unlike: int | None = None

    def take(self, chunk: bytes, checked: Checked) -> None:
        """Takes the next lines with what was found out about them."""
        self._file_hash.update(chunk)
        if checked.unlike is not None and self._unlike is None:
            self._unlike = self.count + checked.unlike + 1
        first, leaves = self.count, checked.leaves
        for start in range(0, len(leaves), HASH_BYTES):
            index = next(self._positions, None)
            self.count += 1
            wrong = self._compare(index, leaves[start : start + HASH_BYTES])
            if wrong:
                raise self._failure(wrong, chunk, self.count - first - 1, index)
        if checked.failure:
            self.count += 1
            raise self._failure(checked.failure, chunk, self.count - first - 1, next(self._positions, None))

    def finish(self) -> None:
        """After the last line."""
        missing = next(self._positions, None)
        if missing is not None:
            raise DoesNotHold("the record is missing", file=self._name, line=self.count + 1, index=missing)
        if self.count != self._proof.records:
            what = f"is for an export of {self._proof.records} records, and this one has {self.count}"
            raise DoesNotHold(what, file=self._proof.name, line=1)
        if self._file_hash.hexdigest() != self._proof.sha256:
            what = "every record holds, but the file is not the one that was exported: its SHA-256 is another"
            hint = ", and this line is not written as Chancery writes it" if self._unlike else ""
            raise DoesNotHold(what + hint, file=self._name, line=self._unlike)

    def _compare(self, index: int | None, leaf: bytes) -> str | None:
        """What is wrong with a line of this leaf hash at an index."""
        if index is None:
            return "the proof has no position for this line"
        byte, bit = index >> 3, 1 << (index & 7)
        if self._seen[byte] & bit:
            return "the proof gives this index to an earlier line, too"
        self._seen[byte] |= bit
        try:
            row = self._proof.row(0, index // WIDTH)
        except LookupError as exc:
            return str(exc.args[0])
        place = index % WIDTH * HASH_BYTES
        return None if row[place : place + HASH_BYTES] == leaf else "the log has another record at this index"

    def _failure(self, what: str, chunk: bytes, place: int, index: int | None) -> DoesNotHold:
        try:
            ref_id = ref_id_of(parse(chunk.split(b"\n", place + 1)[place])[0])
        except (ValueError, RecursionError):
            ref_id = None
        return DoesNotHold(what, file=self._name, line=self.count, index=index, ref_id=ref_id)


def check_lines(chunk: bytes) -> Checked:
    """Recomputes digests and leaf hashes of whole lines, up to the first that does not hold."""
    *lines, rest = chunk.split(b"\n")
    leaves, unlike = bytearray(), None
    for place, line in enumerate(lines):
        try:
            leaf, as_written = leaf_of(line)
        except (ValueError, RecursionError) as exc:
            return Checked(bytes(leaves), unlike, reason(exc))
        leaves += leaf
        if not as_written and unlike is None:
            unlike = place
    return Checked(bytes(leaves), unlike, "the line is cut off, or longer than any record" if rest else None)


def leaf_of(line: bytes) -> tuple[bytes, bool]:
    """The leaf hash of a record, and whether it is written as Chancery writes it. Raises ValueError."""
    record, as_written = parse(line)
    return leaf_hash(entry_of(record)), as_written


def chunks(file: Readable) -> Iterator[bytes]:
    """Whole lines, about a megabyte of them at a time; last, without a newline, a line that has no end."""
    rest = b""
    while len(rest) < _LONGEST_LINE and (block := file.read(_CHUNK)):
        whole, newline, tail = block.rpartition(b"\n")
        if newline:
            yield rest + whole + newline
            rest = tail
        else:
            rest += tail
    if rest:
        yield rest


def checked[Found](
    chunks: Iterable[bytes], check: Callable[[bytes], Found], workers: int
) -> Generator[tuple[bytes, Found]]:
    """Each chunk, in order, with what was found out about it."""
    if not workers:
        for chunk in chunks:
            yield chunk, check(chunk)
        return
    # Not forked: a progress bar has a thread, which a fork would catch halfway.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    waiting: deque[tuple[bytes, Future[Found]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(check, chunk)))
            if len(waiting) > 2 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check_age(proof: ExportProof, newer: Checkpoint) -> None:
    """That the proof is not older than a checkpoint, and of the same log."""
    own = proof.checkpoint
    if own.size < newer.size:
        what = f"the export is of an older state: the log had {own.size} records, and the checkpoint given {newer.size}"
        raise DoesNotHold(what, file=proof.name)
    root = own.root if own.size == newer.size else proof.root_at(newer.size)
    if root is None:
        what = f"the proof lacks the tile that shows its log of {own.size} to continue that of {newer.size} records"
        raise DoesNotHold(f"{what}; see chancery verify consistency", file=proof.name)
    if root != newer.root:
        what = f"the log is another: at {newer.size} records its root is not that of the checkpoint given"
        raise DoesNotHold(what, file=proof.name)
