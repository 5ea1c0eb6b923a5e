"""Counts, users and percentiles of lines by a field or a period, exact or of a sample, so that none reads much."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Literal, NamedTuple

from chancery.core.formats.times import Clock, now
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.listing import as_json
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query
from chancery.logs.filters import LogFilter
from chancery.logs.kinds import KINDS_BY_NAME, LogKind
from chancery.logs.queries import BY_TIME, SAMPLE_RATES, IndexRange, by_sample, conditions, index_range, sampled
from chancery.logs.store import LogStore

MOST_READ = 40_000  # lines that an aggregate reads: 0.1 to 0.4 s, by whether they lie next to each other
MOST_GROUPS = 1500  # a day has 1440 minutes
_FIELDS = {"user": "userId"}  # by what they are called in `groupBy`, where that is not the field's name
_PERIODS = ("minute", "hour", "day")
_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class AggregateQuery(LogFilter):
    """The query parameters of `GET /v1/logs/{kind}/aggregate`."""

    group_by: Literal["fingerprint", "endpoint", "user", "level", "logger", "feature", "minute", "hour", "day"]


class LogAggregator(NamedTuple):
    """Answers aggregates inside of the caller's tenants; an access that must be audited is audited first."""

    store: LogStore
    trail: Trail
    clock: Clock = now

    def aggregate(self, call: Call[AggregateQuery]) -> dict[str, Any]:
        """`{from, to, sampledOneIn, groups, truncated}`: the largest groups, or the last periods in order.

        Raises ValidationFailed where lines of the kind do not have the field.
        """
        query, kind = call.query, KINDS_BY_NAME[call.path["kind"]]
        key, filters, scope = _key(kind, query.group_by), query.filters(), query.scope(call.principal)
        details = {"filters": sorted([*filters, kind.name, query.group_by])}
        self.trail.record(call.principal, scope, "log.searched", details=details)
        window = query.window(self.clock)
        within: Document = {**scope.filter, "createdOn": window}
        rate, part = self._largest_part(kind, within, filters)
        match = {"$and": [within, part.condition, *conditions(filters), {"expiresOn": {"$gt": self.clock()}}]}
        in_order = query.group_by in _PERIODS
        sort = {"_id": -1} if in_order else {"count": -1, "_id": 1}
        pipeline = [{"$match": match}, _group(kind, key), {"$sort": sort}, {"$limit": MOST_GROUPS + 1}]
        found = self.store.aggregate(kind.name, pipeline, part.keys)
        groups = found[:MOST_GROUPS][::-1] if in_order else found[:MOST_GROUPS]
        return {
            "from": as_json(window["$gte"]),
            "to": as_json(window.get("$lt")),
            "sampledOneIn": rate,
            "groups": [_answer(group, rate) for group in groups],
            "truncated": len(found) > MOST_GROUPS,
        }

    def _largest_part(self, kind: LogKind, within: Document, filters: Document) -> tuple[int, IndexRange]:
        """The largest part of the lines that may be read, and the index of it: 1, or one line in so many."""
        every = index_range(kind, filters) or IndexRange(BY_TIME, {})
        samples = [(rate, IndexRange(by_sample(kind), sampled(rate))) for rate in SAMPLE_RATES]
        for rate, part in ((1, every), *samples[:-1]):
            query = {"$and": [within, part.condition]}
            if self.store.count(kind.name, query, part.keys, MOST_READ + 1) <= MOST_READ:
                return rate, part
        return samples[-1]


def _key(kind: LogKind, group_by: str) -> Any:
    """What lines are grouped by, as an expression of MongoDB. Raises ValidationFailed."""
    if group_by in _PERIODS:
        return {"$dateTrunc": {"date": "$createdOn", "unit": group_by}}
    field = _FIELDS.get(group_by, group_by)
    if field not in dict(by_sample(kind)):
        raise wrong_query("/groupBy", f"lines of the kind {kind.name} have no {field}")
    return f"${field}"


def _group(kind: LogKind, key: Any) -> Document:
    durations = {"durations": {"$push": "$durationMs"}} if "duration_ms" in kind.fields else {}
    return {"$group": {"_id": key, "count": {"$sum": 1}, "users": {"$addToSet": "$userId"}, **durations}}


def _answer(group: Document, rate: int) -> dict[str, Any]:
    return {
        "key": as_json(group["_id"]),
        "count": group["count"] * rate,
        "users": len(_given(group["users"])),
        "durationMs": _percentiles(_given(group.get("durations", ()))),
    }


def _given(values: Iterable[Any]) -> list[Any]:
    """The values that are there: a field that a document lacks is null where an index alone is read."""
    return [value for value in values if value is not None]


def _percentiles(durations: Sequence[float]) -> dict[str, float] | None:
    """By nearest rank: the smallest value that so large a part of all is not above. None without any."""
    ordered = sorted(durations)
    if not ordered:
        return None
    return {name: ordered[ceil(part * len(ordered)) - 1] for name, part in _PERCENTILES.items()}
