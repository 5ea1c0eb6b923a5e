"""Searches of log lines: filters, always within a tenant and a time; single lines, and the lines around one."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from chancery.core.errors import NotFound
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.listing import MOST_BYTES, ListQuery, fitting, to_response
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.logs.collections import BY_KIND, LIST_FIELDS
from chancery.logs.filters import LogFilter
from chancery.logs.kinds import KINDS_BY_NAME, LogKind
from chancery.logs.queries import conditions, index_range
from chancery.logs.store import LogStore

SCAN_STEPS = (2_000, 8_000, 40_000)  # lines that a page reads one after another where no index has its filter


class LogSearch(LogFilter, ListQuery):
    """The query parameters of `GET /v1/logs/{kind}`."""

    offered = LIST_FIELDS


class ContextQuery(TenantChoice):
    """The query parameters of `GET /v1/logs/{kind}/{refId}/context`."""

    before: int = Field(10, ge=0, le=100, description="lines before it")
    after: int = Field(10, ge=0, le=100, description="lines after it")


class LogReader(NamedTuple):
    """Answers searches inside of the caller's tenants; an access that must be audited is audited first."""

    store: LogStore
    trail: Trail
    clock: Clock = now

    def search(self, call: Call[LogSearch]) -> dict[str, Any]:
        """`{items, nextCursor}`, newest first. A page may end early, and go on at `nextCursor`: see `SCAN_STEPS`."""
        search, kind = call.query, KINDS_BY_NAME[call.path["kind"]]
        filters = search.filters()
        scope = search.scope(call.principal)
        self.trail.record(call.principal, scope, "log.searched", details={"filters": sorted([*filters, kind.name])})
        given = {**filters, "from": search.from_, "to": search.to}
        bound_to = binding({**scope.filter, **given, "of": kind.name})
        within: Document = {**scope.filter, "createdOn": search.window(self.clock)}
        after = decode_cursor(search.cursor, bound_to) if search.cursor else None
        fields, end = search.chosen(), None
        if not filters or index_range(kind, filters):
            query = {"$and": [within, *_between(after, None), *conditions(filters)]}
            found = self.store.page(kind.name, query, fields, search.limit + 1)
        else:
            found, end = self._scanned(kind, within, after, filters, fields, search.limit + 1)
        items = fitting([to_response(item, fields) for item in found[: search.limit]])
        if len(items) < len(found):
            last = found[len(items) - 1]
            end = Position(last["createdOn"], last["refId"])
        return {"items": items, "nextCursor": encode_cursor(end, bound_to) if end else None}

    def _scanned(
        self,
        kind: LogKind,
        within: Document,
        after: Position | None,
        filters: Document,
        fields: Sequence[str],
        limit: int,
    ) -> tuple[list[Document], Position | None]:
        """The first lines that filters without an index find, and where the scan of `SCAN_STEPS` lines ended."""
        found, end = list[Document](), after
        for count in SCAN_STEPS:
            begin, end = end, self.store.position_after(kind.name, within, end, count)
            query = {"$and": [within, *_between(begin, end), *conditions(filters)]}
            found += self.store.page(kind.name, query, fields, limit - len(found))
            if end is None or len(found) == limit:
                break
        return found, end

    def get(self, call: Call[TenantChoice]) -> dict[str, Any]:
        """One whole line. Raises NotFound, also for another tenant's."""
        return to_response(self._viewed(call.principal, call.query.tenant_id, call.path))

    def context(self, call: Call[ContextQuery]) -> dict[str, Any]:
        """`{before, line, after}`: the lines of its tenant and kind around a line, oldest first."""
        line, kind = self._viewed(call.principal, call.query.tenant_id, call.path), KINDS_BY_NAME[call.path["kind"]]
        position = Position(line["createdOn"], line["refId"])
        fields = BY_KIND[kind.name].list_fields

        def beyond(limit: int, *, descending: bool) -> list[dict[str, Any]]:
            query = {"tenantId": line["tenantId"], **position.filter(descending=descending)}
            found = self.store.page(kind.name, query, fields, limit, descending=descending) if limit else []
            return fitting([to_response(item, fields) for item in found], MOST_BYTES // 2)

        before = beyond(call.query.before, descending=True)[::-1]
        return {"before": before, "line": to_response(line), "after": beyond(call.query.after, descending=False)}

    def _viewed(self, principal: Principal, tenant_id: str | None, path: Mapping[str, str]) -> Document:
        scope = principal.read_scope(tenant_id)
        line = self.store.get(path["kind"], scope.filter, path["refId"])
        if line is None:
            raise NotFound("There is no such log line.")
        if scope.every_tenant:
            scope = TenantScope(line["tenantId"], crossing=line["tenantId"] is not None)
        self.trail.record(principal, scope, "log.viewed", path["refId"])
        return line


def _between(begin: Position | None, end: Position | None) -> list[Document]:
    """Lines after one position and up to another, newest first; None: no end."""
    found = [begin.filter(descending=True)] if begin else []
    if end:
        same = {"createdOn": end.created_on, "refId": {"$gte": end.ref_id}}
        found += [{"$or": [{"createdOn": {"$gt": end.created_on}}, same], "createdOn": {"$gte": end.created_on}}]
    return found
