"""Daily quotas of a tenant for what costs storage and work long after its request: exports and uploads.

One document a tenant and quota, read and counted on the server by its own clock in one round trip; a day is one of UTC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pymongo.database import Database

from chancery.core.documents import StoredDocument
from chancery.core.errors import PolicyViolated
from chancery.core.mongo.client import Document
from chancery.core.mongo.collections import Collection
from chancery.core.mongo.counters import updated

QuotaName = Literal["exports", "uploads"]
_DAY = timedelta(days=1)


class Quota(NamedTuple):
    """What a tenant may have in a day, in a unit; `setting` is the name of its own limit."""

    most: int
    unit: str
    setting: str


QUOTAS: Mapping[QuotaName, Quota] = {
    "exports": Quota(200, "exports", "exportsPerDay"),
    "uploads": Quota(100 * 1024**3, "bytes of uploads", "uploadBytesPerDay"),  # as announced: a thousand of the largest
}


class StoredQuota(StoredDocument):
    """What a tenant has used on a day; `_id` is `quota:tenant`."""

    day: datetime
    used: int
    now: datetime
    granted: bool


QUOTA_USES = Collection(
    name="quotas",
    model=StoredQuota,
    indexes=(),
    access={"writer": ("find", "insert", "update")},
)


class QuotaExceeded(PolicyViolated):
    """The tenant has used its quota of the day."""

    def __init__(self, name: QuotaName, most: int, used: int, retry_after: int) -> None:
        of_what = f"{most:,} {QUOTAS[name].unit}"
        detail = f"This tenant has used {used:,} of its {of_what} today; there are new ones after midnight UTC."
        super().__init__(name, detail, retry_after)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Counts what tenants use of their quotas. `limits_of`: a tenant's own limits, from a cache."""

    database: Database[Document]
    limits_of: Callable[[str | None], Mapping[str, Any]]

    def take(self, tenant_id: str | None, name: QuotaName, amount: int = 1) -> None:
        """Counts an amount for today. Raises QuotaExceeded where it would be too much, and then counts nothing."""
        most = self.limits_of(tenant_id).get(QUOTAS[name].setting, QUOTAS[name].most)
        update = _update(most, amount)
        key = f"{name}:{tenant_id if tenant_id is not None else ''}"
        stored = updated(self.database[QUOTA_USES.name], key, update)
        if not stored["granted"]:
            midnight = stored["day"] + _DAY
            raise QuotaExceeded(name, most, stored["used"], max(1, round((midnight - stored["now"]).total_seconds())))


def _update(most: int, amount: int) -> list[Document]:
    today = {"$dateTrunc": {"date": "$$NOW", "unit": "day"}}
    fits = {"$lte": [{"$add": ["$used", amount]}, most]}
    return [
        {"$set": {"used": {"$cond": [{"$eq": ["$day", today]}, "$used", 0]}, "day": today, "now": "$$NOW"}},
        {"$set": {"granted": fits}},
        {"$set": {"used": {"$add": ["$used", {"$cond": ["$granted", amount, 0]}]}}},
    ]
