"""An archived month: its file against the manifest, in constant memory, and against the log where there is a proof."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import IO, BinaryIO, cast

import zstandard

from chancery.archive.contents import Bounds, Manifest, PartShown, Place
from chancery.archive.months import Month
from chancery.core.formats.times import to_rfc3339
from chancery.sealing.models import log_name
from chancery.tlog.merkle import HASH_BYTES, CompactRange, leaf_hash
from chancery.tlog.signed_notes import VerifierKey
from chancery.tlog.tiles import WIDTH
from chancery.verification.exports import checked, chunks
from chancery.verification.failure import DoesNotHold, at, reason, ref_id_of
from chancery.verification.parsing import open_note, parse
from chancery.verification.proofs import ExportProof
from chancery.verification.records import entry_of

_BLOCK = 1 << 20  # bytes
_LARGEST_WINDOW = 1 << 27  # bytes; a frame may not ask for more memory


@dataclass(frozen=True, slots=True)
class SealedArchive:
    """An archive that holds. `size` is that of the log it was compared with, None where there was no proof."""

    manifest: Manifest
    size: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """Lines one after the other: the leaf hashes of good ones, first and last place, and where they stop being good."""

    leaves: bytes
    first: Place | None
    last: Place | None
    failure: str | None = None


def verify_archive(
    file: BinaryIO,
    manifest: bytes,
    proof: BinaryIO | None = None,
    key: VerifierKey | None = None,
    *,
    workers: int = 0,
    names: tuple[str, str, str] = ("archive", "manifest", "proof"),
    advance: Callable[[int], None] = lambda _: None,
) -> SealedArchive:
    """Checks an archive's file (seekable), and by a proof (with its key) that the log has its records.

    Raises DoesNotHold. Without a proof, file and manifest only agree with each other. `workers`: processes, 0 for none
    but this one. `advance` is told the bytes of the file that were read.
    """
    with at(names[1]):
        parse(manifest)  # each key once
        described = Manifest.parse(manifest)
        bounds = _bounds(described)
        if described.key != _key_of(described):
            raise ValueError(f"its key is not {_key_of(described)}, where its tenant's month is")
    proven = _proof(proof, key, described, names) if proof and key else None
    records = _Records(described, names[0], proven)
    texts = _texts(file, described, names[0], advance)
    with closing(checked(texts, partial(check_run, bounds), workers)) as runs:
        for chunk, run in runs:
            records.take(chunk, run)
    records.finish(names[1])
    return SealedArchive(described, proven.checkpoint.size if proven else None)


def check_run(bounds: Bounds, chunk: bytes) -> Run:
    """Recomputes digests and leaf hashes of whole lines, up to the first that does not hold."""
    *lines, rest = chunk.split(b"\n")
    leaves, first, last = bytearray(), None, None
    for line in lines:
        try:
            record, _ = parse(line)
            entry, last = entry_of(record), bounds.check(record, last)
        except (LookupError, TypeError):
            return Run(bytes(leaves), first, last, "is not a record of an archive")
        except (ValueError, RecursionError) as exc:
            return Run(bytes(leaves), first, last, reason(exc))
        leaves += leaf_hash(entry)
        first = first or last
    return Run(bytes(leaves), first, last, "the line is cut off, or longer than any record" if rest else None)


class _Records:
    """Takes the records of a file in their order, and compares them with manifest and log."""

    def __init__(self, manifest: Manifest, name: str, proof: ExportProof | None) -> None:
        self._manifest, self._name, self._proof = manifest, name, proof
        self._positions = proof.positions() if proof else None
        self._tree, self._bytes = CompactRange(), 0
        self._last: Place | None = None
        self._sealed = 0
        self._indexes: tuple[int, int] | None = None  # first and last in the log of those with a leaf

    def take(self, chunk: bytes, run: Run) -> None:
        """Takes the next lines with what was found out about them."""
        first, hashes = self._tree.size, run.leaves
        if run.first is not None:
            self._follow(run.first, chunk)
        for start in range(0, len(hashes), HASH_BYTES):
            leaf = hashes[start : start + HASH_BYTES]
            index = self._index(leaf, chunk, first)
            self._tree.append(leaf)
            if index is not None:
                self._count(index)
        self._last = run.last or self._last
        self._bytes += len(chunk)
        if run.failure:
            raise self._failure(run.failure, chunk, first)

    def finish(self, manifest_name: str) -> None:
        """After the last line."""
        manifest, log = self._manifest, self._manifest.log
        if (self._tree.size, self._bytes) != (manifest.records, manifest.raw_bytes):
            what = (
                f"has {self._tree.size} records in {self._bytes} bytes, and {manifest.records} in {manifest.raw_bytes}"
            )
            raise DoesNotHold(f"{what} were archived", file=self._name)
        if self._last != (manifest.last.created_on, manifest.last.ref_id):
            raise DoesNotHold("the last record is not the one that it names", file=manifest_name)
        if self._tree.root().hex() != manifest.content_root:
            raise DoesNotHold("the records do not make its content root", file=manifest_name)
        if self._proof and self._positions:
            if any(True for _ in self._positions):
                raise DoesNotHold("is about more records than the file has", file=self._proof.name)
            found = (self._sealed, *(self._indexes or (None, None)))
            if found != (log.sealed, log.first_index, log.last_index):
                raise DoesNotHold("the records are not where it says they are in the log", file=manifest_name)

    def _follow(self, place: Place, chunk: bytes) -> None:
        """That the first record of a chunk may come where it does."""
        if self._last is not None and place <= self._last:
            raise self._failure("the record is out of order, or twice in the file", chunk, self._tree.size)
        first = self._manifest.first
        if self._last is None and place != (first.created_on, first.ref_id):
            raise self._failure("is not the first record that the manifest names", chunk, self._tree.size)

    def _index(self, leaf: bytes, chunk: bytes, first: int) -> int | None:
        """Where the log has the record that comes next; None for one without a leaf, and without a proof."""
        if self._proof is None or self._positions is None:
            return None
        try:
            index = next(self._positions)
        except StopIteration:
            raise self._failure("the proof has no position for this line", chunk, first) from None
        if index is None:
            return None
        try:
            row = self._proof.row(0, index // WIDTH)
        except LookupError as exc:
            raise self._failure(str(exc.args[0]), chunk, first, index) from None
        place = index % WIDTH * HASH_BYTES
        if row[place : place + HASH_BYTES] != leaf:
            raise self._failure("the log has another record at this index", chunk, first, index)
        return index

    def _count(self, index: int) -> None:
        self._sealed += 1
        first, last = self._indexes or (index, index)
        self._indexes = min(first, index), max(last, index)

    def _failure(self, what: str, chunk: bytes, first: int, index: int | None = None) -> DoesNotHold:
        """About the line that follows those that were taken; the chunk's first is number `first` of the file."""
        try:
            ref_id = ref_id_of(parse(chunk.split(b"\n")[self._tree.size - first])[0])
        except (IndexError, ValueError, RecursionError):
            ref_id = None
        return DoesNotHold(what, file=self._name, line=self._tree.size + 1, index=index, ref_id=ref_id)


