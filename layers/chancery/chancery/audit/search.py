"""Searching the audit trail: filters, pages, single records, groups, coverage."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import Field

from chancery.audit.access import AccessTrail
from chancery.audit.catalog import catalogue
from chancery.audit.collections import LIST_FIELDS
from chancery.audit.filters import AuditFilter
from chancery.audit.responses import json_value, to_response
from chancery.audit.store import AuditStore
from chancery.core.documents import Document
from chancery.core.errors import NotFound
from chancery.core.identity.principal import TenantScope
from chancery.core.web.listing import ListQuery, page_of
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice

MAX_GROUPS = 1000
_GROUP_KEYS = {"action": "$action", "actor": "$actorId", "resourceType": "$resourceType"}


class Source(Document):
    """Where to look: among live records, or those of archives that have been restored."""

    source: Literal["live", "restored"] = Field("live", description="`restored`: records of restored archives")


class RecordQuery(TenantChoice, Source):
    """The query parameters of `GET /v1/audit-logs/{refId}`."""


class AuditSearch(AuditFilter, Source, ListQuery):
    """The query parameters of `GET /v1/audit-logs`."""

    offered = LIST_FIELDS
    order: Literal["asc", "desc"] | None = Field(
        None, description="by createdOn, newest first; with `after` by when they were stored, oldest first"
    )
    after: str | None = Field(
        None,
        pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$",
        description="a refId: records of one tenant that were stored after it, whenever they happened",
    )

    @property
    def descending(self) -> bool:
        return self.order == "desc" or (self.order is None and self.after is None)

    def mongo_filter(self, scope: TenantScope) -> dict[str, Any]:
        """The MongoDB filter inside of a scope.

        A refId is a ULID made when its record is stored, so within a tenant an index has them in that order.
        """
        query = super().mongo_filter(scope)
        return query if self.after is None else query | {"refId": {"$gt": self.after}}


class StatsQuery(AuditFilter):
    """The query parameters of `GET /v1/audit-logs/stats`."""

    group_by: Literal["action", "actor", "resourceType", "minute", "hour", "day", "month"]


@dataclass(frozen=True, slots=True)
class AuditReader:
    """Answers searches inside of the caller's tenants; an access that must be audited is audited first."""

    store: AuditStore
    trail: AccessTrail
    restored: AuditStore

    def search(self, call: Call[AuditSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`."""
        principal, search = call.principal, call.query
        scope = principal.read_scope(search.tenant_id)
        query, fields = search.mongo_filter(scope), search.chosen()
        source, as_stored = _unless_live(search.source), search.after is not None
        self.trail.record(principal, scope, "audit_log.searched", details={"filters": search.given(), **source})
        return page_of(
            partial(self._store(search.source).page, as_stored=as_stored),
            query,
            search,
            fields,
            descending=search.descending,
            as_stored=as_stored,
            about={"every": scope.every_tenant, **source},
            convert=to_response,
        )

    def get(self, call: Call[RecordQuery]) -> dict[str, Any]:
        """One whole record. Raises NotFound, also for another tenant's."""
        principal, ref_id, source = call.principal, call.path["refId"], call.query.source
        scope = principal.read_scope(call.query.tenant_id)
        record = self._store(source).get(scope.filter, ref_id)
        if record is None:
            raise NotFound("There is no such record.")
        found_in = record["tenantId"]
        if scope.every_tenant:
            scope = TenantScope(found_in, crossing=found_in is not None)
        self.trail.record(principal, scope, "audit_log.viewed", ref_id, _unless_live(source) or None)
        return to_response(record)

    def stats(self, call: Call[StatsQuery]) -> dict[str, Any]:
        """`{groups: [{key, count}], truncated}`: the largest thousand, or the last thousand time buckets in order."""
        principal, stats = call.principal, call.query
        scope = principal.read_scope(stats.tenant_id)
        query = stats.mongo_filter(scope)
        self.trail.record(principal, scope, "audit_log.searched", details={"filters": stats.given()})
        by_name = _GROUP_KEYS.get(stats.group_by)
        key = by_name or {"$dateTrunc": {"date": "$createdOn", "unit": stats.group_by}}
        sort = {"count": -1, "_id": 1} if by_name else {"_id": -1}
        found = self.store.groups(query, key, sort, MAX_GROUPS + 1)
        groups = found[:MAX_GROUPS] if by_name else found[:MAX_GROUPS][::-1]
        answer = [{"key": json_value(group["_id"]), "count": group["count"]} for group in groups]
        return {"groups": answer, "truncated": len(found) > MAX_GROUPS}

    def coverage(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """Per domain the catalogued actions and when each was last recorded; then recorded uncatalogued actions."""
        scope = call.principal.read_scope(call.query.tenant_id)
        self.trail.record(call.principal, scope, "audit_log.searched", details={"filters": ["coverage"]})
        return coverage(self.store.last_seen(scope.filter))

    def _store(self, source: str) -> AuditStore:
        return self.restored if source == "restored" else self.store


def _unless_live(source: str) -> dict[str, str]:
    """The source, where it is not the default."""
    return {} if source == "live" else {"source": source}


def coverage(last_seen: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue compared with the recorded actions (action → last createdOn)."""
    domains = []
    for domain in catalogue().domains:
        actions = [
            {
                "action": action.name,
                "seen": action.name in last_seen,
                "lastSeen": json_value(last_seen.get(action.name)),
            }
            for action in catalogue().actions_of(domain)
        ]
        seen = [item["lastSeen"] for item in actions if item["seen"]]
        domains.append(
            {"domain": domain, "actions": actions, "seen": len(seen), "unseen": len(actions) - len(seen)}
            | {"lastSeen": max(seen, default=None)}
        )
    uncatalogued = [
        {"action": action, "lastSeen": json_value(seen)}
        for action, seen in sorted(last_seen.items())
        if catalogue().get(action) is None
    ]
    return {"domains": domains, "uncatalogued": uncatalogued}
