"""The verifier of a retrieved archive: part by part, against its manifest and the sealed log, resumable after each."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Self

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.files import decompressed, read_lines
from chancery.core.aws.objects import joined
from chancery.core.errors import ChanceryError
from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import Document
from chancery.tlog.archive_check import ArchiveCheck, check_part, check_proof
from chancery.tlog.archive_manifest import Manifest, ManifestPart
from chancery.tlog.errors import VerificationError, located
from chancery.tlog.export_proof import ProofParser, split_lines
from chancery.tlog.layout import ArchiveKeys
from chancery.tlog.merkle import CompactRange
from chancery.tlog.record_lines import LeafComparison, ReadRecord, check_chunk, chunks
from chancery.tlog.verified_tiles import VerifiedTileReader

_BATCH, _BATCH_BYTES = 1000, 8 * 1024 * 1024  # records, and of lines: a record may have megabytes
_PIECE = 4 * 1024 * 1024  # bytes
_LARGEST_MANIFEST = 4 * 1024 * 1024  # bytes; one of ten thousand parts has 2 MB


class NotAsArchived(ChanceryError):
    """The retrieved file is not the one that was archived; the detail names the first mismatch."""


@dataclass(frozen=True, slots=True)
class RecordCodec:
    """Parses lines of the archive: to verified records in their JSON form, and to records as they are stored.

    Both raise ValueError where the content of a record does not have its digest.
    """

    read: ReadRecord
    record_of: Callable[[bytes], Document]


@dataclass(slots=True)
class Progress:
    """The state of a check, after any part: `models.RestoreProgress`."""

    positions_from: int | None = None
    checked: int = 0
    loaded: int = 0
    last: tuple[str, str] | None = None  # createdOn and refId of the last record
    tree: CompactRange = field(default_factory=CompactRange)

    @classmethod
    def of(cls, stored: Document | None) -> Self:
        """From the document that `as_stored` returned."""
        if stored is None:
            return cls()
        tree = CompactRange(stored["records"], [bytes.fromhex(text) for text in stored["subtrees"]])
        last = stored["last"] and (to_rfc3339(stored["last"]["createdOn"]), stored["last"]["refId"])
        return cls(stored["positionsFrom"], stored["checked"], stored["loaded"], last, tree)

    def as_stored(self) -> Document:
        """The document of the progress."""
        last = self.last and {"createdOn": datetime.fromisoformat(self.last[0]), "refId": self.last[1]}
        return {
            "positionsFrom": self.positions_from,
            "checked": self.checked,
            "loaded": self.loaded,
            "records": self.tree.size,
            "subtrees": [part.hex() for part in self.tree.hashes],
            "last": last,
        }


class RetrievedArchive:
    """The objects of a partition in the bucket. `open_log`: the log of a name and signed checkpoint, or ValueError.

    Every method raises NotAsArchived.
    """

    def __init__(
        self,
        bucket: ArchiveBucket,
        partition: Document,
        codec: RecordCodec,
        open_log: Callable[[str, str], VerifiedTileReader],
    ) -> None:
        self._bucket, self._codec, self._open_log = bucket, codec, open_log
        self.keys = ArchiveKeys.of_file(partition["key"])
        self.manifest = self._manifest(partition)
        self._log: VerifiedTileReader | None = None
        self._check: ArchiveCheck | None = None

    @property
    def parts(self) -> list[ManifestPart]:
        return self.manifest.parts

    def check_proof(self, progress: Progress) -> None:
        """Checks that the proof has the tiles of the log, which the key has signed, and a position for each record."""
        progress.positions_from = 0
        if self.manifest.log.checkpoint is not None:
            with _not_as_archived("proof"):
                progress.positions_from = check_proof(self._proof_lines(), self.manifest, self._sealed_log())

    def check_next(self, progress: Progress) -> None:
        """Checks the next part: bytes, records, their order, their leaves. It counts once all of it is valid."""
        part, check = self.parts[progress.checked], self._resumed(progress)
        before = check.tree.size
        body = self._body(part)
        with _not_as_archived("log"):
            for chunk in chunks(_lines(self.manifest, part, body)):
                check.take(chunk, check_chunk(self._codec.read, self.manifest.bounds, chunk))
        count = check.tree.size - before
        if count != part.records:
            raise NotAsArchived(
                f"Part {part.number} of the file has {count} records, and {part.records} were archived."
            )
        progress.checked, progress.last = progress.checked + 1, check.last

    def finish(self, progress: Progress) -> None:
        """After the last part: checks that all of it together is what was archived."""
        with _not_as_archived("archive"):
            self._resumed(progress).finish()

    def batches(self, part: ManifestPart) -> Iterator[list[Document]]:
        """The records of a part as they are stored, up to a thousand or 8 MB of lines at a time."""
        body, batch, size = self._body(part), list[Document](), 0
        first = sum(before.records for before in self.parts[: part.number - 1]) + 1
        with _not_as_archived("archive"):
            for number, line in enumerate(read_lines([body]), first):
                with located("archive", number):
                    batch.append(self._codec.record_of(line))
                size += len(line)
                if len(batch) == _BATCH or size >= _BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    # ---- reading

    def _resumed(self, progress: Progress) -> ArchiveCheck:
        """The check of the records, resumed at the progress."""
        if self._check is None:
            comparison = None
            if self.manifest.log.checkpoint is not None:
                with _not_as_archived("log"):
                    log = self._sealed_log()
                lines = self._proof_lines(progress.positions_from or 0)
                positions = ProofParser(lines, archived=True).positions(log.size)
                comparison = LeafComparison(islice(positions, progress.tree.size, None), log.leaves)
            self._check = ArchiveCheck(self.manifest, comparison, progress.tree, progress.last)
        return self._check

    def _body(self, part: ManifestPart) -> bytes:
        """The bytes of a part, which are those that were archived."""
        body = joined(self._bucket.stream(self.keys.file, *self.manifest.span(part)))
        with _not_as_archived("archive"):
            check_part(self.manifest, part, [body])
        return body

    def _manifest(self, partition: Document) -> Manifest:
        with _not_as_archived("manifest"):
            text = joined(self._pieces(self.keys.manifest, most=_LARGEST_MANIFEST))
            if sha256(text).hexdigest() != partition["manifestSha256"]:
                raise ValueError("it is not the one that was written")
            described = Manifest.parse(text)
            if _identity(described) != _identity_of(partition):
                raise ValueError("it is another archive's")
        return described

    def _proof_lines(self, start: int = 0) -> Iterator[bytes]:
        """The lines of the proof from a byte on. Raises VerificationError."""
        with located("proof"):
            yield from split_lines(self._pieces(self.keys.proof, start))

    def _pieces(self, key: str, start: int = 0, most: float = math.inf) -> Iterator[bytes]:
        """An object from a byte on, one request a piece: no connection stays open while the content is checked."""
        head = self._bucket.head(key)
        if head is None:
            raise LookupError("it is gone")
        if head["bytes"] > most:
            raise ValueError(f"it has {head['bytes']} bytes, more than any")
        for at in range(start, head["bytes"], _PIECE):
            yield joined(self._bucket.stream(key, at, min(at + _PIECE, head["bytes"])))

    def _sealed_log(self) -> VerifiedTileReader:
        log = self.manifest.log
        if self._log is None:
            if log.name is None or log.checkpoint is None:
                raise ValueError("the manifest names no checkpoint")
            self._log = self._open_log(log.name, log.checkpoint)
        return self._log


def _lines(manifest: Manifest, part: ManifestPart, body: bytes) -> Iterator[bytes]:
    """The lines of a part in pieces. Raises VerificationError."""
    try:
        yield from decompressed([body])
    except ValueError as exc:
        raise VerificationError(f"{manifest.describe(part)} {exc}", file="archive") from exc


@contextmanager
def _not_as_archived(file: str) -> Iterator[None]:
    """Converts errors of verification, and those about `file`, to NotAsArchived in a sentence."""
    try:
        with located(file):
            yield
    except VerificationError as exc:
        raise NotAsArchived(_sentence(exc)) from exc


def _sentence(error: VerificationError) -> str:
    """`Record 12 of the file, refId X, index 16: ...` or `The proof, line 3: ...`."""
    if error.file != "archive":
        location = f"The {error.file}" + ("" if error.line is None else f", line {error.line}")
    else:
        location = "" if error.line is None else f"Record {error.line} of the file"
    location += "" if error.ref_id is None else f", refId {error.ref_id}"
    location += "" if error.index is None else f", index {error.index}"
    text = f"{location}: {error.what}" if location else error.what
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _identity(manifest: Manifest) -> tuple[Any, ...]:
    return manifest.tenant_id, manifest.key, manifest.month, manifest.recorded_from, manifest.recorded_to


def _identity_of(partition: Document) -> tuple[Any, ...]:
    recorded_from, recorded_to = partition["recordedFrom"], partition["recordedTo"]
    begin = to_rfc3339(recorded_from) if recorded_from else None
    return partition["tenantId"], partition["key"], partition["month"], begin, to_rfc3339(recorded_to)