def _key_of(manifest: Manifest) -> str:
    return f"archives/{log_name(manifest.tenant_id)}/{manifest.month}/{manifest.supplement:03d}.ndjson.zst"


def _bounds(manifest: Manifest) -> Bounds:
    month = Month.parse(manifest.month)
    created = to_rfc3339(month.start), to_rfc3339(month.end)
    return Bounds(manifest.tenant_id, created, (manifest.recorded_from, manifest.recorded_to))


def _proof(file: BinaryIO, key: VerifierKey, manifest: Manifest, names: tuple[str, str, str]) -> ExportProof:
    """The proof, which is of this archive, and of this tenant's log."""
    proof = ExportProof(file, key, names[2], of_archive=True)
    log = log_name(manifest.tenant_id)
    if manifest.log.name != log or key.name.rpartition("/")[2] != log:
        raise DoesNotHold(f"the log of its tenant is {log}, and the key is that of {key.name}", file=names[1])
    with at(names[1]):
        if manifest.log.checkpoint is None or open_note(manifest.log.checkpoint, key) != proof.checkpoint:
            raise ValueError("the checkpoint is not that of the proof")
    if proof.records != manifest.records:
        what = f"is for an archive of {proof.records} records, and this one has {manifest.records}"
        raise DoesNotHold(what, file=names[2], line=1)
    return proof


def _texts(file: BinaryIO, manifest: Manifest, name: str, advance: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file, about a megabyte of them at a time; each part only once its hash is right."""
    size = file.seek(0, 2)
    start = 0
    for part in manifest.parts:
        end = start + part.bytes
        _check_hash(file, start, part, name)
        try:
            yield from chunks(_decompressed(_Span(file, start, end, advance)))
        except zstandard.ZstdError as exc:
            raise DoesNotHold(f"{_named(part, start)} cannot be decompressed: {exc}", file=name) from None
        start = end
    if size != start:
        raise DoesNotHold(f"has {size} bytes, and {start} were archived", file=name)


def _check_hash(file: BinaryIO, start: int, part: PartShown, name: str) -> None:
    digest, span = sha256(), _Span(file, start, start + part.bytes)
    while block := span.read(_BLOCK):
        digest.update(block)
    if span.at != start + part.bytes:
        raise DoesNotHold(f"is cut off at byte {span.at}, within {_named(part, start)}", file=name)
    if digest.hexdigest() != part.sha256:
        raise DoesNotHold(f"{_named(part, start)}, is not what was archived: its SHA-256 is another", file=name)


def _named(part: PartShown, start: int) -> str:
    return f"part {part.number}, bytes {start} to {start + part.bytes - 1}"


def _decompressed(span: "_Span") -> zstandard.ZstdDecompressionReader:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    return decompressor.stream_reader(cast(IO[bytes], span), read_across_frames=True, closefd=False)


class _Span:
    """The bytes [start, end) of a file, to be read once."""

    def __init__(self, file: BinaryIO, start: int, end: int, advance: Callable[[int], None] = lambda _: None) -> None:
        self.at = start
        self._file, self._end, self._advance = file, end, advance

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        left = self._end - self.at
        self._file.seek(self.at)
        block = self._file.read(left if size < 0 else min(size, left))
        self.at += len(block)
        self._advance(len(block))
        return block
