"""Which archived months may hold what somebody looks for, by their small indexes and without restoring any."""

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
from chancery.archive.queries import LocateQuery
from chancery.archive.store import ArchiveStore
from chancery.core.aws.objects import joined
from chancery.core.errors import ChanceryError
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import ADMINS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.validation import parse, wrong_query
from chancery.tlog.layout import ArchiveKeys

MOST_MONTHS = 5000  # looked at for one answer
_PARALLEL = 8
_SHOWN = ("tenantId", "month", "supplement", "state")


class IndexDamaged(ChanceryError):
    """An index is not the one that was written: a 500, since what it does not name may be there all the same."""


@dataclass(slots=True)
class MonthIndexes:
    """Index objects, which never change: those asked for last stay in memory, up to `most_bytes`."""

    bucket: ArchiveBucket
    most_bytes: int = 64 * 1024 * 1024
    _kept: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: str, digest: str) -> dict[str, Any]:
        """The index, of this hex SHA-256, of the file at a key. Raises Unavailable, IndexDamaged."""
        with self._lock:
            text = self._kept.get(key)
            if text is not None:
                self._kept.move_to_end(key)
        if text is None:
            text = joined(self.bucket.stream(ArchiveKeys.of_file(key).index))
            if sha256(text).hexdigest() != digest:
                raise IndexDamaged(f"The index beside {key} is not the one that was written.")
            self._keep(key, text)
        index: dict[str, Any] = orjson.loads(text)
        return index

    def _keep(self, key: str, text: bytes) -> None:
        with self._lock:
            self._kept[key] = text
            size = sum(map(len, self._kept.values()))
            while size > self.most_bytes:
                size -= len(self._kept.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds months; super_admin only, and each look is audited."""

    store: ArchiveStore
    indexes: MonthIndexes
    trail: Trail

    def locate(self, principal: Principal, parameters: Mapping[str, str]) -> Document:
        """`{items}`, the oldest month first: no other month holds any, and one in 2000 may not hold it either."""
        principal.require(ADMINS)
        query = parse(LocateQuery, parameters)
        wanted = query.wanted()
        if not wanted:
            raise wrong_query("", "needs actorId, resourceId or action")
        scope = principal.read_scope(query.tenant_id)
        months = self._months(scope.filter)
        self.trail.record(principal, scope, "archive.located", details={"filters": sorted(parameters)}, always=True)
        with ThreadPoolExecutor(_PARALLEL) as pool:
            holds = pool.map(partial(self._may_hold, wanted), months)
            found = [month for month, may in zip(months, holds, strict=True) if may]
        return {"items": [{"id": month["refId"], **{name: month[name] for name in _SHOWN}} for month in found]}

    def _months(self, scope: Mapping[str, Any]) -> list[Document]:
        """Everything that is archived, in order. Raises ValidationFailed where that is too much for an answer."""
        sort = [("month", 1), ("tenantId", 1), ("supplement", 1)]
        query = {**scope, "state": "archived"}
        found = self.store.partitions(query, sort, MOST_MONTHS + 1, ("refId", "key", "indexSha256", *_SHOWN))
        if len(found) > MOST_MONTHS:
            raise wrong_query("/tenantId", f"there are more than {MOST_MONTHS} months; name a tenant")
        return found

    def _may_hold(self, wanted: Mapping[str, str], month: Document) -> bool:
        index = self.indexes.get(month["key"], month["indexSha256"])
        return may_hold(index, wanted.get("actor_id"), wanted.get("resource_id"), wanted.get("action"))
