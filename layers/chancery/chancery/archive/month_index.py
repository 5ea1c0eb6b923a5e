"""The index of an archived month: its actors, actions and resources, to look up before a restore.

Actions are listed. Actors and resources are in Bloom filters: no false negatives, and one false positive in about two
thousand. A filter takes 4 MB at most, for two million texts; beyond that, false positives become more frequent.
"""

import math
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any

import orjson

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.models import LocateQuery
from chancery.archive.restores import report_damage
from chancery.archive.store import ArchiveStore
from chancery.core.errors import ChanceryError
from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query
from chancery.tlog.layout import ArchiveKeys

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
        """`{hashes, bits}`, with the bits in base64."""
        return {"hashes": self.hashes, "bits": b64encode(self.bits).decode()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Bloom":
        """The filter that `as_json` returned."""
        return cls(bytearray(b64decode(stored["bits"])), stored["hashes"])


def month_index(parts: Callable[[], Iterable[Document]]) -> bytes:
    """The index of a month's file from its parts, which are read several times, one at a time."""
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
    """A filter of the size that its distinct texts need: most of them are in several parts."""
    most = sum(len(part[name]) // MARK_BYTES for part in parts())
    seen = bytearray(min(max(1, most * _COUNTING_BYTES), _MOST_COUNTING_BYTES))
    for mark in _marks(parts(), name):
        seen[int.from_bytes(mark[:8]) % len(seen)] = 1
    # Linear counting (Whang, 1990): the number of distinct texts follows from the number of free places.
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
    """Whether a month may hold records that match every given filter.

    `resource_id` may be `type/id`; `action` may be a resource type's: `blog_post.*`.
    """
    if action is not None and not any(_matches(known, action) for known in index["actions"]):
        return False
    if actor_id is not None and actor_id not in Bloom.from_json(index["actors"]):
        return False
    return resource_id is None or resource_id in Bloom.from_json(index["resources"])


def _matches(action: str, wanted: str) -> bool:
    return action.startswith(wanted.removesuffix("*")) if wanted.endswith(".*") else action == wanted


MOST_MONTHS = 5000  # examined for one answer
_PARALLEL = 8
_FIELDS = ("tenantId", "month", "supplement", "state")


class IndexDamaged(ChanceryError):
    """An index differs from the one that was written: a 500, since it may lack names that the month has."""


@dataclass(slots=True)
class MonthIndexes:
    """A cache of index objects, which never change: the last used, up to `most_bytes`."""

    bucket: ArchiveBucket
    most_bytes: int = 64 * 1024 * 1024
    _cached: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: str, digest: str) -> dict[str, Any] | None:
        """The index of the file at a key, or None where it is gone; `digest` is its hex SHA-256.

        Raises Unavailable, IndexDamaged.
        """
        with self._lock:
            text = self._cached.get(key)
            if text is not None:
                self._cached.move_to_end(key)
        if text is None:
            found = self.bucket.read(ArchiveKeys.of_file(key).index)
            if found is None:
                return None
            text = found[0]
            if sha256(text).hexdigest() != digest:
                raise IndexDamaged(f"The index of {key} is not the one that was written.")
            self._cache(key, text)
        index: dict[str, Any] = orjson.loads(text)
        return index

    def _cache(self, key: str, text: bytes) -> None:
        with self._lock:
            self._cached[key] = text
            size = sum(map(len, self._cached.values()))
            while size > self.most_bytes:
                size -= len(self._cached.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds months; every call is audited."""

    store: ArchiveStore
    indexes: MonthIndexes
    trail: Trail

    def locate(self, call: Call[LocateQuery]) -> Document:
        """`{items}`, the oldest month first. No other month holds any; one in 2000 of the items does not either.

        A month whose index is gone is among them.
        """
        principal, query = call.principal, call.query
        wanted = query.wanted()
        if not wanted:
            raise wrong_query("", "needs actorId, resourceId or action")
        scope = principal.read_scope(query.tenant_id)
        months = self._months(scope.filter)
        details = {"filters": sorted(call.request.query)}
        self.trail.record(principal, scope, "archive.located", details=details, always=True)
        with ThreadPoolExecutor(_PARALLEL) as pool:
            holds = pool.map(partial(self._may_hold, wanted), months)
            found = [month for month, may in zip(months, holds, strict=True) if may]
        return {"items": [{"id": month["refId"], **{name: month[name] for name in _FIELDS}} for month in found]}

    def _months(self, scope: Mapping[str, Any]) -> list[Document]:
        """All archived months of a scope, in order. Raises ValidationFailed where there are more than MOST_MONTHS."""
        sort = [("month", 1), ("tenantId", 1), ("supplement", 1)]
        query = {**scope, "state": "archived"}
        found = self.store.partitions(query, sort, MOST_MONTHS + 1, ("refId", "key", "indexSha256", *_FIELDS))
        if len(found) > MOST_MONTHS:
            raise wrong_query("/tenantId", f"there are more than {MOST_MONTHS} months; name a tenant")
        return found

    def _may_hold(self, wanted: Mapping[str, str], month: Document) -> bool:
        """Whether a month may hold such a record, as one may whose index is gone."""
        index = self.indexes.get(month["key"], month["indexSha256"])
        if index is None:
            report_damage(month, "The index is gone.")
            return True
        return may_hold(index, wanted.get("actor_id"), wanted.get("resource_id"), wanted.get("action"))
