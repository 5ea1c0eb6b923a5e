"""A file that has come back from Glacier: read part by part, and checked against its manifest and the sealed log."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice, repeat
from typing import Any, Self

from chancery.archive.bucket import FILE_SUFFIX, ArchiveBucket, joined
from chancery.archive.contents import Bounds, Manifest, PartShown
from chancery.archive.files import read_lines
from chancery.archive.months import Month
from chancery.archive.proof import SealedLog, check, positions, whole_lines
from chancery.core.errors import ChanceryError
from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import Document
from chancery.tlog.merkle import CompactRange, leaf_hash

_BATCH, _BATCH_BYTES = 1000, 8 * 1024 * 1024  # records, and of lines: a record may have megabytes
_PIECE = 4 * 1024 * 1024  # bytes
_LARGEST_MANIFEST = 4 * 1024 * 1024  # bytes; one of ten thousand parts has 2 MB


class NotAsArchived(ChanceryError):
    """What has come back is not what was archived; the detail names the first thing that is wrong."""


@dataclass(frozen=True, slots=True)
class Form:
    """How lines become records again. `record_of` raises ValueError where one is not what its digest says."""

    record_of: Callable[[bytes], Document]
    entry_of: Callable[[Document], bytes]


@dataclass(slots=True)
class Progress:
    """What has been found out so far: `models.RestoreProgress`."""

    positions_from: int | None = None
    checked: int = 0
    loaded: int = 0
    last: Document | None = None
    tree: CompactRange = field(default_factory=CompactRange)

    @classmethod
    def of(cls, stored: Document | None) -> Self:
        """From what `as_stored` gave."""
        if stored is None:
            return cls()
        tree = CompactRange(stored["records"], [bytes.fromhex(text) for text in stored["subtrees"]])
        return cls(stored["positionsFrom"], stored["checked"], stored["loaded"], stored["last"], tree)

    def as_stored(self) -> Document:
        """The document of it."""
        return {
            "positionsFrom": self.positions_from,
            "checked": self.checked,
            "loaded": self.loaded,
            "records": self.tree.size,
            "subtrees": [part.hex() for part in self.tree.hashes],
            "last": self.last,
        }


class RetrievedArchive:
    """The file of a partition. `open_log` gives the log of a name and signed checkpoint, or raises ValueError."""

    def __init__(
        self, bucket: ArchiveBucket, partition: Document, form: Form, open_log: Callable[[str, str], SealedLog]
    ) -> None:
        self._bucket, self._form, self._open_log = bucket, form, open_log
        self._stem = partition["key"].removesuffix(FILE_SUFFIX)
        self.key: str = partition["key"]
        self.manifest = self._manifest(partition)
        self._log: SealedLog | None = None
        month = Month.parse(partition["month"])
        recorded = partition["recordedFrom"], partition["recordedTo"]
        self._bounds = Bounds(partition["tenantId"], (month.start, month.end), recorded)
        self._positions: Iterator[int | None] | None = None

    @property
    def parts(self) -> list[PartShown]:
        return self.manifest.parts

    def check_proof(self, progress: Progress) -> None:
        """Checks that the proof has the log's tiles, for which the key has signed, and a place for each record."""
        progress.positions_from = 0
        if self.manifest.log.checkpoint is not None:
            with _named("the proof"):
                lines = whole_lines(self._pieces(f"{self._stem}.proof"))
                progress.positions_from = check(lines, self.manifest, self._sealed_log())

    def check_next(self, progress: Progress) -> None:
        """Checks the next part: bytes, records, their order, their leaves. It counts once all of it holds."""
        part, count = self.parts[progress.checked], 0
        for batch in self.batches(part):
            count += len(batch)
            self._check(batch, progress)
        if count != part.records:
            raise NotAsArchived(
                f"Part {part.number} of the file has {count} records, and {part.records} were archived."
            )
        progress.checked += 1

    def finish(self, progress: Progress) -> None:
        """After the last part: whether all of it together is what was archived."""
        last = progress.last
        if progress.tree.root().hex() != self.manifest.content_root:
            raise NotAsArchived("The records together do not make the content root of the manifest.")
        if last is None or _shown(last) != (self.manifest.last.created_on, self.manifest.last.ref_id):
            raise NotAsArchived("The last record is not the one that the manifest names.")

    def batches(self, part: PartShown) -> Iterator[list[Document]]:
        """The records of a part, which is the one that was archived, to the byte; as many at a time as are small."""
        batch, size = list[Document](), 0
        for line, record in self._records(part):
            batch.append(record)
            size += len(line)
            if len(batch) == _BATCH or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    # ---- the parts of a check

    def _records(self, part: PartShown) -> Iterator[tuple[bytes, Document]]:
        """The records of a part with their lines."""
        start, end = self.manifest.place_of(part)
        body = joined(self._bucket.read(self.key, start, end))
        if len(body) != end - start or sha256(body).hexdigest() != part.sha256:
            raise NotAsArchived(
                f"Part {part.number} of the file, bytes {start} to {end - 1}, is not what was archived."
            )
        first = sum(before.records for before in self.parts[: part.number - 1]) + 1
        with _named(f"part {part.number} of the file"):
            for number, line in enumerate(read_lines([body]), first):
                with _named(f"record {number} of the file"):
                    record = self._form.record_of(line)
                yield line, record

    def _manifest(self, partition: Document) -> Manifest:
        with _named("the manifest"):
            text = joined(self._pieces(f"{self._stem}.manifest.json", most=_LARGEST_MANIFEST))
            if sha256(text).hexdigest() != partition["manifestSha256"]:
                raise ValueError("it is not the one that was written")
            described = Manifest.parse(text)
            if (described.tenant_id, described.key) != (partition["tenantId"], partition["key"]):
                raise ValueError("it is another archive's")
        return described

    def _pieces(self, key: str, start: int = 0, most: float = math.inf) -> Iterator[bytes]:
        """An object from a byte on, each piece asked for by itself: nothing stays open while its content is checked."""
        head = self._bucket.head(key)
        if head is None:
            raise LookupError("it is gone")
        if head["bytes"] > most:
            raise ValueError(f"it has {head['bytes']} bytes, more than any")
        for at in range(start, head["bytes"], _PIECE):
            yield joined(self._bucket.read(key, at, min(at + _PIECE, head["bytes"])))

    def _check(self, records: Sequence[Document], progress: Progress) -> None:
        leaves = [leaf_hash(self._form.entry_of(record)) for record in records]
        first = progress.tree.size + 1
        for number, record in enumerate(records, first):
            with _named(f"record {number} of the file, refId {record['refId']}"):
                before = (progress.last["createdOn"], progress.last["refId"]) if progress.last else None
                place = self._bounds.check(record, before)
                if number == 1 and (to_rfc3339(place[0]), place[1]) != _of(self.manifest.first):
                    raise ValueError("is not the first record that the manifest names")
            progress.last = {"createdOn": place[0], "refId": place[1]}
        self._check_leaves(records, leaves, progress)
        for leaf in leaves:
            progress.tree.append(leaf)

    def _check_leaves(self, records: Sequence[Document], leaves: Sequence[bytes], progress: Progress) -> None:
        """Compares the leaves with those that the log has where the proof says so."""
        with _named("the proof"):
            indexes = list(islice(self._following_positions(progress), len(records)))
            if len(indexes) < len(records):
                raise ValueError("it has changed since it was checked")
        known = [index for index in indexes if index is not None]
        if not known:
            return
        with _named("the log"):
            hashes = iter(self._sealed_log().leaves(known))
        for place, (record, leaf, index) in enumerate(
            zip(records, leaves, indexes, strict=True), progress.tree.size + 1
        ):
            if index is not None and next(hashes) != leaf:
                at = f"Record {place} of the file, refId {record['refId']}"
                raise NotAsArchived(f"{at}: the sealed log has another record at index {index}.")

    def _following_positions(self, progress: Progress) -> Iterator[int | None]:
        """Where the records that come next are in the log."""
        if self._positions is None:
            if self.manifest.log.checkpoint is not None:
                lines = whole_lines(self._pieces(f"{self._stem}.proof", progress.positions_from or 0))
                self._positions = islice(positions(lines), progress.tree.size, None)
            else:
                self._positions = repeat(None)
        return self._positions

    def _sealed_log(self) -> SealedLog:
        log = self.manifest.log
        if self._log is None:
            if log.name is None or log.checkpoint is None:
                raise ValueError("the manifest names no checkpoint")
            self._log = self._open_log(log.name, log.checkpoint)
        return self._log


class _named:  # noqa: N801
    """Turns what is wrong within the block into NotAsArchived, with where it is."""

    def __init__(self, where: str) -> None:
        self._where = where[0].upper() + where[1:]

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: Any) -> None:
        if isinstance(exc, LookupError | ValueError):
            what = str(exc.args[0] if exc.args else exc).rstrip(".")
            raise NotAsArchived(f"{self._where}: {what}.") from exc


def _of(place: Any) -> tuple[str, str]:
    return place.created_on, place.ref_id


def _shown(place: Document) -> tuple[str, str]:
    return to_rfc3339(place["createdOn"]), place["refId"]
