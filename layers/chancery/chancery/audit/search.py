"""Searching the audit trail: filters, pages, single records, groups, traces, coverage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic import Field

from chancery.audit.access import AccessTrail
from chancery.audit.catalog import catalogue
from chancery.audit.collections import LIST_FIELDS
from chancery.audit.facts import as_json
from chancery.audit.filters import AuditFilter
from chancery.audit.store import AuditStore
from chancery.core.documents import Document
from chancery.core.errors import NotFound
from chancery.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Position, binding, decode_cursor, encode_cursor
from chancery.core.principal import READERS, Principal, TenantScope
from chancery.core.query import TenantChoice, parse, wrong_query

MAX_GROUPS = 1000
_MOST_BYTES = 4 * 1024 * 1024
_ALWAYS_FITS = 50  # items, each as large as its fields may be
_GROUP_KEYS = {"action": "$action", "actor": "$actorId", "resourceType": "$resourceType"}


class Page(Document):
    """The query parameters of every list."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=512, description="`nextCursor` of the page before")


class TraceQuery(TenantChoice, Page):
    """The query parameters of `GET /v1/traces/{traceId}`."""

    limit: int = Field(MAX_LIMIT, ge=1, le=MAX_LIMIT)


class Source(Document):
    """Where to look: among live records, or those of archives that have been restored."""

    source: Literal["live", "restored"] = Field("live", description="`restored`: records of restored archives")


class RecordQuery(TenantChoice, Source):
    """The query parameters of `GET /v1/audit-logs/{refId}`."""


class AuditSearch(AuditFilter, Source, Page):
    """The query parameters of `GET /v1/audit-logs`."""

    order: Literal["asc", "desc"] = Field("desc", description="by createdOn; newest first unless `asc`")
    fields: str | None = Field(None, max_length=512, description="comma-separated; narrows what each item holds")

    def chosen_fields(self) -> tuple[str, ...]:
        """The fields of each item. Raises ValidationFailed for one that a list does not give."""
        if self.fields is None:
            return LIST_FIELDS
        wanted = {name.strip() for name in self.fields.split(",")} - {""}
        if unknown := wanted - set(LIST_FIELDS):
            raise wrong_query("/fields", f"has no {', '.join(sorted(unknown))}; choose from: {', '.join(LIST_FIELDS)}")
        return tuple(name for name in LIST_FIELDS if name in wanted or name == "refId")


class StatsQuery(AuditFilter):
    """The query parameters of `GET /v1/audit-logs/stats`."""

    group_by: Literal["action", "actor", "resourceType", "hour", "day", "month"]


