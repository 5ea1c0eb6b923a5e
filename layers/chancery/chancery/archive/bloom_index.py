"""The index of an archived month: its actors, actions and resources, to look up before a restore.

Actions are listed. Actors and resources are in Bloom filters: no false negatives, and one false positive in about two
thousand. A filter takes 4 MB at most, for two million texts; beyond that, false positives become more frequent.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import Document

FORMAT = "chancery-archive-index@v1"
MARK_BYTES = 16
_BITS_EACH, _MOST_BITS = 16, 1 << 25
_COUNTING_BYTES, _MOST_COUNTING_BYTES = 4, 1 << 24  # for each text, as often as it comes


def mark_of(text: str) -> bytes:
    """The mark of a text: the first 16 bytes of its SHA-256."""
    return sha256(text.encode()).digest()[:MARK_BYTES]


def marks_of(texts: Iterable[str]) -> bytes:
    """The sorted marks of texts, joined, so that the same texts are the same bytes."""
    return b"".join(sorted(map(mark_of, texts)))


def resource_texts(resources: Iterable[str]) -> Iterator[str]:
    """`type/id` and `id` of each resource."""
    for resource in resources:
        yield resource
        yield resource.partition("/")[2]


@dataclass(slots=True)
class Bloom:
    """A Bloom filter over texts."""

    bits: bytearray
    hashes: int

    @classmethod
    def sized_for(cls, items: int) -> "Bloom":
        """A filter for so many texts."""
        size = min(max(items, 4) * _BITS_EACH, _MOST_BITS)
        return cls(bytearray(math.ceil(size / 8)), max(1, round(size / max(items, 4) * math.log(2))))

    def add(self, mark: bytes) -> None:
        """Adds a text by its mark."""
        bits = self.bits
        for place in self._places(mark):
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, text: str) -> bool:
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in self._places(mark_of(text)))

    def _places(self, mark: bytes) -> Iterable[int]:
        """Double hashing (Kirsch and Mitzenmacher) of the mark's halves."""
        size = len(self.bits) * 8
        first, second = int.from_bytes(mark[:8]) % size, (int.from_bytes(mark[8:]) | 1) % size
        return [(first + at * second) % size for at in range(self.hashes)]

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {"hashes": self.hashes, "bits": b64encode(self.bits).decode()}

    @classmethod
    def from_json(cls, shown: dict[str, Any]) -> "Bloom":
        """The filter that was written down."""
        return cls(bytearray(b64decode(shown["bits"])), shown["hashes"])


def month_index(parts: Callable[[], Iterable[Document]]) -> bytes:
    """The index of a month's file from its parts, which are gone through several times, one at a time."""
    ends = [(part["first"]["createdOn"], part["last"]["createdOn"]) for part in parts()]
    return orjson.dumps(
        {
            "format": FORMAT,
            "first": to_rfc3339(ends[0][0]),
            "last": to_rfc3339(ends[-1][1]),
            "actions": sorted({action for part in parts() for action in part["actions"]}),
            "actors": _filter(parts, "actors").as_json(),
            "resources": _filter(parts, "resources").as_json(),
        },
        option=orjson.OPT_SORT_KEYS,
    )


def _filter(parts: Callable[[], Iterable[Document]], name: str) -> Bloom:
    """A filter of the size that its texts need, most of which are in several parts."""
    most = sum(len(part[name]) // MARK_BYTES for part in parts())
    seen = bytearray(min(max(1, most * _COUNTING_BYTES), _MOST_COUNTING_BYTES))
    for mark in _marks(parts(), name):
        seen[int.from_bytes(mark[:8]) % len(seen)] = 1
    # Linear counting (Whang, 1990): how many texts there are follows from how many places stayed free.
    bloom = Bloom.sized_for(round(len(seen) * math.log(len(seen) / max(1, seen.count(0)))))
    for mark in _marks(parts(), name):
        bloom.add(mark)
    return bloom


def _marks(parts: Iterable[Document], name: str) -> Iterator[bytes]:
    for part in parts:
        packed = part[name]
        for at in range(0, len(packed), MARK_BYTES):
            yield packed[at : at + MARK_BYTES]


def may_hold(index: dict[str, Any], actor_id: str | None, resource_id: str | None, action: str | None) -> bool:
    """Whether a month may hold records of all that is asked for.

    `resource_id` may be `type/id`; `action` may be a resource type's: `blog_post.*`.
    """
    if action is not None and not any(_matches(known, action) for known in index["actions"]):
        return False
    if actor_id is not None and actor_id not in Bloom.from_json(index["actors"]):
        return False
    return resource_id is None or resource_id in Bloom.from_json(index["resources"])


def _matches(action: str, wanted: str) -> bool:
    return action.startswith(wanted.removesuffix("*")) if wanted.endswith(".*") else action == wanted
