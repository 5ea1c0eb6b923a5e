"""What the archive holds, for administrators: partitions by tenant, month and state."""

from collections.abc import Mapping
from dataclasses import dataclass

from chancery.archive.month_selection import is_archived
from chancery.archive.months import Month
from chancery.archive.queries import ArchiveSearch
from chancery.archive.responses import LIST_FIELDS, partition_shown
from chancery.archive.store import ArchiveStore
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import ADMINS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.core.web.validation import parse


@dataclass(frozen=True, slots=True)
class Archives:
    """Shows partitions. super_admin only, and every look is audited."""

    store: ArchiveStore
    trail: Trail

    def search(self, principal: Principal, parameters: Mapping[str, str]) -> Document:
        """`{items, nextCursor}`, the newest month first."""
        principal.require(ADMINS)
        search = parse(ArchiveSearch, parameters)
        scope, filters = principal.read_scope(search.tenant_id), search.filters()
        self.trail.record(principal, scope, "archive.listed", details={"filters": sorted(filters)}, always=True)
        bound_to = binding({"archives": filters, "scope": scope.filter})
        query: Document = {**scope.filter, **filters}
        if search.cursor:
            query = {"$and": [query, _beyond(decode_cursor(search.cursor, bound_to))]}
        found = self.store.partitions(query, [("month", -1), ("refId", -1)], search.limit + 1, ("refId", *LIST_FIELDS))
        page, more = found[: search.limit], len(found) > search.limit
        cursor = encode_cursor(_position(page[-1]), bound_to) if more else None
        return {"items": [partition_shown(partition) for partition in page], "nextCursor": cursor}

    def get(self, principal: Principal, ref_id: str) -> Document:
        """One partition; while its file is being written with `progress`: the parts, records and bytes of it so far."""
        principal.require(ADMINS)
        scope = principal.read_scope()
        partition = self.store.get({**scope.filter, "refId": ref_id})
        if scope.every_tenant:
            scope = TenantScope(partition["tenantId"], crossing=partition["tenantId"] is not None)
        self.trail.record(principal, scope, "archive.viewed", ref_id, always=True)
        progress = None if is_archived(partition) else self._progress(partition)
        return {**partition_shown(partition, whole=True), "progress": progress}

    def _progress(self, partition: Document) -> Document:
        parts = self.store.progress(partition)
        sums = {name: sum(part[name] for part in parts) for name in ("records", "rawBytes", "bytes")}
        return {"parts": len(parts), **sums}


def _position(partition: Document) -> Position:
    """A month stands in the cursor as the moment it began."""
    return Position(Month.parse(partition["month"]).start, partition["refId"])


def _beyond(position: Position) -> Document:
    month = str(Month.of(position.created_on))
    return {
        "$or": [{"month": {"$lt": month}}, {"month": month, "refId": {"$lt": position.ref_id}}],
        "month": {"$lte": month},  # one index bound for both
    }
