"""The archive's files: records as lines of JSON, compressed in zstd frames, uploaded in parts.

A file is a sequence of zstd frames (RFC 8878), each of about 4 MB of lines: any zstd reader reads it whole, and a
worker resumes with a new frame after any part. The ends of frames and parts depend on the records alone, so a file has
the same bytes however often its workers were interrupted.
"""

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import zstandard

from chancery.core.aws.objects import PART_BYTES
from chancery.core.mongo.client import Document
from chancery.tlog.merkle import NO_LEAF, CompactRange, leaf_hash

FRAME_BYTES = 4 * 1024 * 1024  # of lines
LEVEL = 3
_BATCH, _BATCH_BYTES = 125, 1024 * 1024  # records serialized at once: few, to stay in the CPU cache
_INPUT_BYTES = 1024  # compressed, of which zstd makes 32 MB at most: blocks of 128 KB take four each


@dataclass(frozen=True, slots=True)
class Lines:
    """Serializes records to lines and leaves. `indexes_of` returns the index in the log of each record with a leaf."""

    line_of: Callable[[Document], bytes]
    leaf_of: Callable[[Document], bytes]
    indexes_of: Callable[[str | None, Sequence[str]], dict[str, int]]


@dataclass(slots=True)
class Part:
    """A part of a file: the body that goes to S3, and what the index and the manifest need of its records."""

    body: bytes = b""
    raw_bytes: int = 0
    records: int = 0
    first: Document | None = None
    last: Document | None = None
    positions: array[int] = field(default_factory=lambda: array("Q"))
    subtrees: list[bytes] = field(default_factory=list)
    actors: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)

    def append(self, following: "Part") -> None:
        """Appends the part that follows."""
        self.body += following.body
        self.raw_bytes += following.raw_bytes
        self.records += following.records
        self.first, self.last, self.subtrees = self.first or following.first, following.last, following.subtrees
        self.positions.extend(following.positions)
        self.actors |= following.actors
        self.actions |= following.actions
        self.resources |= following.resources


def parts(
    records: Iterator[Document], lines: Lines, tree: CompactRange, part_bytes: int = PART_BYTES
) -> Generator[Part]:
    """The parts of a file of one tenant's records, one after the other, in constant memory.

    Appends the leaves of the records to `tree`. A thread compresses lines while the next ones are serialized. The last
    part may be short; without records there is no part.
    """
    part = Part()
    with ThreadPoolExecutor(1) as zstd:
        for frame in _frames(records, lines, tree, zstd):
            part.append(frame)
            if len(part.body) >= part_bytes:
                yield part
                part = Part()
        if part.records:
            yield part


def _frames(records: Iterator[Document], lines: Lines, tree: CompactRange, zstd: ThreadPoolExecutor) -> Iterator[Part]:
    """Parts of one frame each."""
    frame = _Frame(lines, zstd)
    while frame.add(records, tree):
        if frame.part.raw_bytes >= FRAME_BYTES:
            yield frame.finish(tree)
            frame = _Frame(lines, zstd)
    if frame.part.records:
        yield frame.finish(tree)


class _Frame:
    """A frame under construction: lines are serialized here and compressed by another thread."""

    def __init__(self, lines: Lines, zstd: ThreadPoolExecutor) -> None:
        self.part = Part()
        self._lines, self._zstd = lines, zstd
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
        self._compressed: list[Future[bytes]] = []
        self._tenant_id: str | None = None
        self._ref_ids: list[str] = []

    def add(self, records: Iterator[Document], tree: CompactRange) -> bool:
        """Adds the next few records, and their leaves to the tree; returns False without any."""
        part, lines, record = self.part, list[bytes](), dict[str, Any]()
        line_of, leaf_of = self._lines.line_of, self._lines.leaf_of
        add_actor, add_action, add_resource = part.actors.add, part.actions.add, part.resources.add
        size, moment = 0, None
        for record in islice(records, _BATCH):
            moment = record["createdOn"]  # `line_of` changes the record
            part.first = part.first or {"createdOn": moment, "refId": record["refId"]}
            self._ref_ids.append(record["refId"])
            add_actor(record["actorId"])
            add_action(record["action"])
            add_resource(f"{record['resourceType']}/{record['resourceId']}")
            line = line_of(record)
            tree.append(leaf_hash(leaf_of(record)))
            lines.append(line)
            size += len(line)
            if size >= _BATCH_BYTES:
                break
        if not lines:
            return False
        self._tenant_id = record["tenantId"]
        part.last = {"createdOn": moment, "refId": record["refId"]}
        part.records += len(lines)
        part.raw_bytes += size
        self._compressed.append(self._zstd.submit(self._compressor.compress, b"".join(lines)))
        return True

    def finish(self, tree: CompactRange) -> Part:
        """The frame as a part, after its last record."""
        part = self.part
        self._compressed.append(self._zstd.submit(self._compressor.flush))
        # Not in another thread: two threads that contend for the interpreter lock slow each other down.
        indexes = self._lines.indexes_of(self._tenant_id, self._ref_ids)
        part.positions = array("Q", [indexes.get(ref_id, NO_LEAF) for ref_id in self._ref_ids])
        part.subtrees = list(tree.hashes)
        part.body = b"".join([compressed.result() for compressed in self._compressed])
        return part


def decompressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompresses a file or part: pieces of at most 32 MB. Raises ValueError where it is damaged or cut off."""
    decompressor = zstandard.ZstdDecompressor()
    frame, is_open = decompressor.decompressobj(), False
    try:
        inputs = (piece[at : at + _INPUT_BYTES] for piece in pieces for at in range(0, len(piece), _INPUT_BYTES))
        for compressed in inputs:
            while compressed:
                yield frame.decompress(compressed)
                is_open = not frame.eof
                compressed = frame.unused_data
                if frame.eof:
                    frame = decompressor.decompressobj()
    except zstandard.ZstdError as exc:
        raise ValueError(f"cannot be decompressed: {exc}") from None
    if is_open:
        raise ValueError("is cut off")


def read_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a compressed file, each with its newline, in little more memory than a line. Raises ValueError."""
    rest = bytearray()
    for piece in decompressed(pieces):
        first, *more = piece.split(b"\n")
        rest += first
        for following in more:
            yield bytes(rest) + b"\n"
            rest = bytearray(following)
    if rest:
        raise ValueError("is cut off")
