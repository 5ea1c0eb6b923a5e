"""Health of systems and figures of systems and endpoints, from the rollups and what is not counted yet.

The two are read one after the other: an exchange that is counted in between is missing for a moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chancery.core.formats.times import to_rfc3339
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, wrong_query
from chancery.integrations.exchanges.rollups import Figures
from chancery.integrations.exchanges.search import LENGTHS, StatisticsQuery
from chancery.integrations.exchanges.store import ExchangeStore

_HOUR = timedelta(hours=1)
_MINUTES_STORED = timedelta(days=2)
_MOST_UNCOUNTED = 5000
_SUMS = ("tenantId", "systemCode", "beginsOn", "total", "success", "failed", "timeout", "cancelled", "durationMs")
_UNCOUNTED = ("tenantId", "systemCode", "startedAt", "status", "durationMs")


@dataclass(frozen=True, slots=True)
class ExchangeStatistics:
    """Answers with figures of the caller's tenants."""

    rollups: Repository
    store: ExchangeStore
    trail: Trail

    def health(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """`{from, to, systems}`: the exchanges of each system that began within the last hour."""
        scope = call.principal.read_scope(call.query.tenant_id)
        self.trail.record(call.principal, scope, "integration_health.viewed")
        end = self.rollups.clock()
        begin = (end - _HOUR).replace(second=0, microsecond=0)
        minutes = {"period": "minute", "beginsOn": {"$gte": begin, "$lte": end}, "endpointCode": None}
        systems: dict[tuple[str, str], Figures] = {}
        for rollup in self.rollups.find({**scope.filter, **minutes}, (*_SUMS, "durations")):
            systems.setdefault((rollup["tenantId"], rollup["systemCode"]), Figures()).add_rollup(rollup)
        for exchange in self._uncounted(scope, {}, begin, end):
            systems.setdefault((exchange["tenantId"], exchange["systemCode"]), Figures()).add_exchange(exchange)
        found = [
            {"tenantId": tenant_id, "systemCode": code, **figures.as_json()}
            for (tenant_id, code), figures in sorted(systems.items())
            if figures.counts["total"]
        ]
        return {"from": to_rfc3339(begin), "to": to_rfc3339(end), "systems": found}

    def system(self, call: Call[StatisticsQuery]) -> dict[str, Any]:
        """`{systemCode, bucket, from, to, total, items}`: the figures of a system. Raises ValidationFailed."""
        return self._figures(call, "system", call.path["code"], None)

    def endpoint(self, call: Call[StatisticsQuery]) -> dict[str, Any]:
        """As `system`, of one of its endpoints."""
        return self._figures(call, "endpoint", call.path["code"], call.path["endpoint"])

    def _figures(
        self, call: Call[StatisticsQuery], kind: str, system_code: str, endpoint_code: str | None
    ) -> dict[str, Any]:
        scope, query = call.principal.read_scope(call.query.tenant_id), call.query
        self.trail.record(call.principal, scope, "integration_statistics.viewed", system_code, {"of": kind})
        begin, end = self._period(query)
        codes = {"systemCode": system_code} | ({"endpointCode": endpoint_code} if endpoint_code else {})
        wanted = {
            "systemCode": system_code,
            "endpointCode": endpoint_code,
            "period": "minute" if query.bucket == "minute" else "hour",
            "beginsOn": {"$gte": _floor(begin, query.bucket), "$lt": end},
        }
        total, buckets = Figures(), dict[datetime, Figures]()
        for rollup in self.rollups.find({**scope.filter, **wanted}, (*_SUMS, "durations")):
            for figures in (total, buckets.setdefault(_floor(rollup["beginsOn"], query.bucket), Figures())):
                figures.add_rollup(rollup)
        for exchange in self._uncounted(scope, codes, _floor(begin, query.bucket), end):
            for figures in (total, buckets.setdefault(_floor(exchange["startedAt"], query.bucket), Figures())):
                figures.add_exchange(exchange)
        items = [{"beginsOn": to_rfc3339(start), **buckets[start].as_json()} for start in sorted(buckets)]
        about = {"bucket": query.bucket, "from": to_rfc3339(begin), "to": to_rfc3339(end)}
        return {**codes, **about, "total": total.as_json(), "items": items}

    def _period(self, query: StatisticsQuery) -> tuple[datetime, datetime]:
        """The time of the figures. Raises ValidationFailed where it is longer than the buckets allow, or gone."""
        now = self.rollups.clock()
        begin, end = query.period(now)
        longest = LENGTHS[query.bucket]
        if not begin < end or end - begin > longest:
            raise wrong_query("/from", f"must lie before `to`, by at most {longest.days or 1} days for this bucket")
        if query.bucket == "minute" and begin < now - _MINUTES_STORED:
            raise wrong_query("/from", "must lie within the last two days for buckets of a minute")
        return begin, end

    def _uncounted(
        self, scope: TenantScope, codes: Mapping[str, Any], begin: datetime, end: datetime
    ) -> Iterable[Document]:
        """Exchanges that have ended and are in no rollup yet: those of a second or two, up to 5,000."""
        found = self.store.uncounted({**scope.filter, **codes}, _UNCOUNTED, _MOST_UNCOUNTED)
        return [exchange for exchange in found if begin <= exchange["startedAt"] < end]


def _floor(moment: datetime, bucket: str) -> datetime:
    """The begin of the bucket that a moment lies in."""
    minute = moment.replace(second=0, microsecond=0)
    if bucket == "minute":
        return minute
    return minute.replace(minute=0) if bucket == "hour" else minute.replace(hour=0, minute=0)
