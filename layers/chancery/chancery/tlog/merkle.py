"""Merkle trees as RFC 6962 section 2.1 defines them: hashes, roots, inclusion and consistency proofs.

Ranges of leaves are half open, [start, end). Functions that need the hash of a range take a function for it, so the
same code works on a list of leaves and on the tiles of a log of any size.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()
NO_LEAF = 2**64 - 1  # in lists of 8-byte indexes: the record has no leaf

RootOf = Callable[[int, int], bytes]  # the root over the leaves [start, end)
Range = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of perfect trees of one height; over leaf hashes this is the Merkle Tree Hash."""
    row = list(hashes)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        # An odd one out waits for its sibling on a higher level: the split at the largest power of two, bottom up.
        odd = row[-1:] if len(row) % 2 else []
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)] + odd
    return row[0]


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The perfect trees of a range from left to right: (height, index among the trees of that height)."""
    while start < end:
        height = min((start & -start).bit_length() - 1 if start else 64, (end - start).bit_length() - 1)
        yield height, start >> height
        start += 1 << height


def joined(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect trees of falling heights, given from left to right."""
    *left, result = hashes
    for part in reversed(left):
        result = node_hash(part, result)
    return result


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes are the inclusion proof of a leaf, lowest first (PATH of section 2.1.1). ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    start, end, ranges = 0, size, list[Range]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose hashes are the consistency proof of two sizes, lowest first (PROOF of 2.1.2). ValueError."""
    if not 0 < old <= new:
        raise ValueError(f"There is no consistency proof from size {old} to size {new}.")
    start, end, ranges, whole = 0, new, list[Range](), True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    return ([] if whole else [(start, end)]) + ranges[::-1]


def inclusion_proof(index: int, size: int, root_of: RootOf) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the tree of `size` leaves. Raises ValueError."""
    return [root_of(start, end) for start, end in inclusion_ranges(index, size)]


def consistency_proof(old: int, new: int, root_of: RootOf) -> list[bytes]:
    """The hashes that prove the tree of `old` leaves to be the beginning of the tree of `new`. Raises ValueError."""
    return [root_of(start, end) for start, end in consistency_ranges(old, new)]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2). Raises ValueError for a wrong length."""
    ranges = inclusion_ranges(index, size)
    if len(ranges) != len(proof):
        raise ValueError(f"The proof of leaf {index} of {size} has {len(ranges)} hashes, not {len(proof)}.")
    result = leaf
    for (start, _), sibling in zip(ranges, proof, strict=True):
        result = node_hash(result, sibling) if start > index else node_hash(sibling, result)
    return result


def roots_from_consistency(old: int, new: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both sizes that a consistency proof leads to (RFC 9162 section 2.1.4.2). Raises ValueError."""
    ranges = consistency_ranges(old, new)
    if len(ranges) != len(proof):
        raise ValueError(f"The proof from {old} to {new} has {len(ranges)} hashes, not {len(proof)}.")
    parts = list(zip(ranges, proof, strict=True))
    first = old_root
    if parts and parts[0][0][1] == old:  # the old tree is no whole subtree: the proof begins with its last part
        first, parts = parts[0][1], parts[1:]
    older = newer = first
    for (start, _), part in parts:
        if start < old:
            older, newer = node_hash(part, older), node_hash(part, newer)
        else:
            newer = node_hash(newer, part)
    return older, newer


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


class CompactRange:
    """A growing tree, stored as the roots of its perfect subtrees.

    `hashes` are the roots from left to right, one for each bit that is set in `size`.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> None:
        """Adds a leaf by its hash."""
        size, hashes = self.size, self.hashes
        while size & 1:
            leaf = node_hash(hashes.pop(), leaf)
            size >>= 1
        hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The Merkle Tree Hash over the leaves so far."""
        return joined(self.hashes) if self.hashes else EMPTY_ROOT