@dataclass(frozen=True, slots=True)
class AuditReader:
    """Reads for callers: every answer stays inside of the caller's tenants, and is audited where it must be."""

    store: AuditStore
    trail: AccessTrail
    restored: AuditStore

    def search(self, principal: Principal, parameters: Mapping[str, str]) -> dict[str, Any]:
        """`{items, nextCursor}`."""
        principal.require(READERS)
        search = parse(AuditSearch, parameters)
        scope = principal.read_scope(search.tenant_id)
        query, fields = search.mongo_filter(scope), search.chosen_fields()
        details = {"filters": search.given(), **_unless_live(search.source)}
        self.trail.record(principal, scope, "audit_log.searched", details=details)
        return self._page(query, scope, search, fields, descending=search.order == "desc", source=search.source)

    def _page(
        self,
        query: dict[str, Any],
        scope: TenantScope,
        page: Page,
        fields: tuple[str, ...],
        *,
        descending: bool,
        source: str = "live",
    ) -> dict[str, Any]:
        about = {"descending": descending, "every": scope.every_tenant, **_unless_live(source)}
        bound_to = binding({**query, **about})
        if page.cursor:
            position = decode_cursor(page.cursor, bound_to)
            query = {"$and": [query, position.filter(descending=descending)]}
        needed = tuple({*fields, "createdOn"})
        found = self._store(source).page(query, fields=needed, descending=descending, limit=page.limit + 1)
        items = [show(record, fields) for record in found[: page.limit]]
        items = items if page.limit <= _ALWAYS_FITS else _fitting(items)
        last = found[len(items) - 1] if len(items) < len(found) else None
        cursor = encode_cursor(Position(last["createdOn"], last["refId"]), bound_to) if last else None
        return {"items": items, "nextCursor": cursor}

    def get(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One whole record. Raises NotFound, also for another tenant's."""
        principal.require(READERS)
        wanted = parse(RecordQuery, parameters)
        scope = principal.read_scope(wanted.tenant_id)
        record = self._store(wanted.source).get(scope.filter, ref_id)
        if record is None:
            raise NotFound("There is no such record.")
        found_in = record["tenantId"]
        if scope.every_tenant:
            scope = TenantScope(found_in, crossing=found_in is not None)
        self.trail.record(principal, scope, "audit_log.viewed", ref_id, _unless_live(wanted.source) or None)
        return show(record)

    def stats(self, principal: Principal, parameters: Mapping[str, str]) -> dict[str, Any]:
        """`{groups: [{key, count}]}`: the largest thousand, or every time bucket in order up to a thousand."""
        principal.require(READERS)
        stats = parse(StatsQuery, parameters)
        scope = principal.read_scope(stats.tenant_id)
        query = stats.mongo_filter(scope)
        self.trail.record(principal, scope, "audit_log.searched", details={"filters": stats.given()})
        by_name = _GROUP_KEYS.get(stats.group_by)
        key = by_name or {"$dateTrunc": {"date": "$createdOn", "unit": stats.group_by}}
        sort = {"count": -1, "_id": 1} if by_name else {"_id": -1}
        groups = self.store.groups(query, key, sort, MAX_GROUPS)
        if not by_name:
            groups.reverse()
        return {"groups": [{"key": as_json(group["_id"]), "count": group["count"]} for group in groups]}

    def trace(self, principal: Principal, trace_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """`{traceId, items, nextCursor}`: every record of the trace in time order, each with its `kind`."""
        principal.require(READERS)
        page = parse(TraceQuery, parameters)
        scope = principal.read_scope(page.tenant_id)
        self.trail.record(principal, scope, "trace.viewed", trace_id)
        found = self._page({**scope.filter, "traceId": trace_id}, scope, page, LIST_FIELDS, descending=False)
        items = [{"kind": "audit_log", **item} for item in found["items"]]
        return {"traceId": trace_id, "items": items, "nextCursor": found["nextCursor"]}

    def coverage(self, principal: Principal, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Per domain which catalogued actions have been seen and when last, and what was seen beside the catalogue."""
        principal.require(READERS)
        scope = principal.read_scope(parse(TenantChoice, parameters).tenant_id)
        self.trail.record(principal, scope, "audit_log.searched", details={"filters": ["coverage"]})
        return coverage(self.store.last_seen(scope.filter))

    def _store(self, source: str) -> AuditStore:
        return self.restored if source == "restored" else self.store


def _unless_live(source: str) -> dict[str, str]:
    """The source where it has to be said."""
    return {} if source == "live" else {"source": source}


def _fitting(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the items as an answer can hold, at least one: a Lambda response ends at 6 MB, escaped."""
    size = 0
    for count, item in enumerate(items):
        size += len(orjson.dumps(item))
        if size > _MOST_BYTES and count:
            return items[:count]
    return items


def show(record: Mapping[str, Any], fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A stored record as the API shows it: dates RFC 3339, salts in hex."""
    shown = {field: as_json(value) for field, value in record.items() if fields is None or field in fields}
    if "salts" in shown:
        shown["salts"] = {field: bytes(salt).hex() for field, salt in record["salts"].items()}
    return shown


def coverage(last_seen: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue beside what was really seen (action → when last)."""
    domains = []
    for domain in catalogue().domains:
        actions = [
            {"action": action.name, "seen": action.name in last_seen, "lastSeen": as_json(last_seen.get(action.name))}
            for action in catalogue().actions_of(domain)
        ]
        seen = [item["lastSeen"] for item in actions if item["seen"]]
        domains.append(
            {"domain": domain, "actions": actions, "seen": len(seen), "unseen": len(actions) - len(seen)}
            | {"lastSeen": max(seen, default=None)}
        )
    uncatalogued = [
        {"action": action, "lastSeen": as_json(seen)}
        for action, seen in sorted(last_seen.items())
        if catalogue().get(action) is None
    ]
    return {"domains": domains, "uncatalogued": uncatalogued}
