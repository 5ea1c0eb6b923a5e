"""Rate limits of a tenant for a class of routes, over all instances of all functions.

The algorithm is GCRA (ITU-T I.371): one stored time per tenant and class, read and moved on the server by its own clock
in one round trip. Bursts up to `burst` pass at once; after these `per_second` do. A batch costs its records.

An instance that a tenant keeps busy takes a little more than it needs at once, a lease, and spends that without a round
trip. So a window may see up to a hundredth of the burst too many for each instance, and never more.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pymongo import WriteConcern
from pymongo.database import Database

from chancery.core.documents import StoredDocument
from chancery.core.errors import PolicyViolated, TooLarge
from chancery.core.identity.principal import Principal
from chancery.core.mongo.client import Document, translated
from chancery.core.mongo.collections import Collection
from chancery.core.mongo.counters import updated
from chancery.core.web.request import RateClass

_CHANGES = ("find", "insert", "update")
_LEASE_SHARE = 0.01  # of the burst
_LEASE_SECONDS = 1.0
_BUSY_SECONDS = 0.1  # between two round trips for the same tenant and class
_MOST_LEASES = 10_000
_LONGEST_WAIT_MS = 10_000  # of an operation for others that change the same document


class RateLimit(NamedTuple):
    """What passes: `burst` records at once, and then `per_second` of them."""

    per_second: float
    burst: int

    @property
    def window(self) -> int:
        """Seconds in which a spent burst is whole again."""
        return math.ceil(self.burst / self.per_second)


DEFAULT_LIMITS: Mapping[RateClass, RateLimit] = {
    "read": RateLimit(100, 1_000),
    "write": RateLimit(500, 10_000),
    "logs": RateLimit(2_000, 50_000),
}


class StoredRateLimit(StoredDocument):
    """How far a tenant has gone in a class of routes; `_id` is `class:tenant`."""

    spent_until: float
    granted: int
    now: float


RATE_LIMITS = Collection(
    name="rate_limits",
    model=StoredRateLimit,
    indexes=(),
    access={"writer": _CHANGES, "reader": _CHANGES, "archiver": _CHANGES},
)


class RateLimited(PolicyViolated):
    """The tenant is over its limit; `headers` are the fields about it."""

    def __init__(self, rate_class: RateClass, headers: Mapping[str, str], retry_after: int) -> None:
        detail = f"Too many {rate_class} requests for this tenant; go on in {retry_after} s, or send fewer records."
        super().__init__(rate_class, detail, retry_after)
        self._fields = headers

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | dict(self._fields)


class _Lease(NamedTuple):
    taken: float  # monotonic seconds
    records: int  # that may still be spent
    standing: "_Standing"


class _Standing(NamedTuple):
    """Where a tenant stands: records that would pass now, and seconds until the burst is whole again."""

    remaining: int
    reset: int

    def headers(self, name: RateClass, limit: RateLimit) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{name}";q={limit.burst};w={limit.window}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.reset}',
        }


class RateCounters:
    """Counts under keys, each with a limit. A counter that a failover sets back by some requests is worth less than the
    wait for its replication.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database.get_collection(RATE_LIMITS.name, write_concern=WriteConcern(w=1, j=False))

    def take(self, key: str, limit: RateLimit, records: int = 1, more: int = 0) -> Document:
        """The stored counter after a request for records; `granted` is 0 where they do not pass. Raises Unavailable.

        `more`: records of a lease that are granted as well where there is room.
        """
        return updated(self._collection, key, _update(limit, records, more))

    def give_back(self, key: str, limit: RateLimit) -> None:
        """Undoes the count of a record that was granted and not used. Raises Unavailable."""
        with translated():
            self._collection.update_one({"_id": key}, {"$inc": {"spentUntil": -1000 / limit.per_second}})

    def wait(self, key: str, limit: RateLimit) -> float:
        """Seconds that one more record would have to wait now for its turn; the next one waits longer.

        Raises Unavailable.
        """
        stored = updated(self._collection, key, _queued(limit))
        ahead: float = (stored["spentUntil"] - stored["now"]) / 1000
        return ahead


