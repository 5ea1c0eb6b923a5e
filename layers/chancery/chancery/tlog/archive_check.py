"""An archived month against its manifest, and against the log by its proof: for the restore and the command line."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from hashlib import sha256

from chancery.tlog.archive_manifest import Manifest, ManifestPart, SortKey
from chancery.tlog.errors import VerificationError, located
from chancery.tlog.export_proof import ProofHead, ProofParser
from chancery.tlog.merkle import CompactRange
from chancery.tlog.record_lines import CheckedChunk, LeafComparison, naming_record
from chancery.tlog.tiles import WIDTH
from chancery.tlog.verified_tiles import VerifiedTileReader


class ArchiveCheck:
    """Takes the chunks of an archived month in their order. Raises VerificationError.

    `tree` over the leaves so far and `last`, the sort key of the last record, are all there is to resume with.
    """

    def __init__(
        self,
        manifest: Manifest,
        comparison: LeafComparison | None = None,
        tree: CompactRange | None = None,
        last: SortKey | None = None,
    ) -> None:
        self.tree, self.last = tree or CompactRange(), last
        self._manifest, self._comparison = manifest, comparison

    def take(self, chunk: bytes, checked: CheckedChunk) -> None:
        """Takes the next chunk with the findings of `check_chunk` about it, by the bounds of the manifest."""
        line = self.tree.size + 1
        with naming_record("archive", chunk, line):
            if checked.first is not None:
                self._check_first(checked.first, line)
            if self._comparison:
                self._comparison.take(checked.leaves, line)
            for leaf in checked.leaves:
                self.tree.append(leaf)
            self.last = checked.last or self.last
            if checked.failure:
                raise VerificationError(checked.failure, line=self.tree.size + 1)

    def finish(self) -> None:
        """After the last chunk."""
        manifest = self._manifest
        if self.tree.size != manifest.records:
            what = f"has {self.tree.size} records, and {manifest.records} were archived"
            raise VerificationError(what, file="archive")
        if self.last != manifest.last.sort_key:
            raise VerificationError("the last record is not the one that it names", file="manifest")
        if self.tree.root().hex() != manifest.content_root:
            raise VerificationError("the records do not make its content root", file="manifest")

    def _check_first(self, key: SortKey, line: int) -> None:
        """Checks that the first record of a chunk follows the last of the one before."""
        if self.last is not None and key <= self.last:
            raise VerificationError("the record is out of order, or twice in the file", line=line)
        if self.last is None and key != self._manifest.first.sort_key:
            raise VerificationError("is not the first record that the manifest names", line=line)


def check_part(manifest: Manifest, part: ManifestPart, pieces: Iterable[bytes]) -> None:
    """Checks that the bytes of a part are those that were archived. Raises VerificationError."""
    digest, size = sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    if size < part.bytes:
        at = manifest.span(part)[0] + size
        raise VerificationError(f"is cut off at byte {at}, within {manifest.describe(part)}", file="archive")
    if digest.hexdigest() != part.sha256:
        what = f"{manifest.describe(part)}, is not what was archived: its SHA-256 is another"
        raise VerificationError(what, file="archive")


def check_proof_head(head: ProofHead, manifest: Manifest) -> None:
    """Checks that a proof is about this archive. Raises VerificationError."""
    if head.checkpoint != manifest.log.checkpoint:
        raise VerificationError("its checkpoint is not that of the manifest", file="proof", line=1)
    if head.records != manifest.records:
        what = f"is for an archive of {head.records} records, and this one has {manifest.records}"
        raise VerificationError(what, file="proof", line=1)


def check_positions(positions: Iterable[int | None], manifest: Manifest, has_leaf: Callable[[int], bool]) -> None:
    """Checks that a proof has a position for each record, its tile, and the range in the log that the manifest states.

    Raises VerificationError.
    """
    count, sealed, first, last = 0, 0, None, None
    for index in positions:
        count += 1
        if index is None:
            continue
        if not has_leaf(index):
            raise VerificationError(f"has no tile {index // WIDTH} of level 0", file="proof", index=index)
        sealed += 1
        first = index if first is None else min(first, index)
        last = index if last is None else max(last, index)
    if count != manifest.records:
        raise VerificationError(f"is about {count} records, and the file has {manifest.records}", file="proof")
    log = manifest.log
    if (sealed, first, last) != (log.sealed, log.first_index, log.last_index):
        raise VerificationError("its records are not where the manifest says they are in the log", file="proof")


def check_proof(lines: Iterable[bytes], manifest: Manifest, log: VerifiedTileReader) -> int:
    """Checks the proof of an archive, while it streams past, against the log itself; the offset of its positions.

    Raises VerificationError.
    """
    parser, leaf_tiles = ProofParser(lines, archived=True), array("Q")
    check_proof_head(parser.head(), manifest)
    for found in parser.tiles(log.size):
        with located("proof", found.line):
            log.check(found.tile.level, found.tile.number, found.row)
        if found.tile.level == 0:
            leaf_tiles.append(found.tile.number)
    offset = parser.offset

    def has_leaf(index: int) -> bool:
        at = bisect_left(leaf_tiles, index // WIDTH)
        return at < len(leaf_tiles) and leaf_tiles[at] == index // WIDTH

    check_positions(parser.positions(log.size), manifest, has_leaf)
    return offset
