"""MongoDB views over exchanges and rollups, for dashboards that read the database; the API has the same figures."""

from typing import Any

from chancery.core.mongo.collections import View
from chancery.integrations.exchanges.rollups import GAMMA

_FAILED_FIELDS = (
    "tenantId",
    "requestId",
    "parentRequestId",
    "attemptNumber",
    "systemCode",
    "endpointCode",
    "httpMethod",
    "requestUrl",
    "responseStatus",
    "status",
    "error",
    "context",
    "actor",
    "startedAt",
    "completedAt",
    "durationMs",
    "nextRetryAt",
    "correlationId",
    "traceId",
)


def _since(field: str, unit: str, amount: int) -> dict[str, Any]:
    """A condition on a time, which an index serves (MongoDB 5.0: `$expr` with `$gte`)."""
    begin = {"$dateSubtract": {"startDate": "$$NOW", "unit": unit, "amount": amount}}
    return {"$expr": {"$gte": [f"${field}", begin]}}


V_FAILED_REQUESTS_24H = View(
    name="v_failed_requests_24h",
    pipeline=(
        {"$match": {"isSuccess": False, **_since("createdOn", "hour", 24)}},
        {"$sort": {"createdOn": -1, "refId": -1}},
        {"$project": {"_id": 0, **dict.fromkeys(_FAILED_FIELDS, 1)}},
    ),
)

_OUTCOMES = ("SUCCESS", "FAILED", "TIMEOUT", "CANCELLED")
_COUNTERS = tuple(outcome.lower() for outcome in _OUTCOMES)
_BUCKET = {
    "$cond": [
        {"$lte": ["$durationMs", 1]},
        0,
        {"$toInt": {"$ceil": {"$divide": [{"$ln": {"$max": ["$durationMs", 1]}}, {"$ln": GAMMA}]}}},
    ]
}
_SUMS = ("total", "durationMs", *_COUNTERS)


def _entries(durations: dict[str, Any] | str) -> dict[str, Any]:
    """Histogram and sums of a rollup as one list of `{k, v}`: one `$group` then adds up both."""
    return {"$concatArrays": [durations, [{"k": name, "v": {"$ifNull": [f"${name}", 0]}} for name in _SUMS]]}


# Exchanges that are not in the rollups yet, as rollups of one exchange.
_UNCOUNTED: tuple[dict[str, Any], ...] = (
    {"$match": {"uncounted": {"$exists": True}, "countedAs": None}},
    {
        "$project": {
            "isRecent": _since("createdOn", "hour", 1)["$expr"],  # matched below, so that no index of times is used
            "tenantId": 1,
            "systemCode": 1,
            "durationMs": 1,
            "total": {"$literal": 1},
            **{name.lower(): {"$toInt": {"$eq": ["$status", name]}} for name in _OUTCOMES},
            "bucket": [{"k": {"$toString": _BUCKET}, "v": {"$literal": 1}}],
        }
    },
    {"$match": {"isRecent": True}},
    {"$project": {"tenantId": 1, "systemCode": 1, "entries": _entries("$bucket")}},
)
_LAST_HOUR: tuple[dict[str, Any], ...] = (
    {"$match": {"period": "minute", "endpointCode": None, **_since("beginsOn", "hour", 1)}},
    {"$project": {"tenantId": 1, "systemCode": 1, "entries": _entries({"$objectToArray": "$durations"})}},
    {"$unionWith": {"coll": "integration_logs", "pipeline": list(_UNCOUNTED)}},
)


def _quantile(share: float) -> dict[str, Any]:
    """The duration of the bucket in which that share of the exchanges is reached; `buckets` is sorted."""
    rank = {"$ceil": {"$multiply": [share, "$total"]}}
    step = {
        "seen": {"$add": ["$$value.seen", "$$this.n"]},
        "bucket": {"$cond": [{"$gte": ["$$value.seen", rank]}, "$$value.bucket", "$$this.bucket"]},
    }
    found = {"$reduce": {"input": "$buckets", "initialValue": {"seen": 0, "bucket": 0}, "in": step}}
    middle = {"$multiply": [{"$pow": [GAMMA, {"$getField": {"field": "bucket", "input": found}}]}, 2 / (GAMMA + 1)]}
    return {"$round": [middle, 0]}


V_SYSTEM_HEALTH = View(
    name="v_system_health",
    pipeline=(
        *_LAST_HOUR,
        {"$unwind": "$entries"},
        {
            "$group": {
                "_id": {"tenantId": "$tenantId", "systemCode": "$systemCode", "k": "$entries.k"},
                "n": {"$sum": "$entries.v"},
            }
        },
        {"$addFields": {"bucket": {"$convert": {"input": "$_id.k", "to": "int", "onError": None}}}},
        {"$sort": {"bucket": 1}},
        {
            "$group": {
                "_id": {"tenantId": "$_id.tenantId", "systemCode": "$_id.systemCode"},
                "buckets": {"$push": {"bucket": "$bucket", "n": {"$cond": [{"$eq": ["$bucket", None]}, 0, "$n"]}}},
                **{name: {"$sum": {"$cond": [{"$eq": ["$_id.k", name]}, "$n", 0]}} for name in _SUMS},
            }
        },
        {"$match": {"total": {"$gt": 0}}},
        {
            "$project": {
                "_id": 0,
                "tenantId": "$_id.tenantId",
                "systemCode": "$_id.systemCode",
                "totalRequests": "$total",
                "successful": "$success",
                **dict.fromkeys(("failed", "timeout", "cancelled"), 1),
                "successRate": {"$round": [{"$multiply": [{"$divide": ["$success", "$total"]}, 100]}, 2]},
                "avgDurationMs": {"$round": [{"$divide": ["$durationMs", "$total"]}, 2]},
                "p50DurationMs": _quantile(0.5),
                "p95DurationMs": _quantile(0.95),
            }
        },
        {"$sort": {"tenantId": 1, "systemCode": 1}},
    ),
)
