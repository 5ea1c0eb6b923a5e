"""An export against its proof: each line is the record that the log has at its position, and the file is whole."""

from collections.abc import Iterator
from hashlib import sha256

from chancery.tlog.errors import VerificationError
from chancery.tlog.proof_file import ProofFile
from chancery.tlog.record_lines import CheckedChunk, LeafComparison, naming_record
from chancery.tlog.signed_notes import Checkpoint


class ExportCheck:
    """Takes the chunks of an export in their order. Raises VerificationError."""

    def __init__(self, proof: ProofFile) -> None:
        self.records = 0
        self._proof = proof
        self._positions = proof.positions()
        self._comparison = LeafComparison(_each_once(self._positions, proof.checkpoint.size), proof.leaves)
        self._file_hash = sha256()
        self._unlike: int | None = None  # the first line that is not written as Chancery writes it

    def take(self, chunk: bytes, checked: CheckedChunk) -> None:
        """Takes the next chunk with the findings of `check_chunk` about it."""
        self._file_hash.update(chunk)
        first_line = self.records + 1
        if checked.unlike is not None and self._unlike is None:
            self._unlike = first_line + checked.unlike
        with naming_record("export", chunk, first_line):
            self._comparison.take(checked.leaves, first_line)
            self.records += len(checked.leaves)
            if checked.failure:
                index = next(self._positions, None)
                raise VerificationError(checked.failure, line=self.records + 1, index=index)

    def finish(self) -> None:
        """After the last chunk."""
        head, missing = self._proof.head, next(self._positions, None)
        if missing is not None:
            raise VerificationError("the record is missing", file="export", line=self.records + 1, index=missing)
        if self.records != head.records:
            what = f"is for an export of {head.records} records, and this one has {self.records}"
            raise VerificationError(what, file="proof", line=1)
        if self._file_hash.hexdigest() != head.sha256:
            what = "every record holds, but the file is not the one that was exported: its SHA-256 is another"
            hint = ", and this line is not written as Chancery writes it" if self._unlike else ""
            raise VerificationError(what + hint, file="export", line=self._unlike)


def check_age(proof: ProofFile, newer: Checkpoint) -> None:
    """Checks that a proof is not older than a checkpoint, and of the same log. Raises VerificationError."""
    own = proof.checkpoint
    if own.size < newer.size:
        what = f"the export is of an older state: the log had {own.size} records, and the checkpoint given {newer.size}"
        raise VerificationError(what, file="proof")
    root = own.root if own.size == newer.size else proof.root_at(newer.size)
    if root is None:
        what = f"the proof lacks the tile that shows its log of {own.size} to continue that of {newer.size} records"
        raise VerificationError(f"{what}; see chancery verify consistency", file="proof")
    if root != newer.root:
        what = f"the log is another: at {newer.size} records its root is not that of the checkpoint given"
        raise VerificationError(what, file="proof")


def _each_once(positions: Iterator[int | None], size: int) -> Iterator[int | None]:
    """The positions in a log of `size` leaves. Raises VerificationError at one that was there before."""
    seen = bytearray(size // 8 + 1)  # a bit for each index
    for index in positions:
        if index is not None:
            byte, bit = index >> 3, 1 << (index & 7)
            if seen[byte] & bit:
                raise VerificationError("the proof gives this index to an earlier line, too", index=index)
            seen[byte] |= bit
        yield index
