"""Verification of records, exports and archived months in files: reads them, and has processes check their chunks."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from chancery.archive.files import decompressed
from chancery.audit.record_verification import read_record, verify_digest
from chancery.cli.checkpoints import opener
from chancery.sealing.models import log_name
from chancery.tlog.archive_check import ArchiveCheck, check_part, check_positions, check_proof_head
from chancery.tlog.archive_manifest import Manifest
from chancery.tlog.errors import VerificationError, located, ref_id_of
from chancery.tlog.export_check import ExportCheck, check_age
from chancery.tlog.export_proof import LONGEST_LINE
from chancery.tlog.inclusion import InclusionProof
from chancery.tlog.layout import ArchiveKeys
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.proof_file import ProofFile
from chancery.tlog.record_lines import CheckedChunk, LeafComparison, ReadRecord, check_chunk, chunks
from chancery.tlog.signed_notes import Checkpoint, VerifierKey
from chancery.tlog.strict_json import parse_object

_PIECE = 1 << 20  # bytes read at once

Advance = Callable[[int], object]  # called with the count of bytes that were read


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """The place of a verified record in its log."""

    log: str
    size: int
    index: int
    ref_id: str


@dataclass(frozen=True, slots=True)
class SealedExport:
    """A verified export. `complete`: it has every record that the log had at `size`."""

    log: str
    size: int
    records: int

    @property
    def complete(self) -> bool:
        return self.records == self.size


@dataclass(frozen=True, slots=True)
class SealedArchive:
    """A verified archive. `size` of the log that it was compared with, None without a proof."""

    manifest: Manifest
    size: int | None


def verify_record(record: bytes, proof: bytes, key: VerifierKey) -> SealedRecord:
    """Verifies a record (JSON) by its proof (tlog-proof, or the JSON form of the API). Raises VerificationError."""
    with located("proof"):
        found = InclusionProof.parse(proof, opener(key))
    with located("record"):
        content, _ = parse_object(record)
    index, ref_id = found.index, ref_id_of(content)
    with located("record", index=index, ref_id=ref_id):
        verify_digest(content)
        entry = leaf_entry(content)
    with located("proof", index=index, ref_id=ref_id):
        is_in_log = found.leads_to_root(entry)
    if not is_in_log:
        what = "the log has no such record at this index"
        raise VerificationError(what, file="record", index=index, ref_id=ref_id)
    return SealedRecord(key.name, found.checkpoint.size, index, content["refId"])


def verify_export(
    export: BinaryIO,
    proof: BinaryIO,
    key: VerifierKey,
    *,
    newer: Checkpoint | None = None,
    workers: int = 0,
    advance: Advance = lambda _: None,
    read: ReadRecord = read_record,
) -> SealedExport:
    """Verifies an NDJSON export by its proof (seekable), in constant memory. Raises VerificationError.

    `newer`: the proof must not be older than this checkpoint. `workers`: processes, 0 for none but this one.
    """
    proven = ProofFile(_line_reader(proof), opener(key))
    if newer:
        check_age(proven, newer)
    check, pieces = ExportCheck(proven), iter(partial(export.read, _PIECE), b"")
    with closing(in_processes(chunks(pieces), partial(check_chunk, read, None), workers)) as results:
        for chunk, checked in results:
            check.take(chunk, checked)
            advance(len(chunk))
    check.finish()
    return SealedExport(key.name, proven.checkpoint.size, check.records)


def verify_archive(
    file: BinaryIO,
    manifest: bytes,
    proof: BinaryIO | None = None,
    key: VerifierKey | None = None,
    *,
    workers: int = 0,
    advance: Advance = lambda _: None,
) -> SealedArchive:
    """Verifies the file of an archived month (seekable) and by a proof that the log has its records.

    Raises VerificationError. Without proof and key, file and manifest only agree with each other.
    """
    with located("manifest"):
        described = Manifest.parse(manifest)
        expected = ArchiveKeys.of(log_name(described.tenant_id), described.month, described.supplement).file
        if described.key != expected:
            raise ValueError(f"its key is not {expected}, where its tenant's month is")
    proven = _archive_proof(proof, key, described) if proof and key else None
    comparison = LeafComparison(proven.positions(), proven.leaves) if proven else None
    check, raw_bytes = ArchiveCheck(described, comparison), 0
    checking = partial(check_chunk, read_record, described.bounds)
    with closing(in_processes(_archived_chunks(file, described, advance), checking, workers)) as results:
        for chunk, checked in results:
            check.take(chunk, checked)
            raw_bytes += len(chunk)
    check.finish()
    if raw_bytes != described.raw_bytes:
        what = f"has {raw_bytes} bytes of records, and {described.raw_bytes} were archived"
        raise VerificationError(what, file="archive")
    return SealedArchive(described, proven.checkpoint.size if proven else None)


def in_processes(
    texts: Iterable[bytes], check: Callable[[bytes], CheckedChunk], workers: int
) -> Generator[tuple[bytes, CheckedChunk]]:
    """Each chunk, in order, with the findings about it."""
    if not workers:
        for text in texts:
            yield text, check(text)
        return
    # Spawned: a progress bar has a thread, and a fork could copy a lock that the thread holds.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    waiting: deque[tuple[bytes, Future[CheckedChunk]]] = deque()
    try:
        for text in texts:
            waiting.append((text, pool.submit(check, text)))
            if len(waiting) > 2 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _archive_proof(file: BinaryIO, key: VerifierKey, manifest: Manifest) -> ProofFile:
    """The proof of an archive, which is of the log of its tenant."""
    proof, log = ProofFile(_line_reader(file), opener(key), archived=True), log_name(manifest.tenant_id)
    if manifest.log.name != log or key.name.rpartition("/")[2] != log:
        raise VerificationError(f"the log of its tenant is {log}, and the key is that of {key.name}", file="manifest")
    check_proof_head(proof.head, manifest)
    check_positions(proof.positions(), manifest, proof.has_leaf)
    return proof


def _archived_chunks(file: BinaryIO, manifest: Manifest, advance: Advance) -> Iterator[bytes]:
    """The lines of a file; each part only once its hash is verified."""
    size = file.seek(0, 2)
    for part in manifest.parts:
        span = manifest.span(part)
        check_part(manifest, part, _pieces(file, *span))
        try:
            yield from chunks(decompressed(_pieces(file, *span, advance)))
        except ValueError as exc:
            raise VerificationError(f"{manifest.describe(part)} {exc}", file="archive") from None
    if size != manifest.bytes:
        raise VerificationError(f"has {size} bytes, and {manifest.bytes} were archived", file="archive")


def _pieces(file: BinaryIO, start: int, end: int, advance: Advance = lambda _: None) -> Iterator[bytes]:
    """The bytes [start, end) of a file, as far as it has them."""
    while start < end:
        file.seek(start)
        piece = file.read(min(_PIECE, end - start))
        if not piece:
            return
        start += len(piece)
        advance(len(piece))
        yield piece


def _line_reader(file: BinaryIO) -> Callable[[int], bytes]:
    """Reads the line at an offset of a proof."""

    def read_line(offset: int) -> bytes:
        file.seek(offset)
        return file.readline(LONGEST_LINE)

    return read_line
