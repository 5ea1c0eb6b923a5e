"""The archive's files: records as lines of JSON, compressed in frames, in parts that depend on nothing but them.

A file is a sequence of zstd frames (RFC 8878), each of about 4 MB of lines: any zstd reader takes it whole, and one
that was left off between two parts is carried on with the next frame.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import zstandard

from chancery.core.merkle import CompactRange, leaf_hash
from chancery.core.mongo import Document

FRAME_BYTES = 4 * 1024 * 1024  # of lines
PART_BYTES = 8 * 1024 * 1024  # compressed; S3 takes 5 MB to 5 GB, and 10,000 of them
LEVEL = 3
NO_LEAF = 2**64 - 1
_RECORDS = 1000  # looked up at once


@dataclass(frozen=True, slots=True)
class Lines:
    """How records become lines and leaves. `indexes_of` gives the index in the log of those that have a leaf."""

    line_of: Callable[[Document], bytes]
    leaf_of: Callable[[Document], bytes]
    indexes_of: Callable[[Sequence[str]], dict[str, int]]


@dataclass(slots=True)
class Part:
    """A part of a file: what goes to S3, and what has to be remembered of its records."""

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

    def remember(self, records: Sequence[Document], indexes: dict[str, int]) -> None:
        """Takes note of whose and what the records are."""
        self.records += len(records)
        self.first = self.first or _place(records[0])
        self.last = _place(records[-1])
        self.positions.extend([indexes.get(record["refId"], NO_LEAF) for record in records])
        self.actors.update([record["actorId"] for record in records])
        self.actions.update([record["action"] for record in records])
        self.resources.update([f"{record['resourceType']}/{record['resourceId']}" for record in records])

    def join(self, frame: "Part") -> None:
        """Adds a frame."""
        self.body += frame.body
        self.raw_bytes += frame.raw_bytes
        self.records += frame.records
        self.first, self.last, self.subtrees = self.first or frame.first, frame.last, frame.subtrees
        self.positions.extend(frame.positions)
        self.actors |= frame.actors
        self.actions |= frame.actions
        self.resources |= frame.resources


def parts(
    records: Iterator[Document], lines: Lines, tree: CompactRange, part_bytes: int = PART_BYTES
) -> Iterator[Part]:
    """The parts of a file of the records, one after the other, in constant memory; `tree` grows by their leaves.

    A frame is compressed, and the next records are fetched, while lines are made. The last part may be short; no
    records make no part.
    """
    part = Part()
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_content_size=True, write_checksum=True)
    with ThreadPoolExecutor(2) as pool:
        frames = (
            (frame, pool.submit(compressor.compress, frame.body)) for frame in _frames(records, lines, tree, pool)
        )
        for frame, compressed in _one_ahead(frames):
            frame.body = compressed.result()
            part.join(frame)
            if len(part.body) >= part_bytes:
                yield part
                part = Part()
        if part.records:
            yield part


def _frames(records: Iterator[Document], lines: Lines, tree: CompactRange, pool: ThreadPoolExecutor) -> Iterator[Part]:
    """Parts of one frame each, their lines still to be compressed."""
    frame, text = Part(), bytearray()
    for batch in _fetched_ahead(records, pool):
        frame.remember(batch, lines.indexes_of([record["refId"] for record in batch]))
        for record in batch:
            text += lines.line_of(record)
            tree.append(leaf_hash(lines.leaf_of(record)))
        if len(text) >= FRAME_BYTES:
            yield _ended(frame, text, tree)
            frame, text = Part(), bytearray()
    if text:
        yield _ended(frame, text, tree)


def _ended(frame: Part, text: bytearray, tree: CompactRange) -> Part:
    frame.body, frame.raw_bytes, frame.subtrees = bytes(text), len(text), list(tree.hashes)
    return frame


def _fetched_ahead(records: Iterator[Document], pool: ThreadPoolExecutor) -> Iterator[list[Document]]:
    """The records in batches, the next one being fetched while one is worked on."""

    def fetch() -> list[Document]:
        return list(islice(records, _RECORDS))

    fetched = pool.submit(fetch)
    while batch := fetched.result():
        fetched = pool.submit(fetch)
        yield batch


def _one_ahead[T](items: Iterator[T]) -> Iterator[T]:
    """The items, each only once the next one has been begun."""
    waiting = next(items, None)
    while waiting is not None:
        following = next(items, None)
        yield waiting
        waiting = following


def _place(record: Document) -> Document:
    return {"createdOn": record["createdOn"], "refId": record["refId"]}


def read_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a compressed file, from its bytes in pieces. Raises ValueError where it is damaged or cut off."""
    decompressor, rest = zstandard.ZstdDecompressor(), b""
    frame = decompressor.decompressobj()
    fed = False
    try:
        for piece in pieces:
            while piece:
                text = frame.decompress(piece)
                fed = True
                piece = frame.unused_data
                if frame.eof:
                    frame, fed = decompressor.decompressobj(), False
                *whole, rest = (rest + text).split(b"\n")
                yield from (line + b"\n" for line in whole)
    except zstandard.ZstdError as exc:
        raise ValueError(f"The file is damaged: {exc}") from None
    if fed or rest:
        raise ValueError("The file is cut off.")
