"""Finds the archived months that may hold an actor, a resource or an action, by their indexes, without a restore."""

from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any

import orjson

from chancery.archive.bloom_index import may_hold
from chancery.archive.bucket import ArchiveBucket
from chancery.archive.models import LocateQuery
from chancery.archive.store import ArchiveStore
from chancery.core.aws.objects import joined
from chancery.core.errors import ChanceryError
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query
from chancery.tlog.layout import ArchiveKeys

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

    def get(self, key: str, digest: str) -> dict[str, Any]:
        """The index of the file at a key; `digest` is its hex SHA-256. Raises Unavailable, IndexDamaged."""
        with self._lock:
            text = self._cached.get(key)
            if text is not None:
                self._cached.move_to_end(key)
        if text is None:
            text = joined(self.bucket.stream(ArchiveKeys.of_file(key).index))
            if sha256(text).hexdigest() != digest:
                raise IndexDamaged(f"The index beside {key} is not the one that was written.")
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
        """`{items}`, the oldest month first. No other month holds any; one in 2000 of the items does not either."""
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
        index = self.indexes.get(month["key"], month["indexSha256"])
        return may_hold(index, wanted.get("actor_id"), wanted.get("resource_id"), wanted.get("action"))