class RateLimiter:
    """Counts the requests of tenants. `limits_of`: a tenant's own limits, class → `{perSecond, burst}`, from a cache.

    Without the database no request passes (503): no route could be answered then.
    """

    def __init__(self, database: Database[Document], limits_of: Callable[[str | None], Mapping[str, Any]]) -> None:
        self._counters = RateCounters(database)
        self._limits_of = limits_of
        self._leases: dict[str, _Lease] = {}

    def take(self, caller: Principal, rate_class: RateClass, records: int) -> dict[str, str]:
        """Counts records of the caller's tenant; returns the header fields.

        Raises RateLimited, TooLarge for more records than pass at once, and Unavailable.
        """
        tenant = tenant_of(caller)
        own = self._limits_of(tenant).get(rate_class)
        limit = RateLimit(own["perSecond"], own["burst"]) if own else DEFAULT_LIMITS[rate_class]
        key, at = f"{rate_class}:{tenant if tenant is not None else ''}", time.monotonic()
        lease = self._leases.get(key)
        if lease and lease.records >= records and at - lease.taken < _LEASE_SECONDS:
            self._leases[key] = lease._replace(records=lease.records - records)
            return lease.standing.headers(rate_class, limit)
        more = int(limit.burst * _LEASE_SHARE) if lease and at - lease.taken < _BUSY_SECONDS else 0
        if records > limit.burst:
            raise TooLarge(f"This tenant may send {limit.burst} records at once; send fewer records in each request.")
        stored = self._counters.take(key, limit, records, more)
        standing = _standing(stored, limit)
        if not stored["granted"]:
            wait = _seconds_until(stored, limit, records)
            raise RateLimited(rate_class, standing._replace(reset=wait).headers(rate_class, limit), wait)
        if len(self._leases) >= _MOST_LEASES:
            self._leases.clear()
        self._leases[key] = _Lease(at, stored["granted"] - records, standing)
        return standing.headers(rate_class, limit)


def tenant_of(caller: Principal) -> str | None:
    """The tenant whose limit a request counts against: one of the token's, whatever a header names."""
    if caller.crosses_tenants or not caller.tenants:
        return None
    return caller.home_tenant if caller.home_tenant in caller.tenants else caller.tenants[0]


_SERVER = {"$toDouble": {"$toLong": "$$NOW"}}
# `$$NOW` is when an operation began: one that waited for others to change the document must not set it back. A clock
# that was further ahead was another server's.
_IS_LATE = {"$and": [{"$gt": ["$now", _SERVER]}, {"$lt": ["$now", {"$add": [_SERVER, _LONGEST_WAIT_MS]}]}]}
_NOW = {"$cond": [_IS_LATE, "$now", _SERVER]}


def _update(limit: RateLimit, records: int, more: int) -> list[Document]:
    """Moves the time until which the tenant's records are spent; leaves it where that would be too far ahead.

    Times are milliseconds. A lease, `more`, is granted in the first half of the burst only.
    """
    each = 1000 / limit.per_second
    most = limit.burst * each

    def ahead(count: int) -> Document:
        return {"$subtract": [{"$add": ["$spentUntil", count * each]}, "$now"]}

    leased = {"case": {"$lte": [ahead(records + more), most / 2]}, "then": records + more}
    fits = {"case": {"$lte": [ahead(records), most]}, "then": records}
    return [
        {"$set": {"now": _NOW}},
        {"$set": {"spentUntil": {"$max": [{"$ifNull": ["$spentUntil", 0.0]}, "$now"]}}},
        {"$set": {"spentUntil": {"$min": ["$spentUntil", {"$add": ["$now", most]}]}}},  # where the limit was raised
        {"$set": {"granted": {"$switch": {"branches": [leased, fits] if more else [fits], "default": 0}}}},
        {"$set": {"spentUntil": {"$add": ["$spentUntil", {"$multiply": ["$granted", each]}]}}},
    ]


def _queued(limit: RateLimit) -> list[Document]:
    """Moves the end of a queue by one record."""
    return [
        {"$set": {"now": _NOW}},
        {"$set": {"spentUntil": {"$max": [{"$ifNull": ["$spentUntil", 0.0]}, "$now"]}}},
        {"$set": {"spentUntil": {"$add": ["$spentUntil", 1000 / limit.per_second]}, "granted": 1}},
    ]


def _standing(stored: Document, limit: RateLimit) -> _Standing:
    ahead = (stored["spentUntil"] - stored["now"]) / 1000
    return _Standing(max(0, math.floor(limit.burst - ahead * limit.per_second + 1e-6)), math.ceil(ahead))


def _seconds_until(stored: Document, limit: RateLimit, records: int) -> int:
    """Whole seconds until the records would pass, at least one."""
    ahead: float = (stored["spentUntil"] - stored["now"]) / 1000
    return max(1, math.ceil(ahead + (records - limit.burst) / limit.per_second))
