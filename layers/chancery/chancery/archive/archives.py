"""The archive for administrators: partitions by tenant, month and state, and requests to restore one from Glacier."""

from dataclasses import dataclass

from chancery.archive.bucket import ArchiveBucket, FileGone
from chancery.archive.models import ArchiveSearch, RestoreRequest
from chancery.archive.month_selection import Month, is_archived
from chancery.archive.restores import RestoreStore, report_damage
from chancery.archive.store import ArchiveStore
from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.errors import Conflict
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.listing import as_json
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query

# A list leaves out the log's checkpoint, which comes with the single one.
LIST_FIELDS = (
    "tenantId",
    "month",
    "supplement",
    "state",
    "runId",
    "recordedFrom",
    "recordedTo",
    "storageClass",
    "key",
    "records",
    "rawBytes",
    "bytes",
    "seconds",
    "first",
    "last",
    "manifestSha256",
    "cost",
    "error",
    "createdOn",
    "updatedOn",
)
_RESTORE_FIELDS = ("state", "tier", "days", "records", "error", "completedOn", "expiresOn", "updatedOn")


@dataclass(frozen=True, slots=True)
class Archives:
    """Lists and reads partitions, each with its newest restore. Every read is audited."""

    store: ArchiveStore
    restores: RestoreStore
    trail: Trail

    def search(self, call: Call[ArchiveSearch]) -> Document:
        """`{items, nextCursor}`, the newest month first."""
        principal, search = call.principal, call.query
        scope, filters = principal.read_scope(search.tenant_id), search.filters()
        self.trail.record(principal, scope, "archive.listed", details={"filters": sorted(filters)}, always=True)
        bound_to = binding({"archives": filters, "scope": scope.filter})
        query: Document = {**scope.filter, **filters}
        if search.cursor:
            query = {"$and": [query, _beyond(decode_cursor(search.cursor, bound_to))]}
        found = self.store.partitions(query, [("month", -1), ("refId", -1)], search.limit + 1, ("refId", *LIST_FIELDS))
        page, more = found[: search.limit], len(found) > search.limit
        cursor = encode_cursor(_position(page[-1]), bound_to) if more else None
        restores = self.restores.newest(map(ItemRef.of, page))
        items = [to_response(partition, restores.get(partition["refId"])) for partition in page]
        return {"items": items, "nextCursor": cursor}

    def get(self, call: Call) -> Document:
        """One partition; with `progress` (parts, records and bytes so far) while its file is being written."""
        principal, ref_id = call.principal, call.path["id"]
        scope = principal.read_scope()
        partition = self.store.get({**scope.filter, "refId": ref_id})
        if scope.every_tenant:
            scope = TenantScope(partition["tenantId"], crossing=partition["tenantId"] is not None)
        self.trail.record(principal, scope, "archive.viewed", ref_id, always=True)
        progress = None if is_archived(partition) else self._progress(partition)
        restore = self.restores.newest([ItemRef.of(partition)]).get(ref_id)
        return {**to_response(partition, restore, whole=True), "progress": progress}

    def _progress(self, partition: Document) -> Document:
        parts = self.store.progress(partition)
        sums = {name: sum(part[name] for part in parts) for name in ("records", "rawBytes", "bytes")}
        return {"parts": len(parts), **sums}


def to_response(partition: Document, restore: Document | None, *, whole: bool = False) -> Document:
    """A partition as the API answers with it, with its newest restore; `whole` with its log."""
    fields = (*LIST_FIELDS, "log") if whole else LIST_FIELDS
    body = {"id": partition["refId"], **{name: as_json(partition.get(name)) for name in fields}}
    return {**body, "restore": None if restore is None else _restore_to_response(restore)}


def _restore_to_response(restore: Document) -> Document:
    requested = {"id": restore["refId"], "requestedBy": restore["createdBy"], "requestedOn": restore["createdOn"]}
    fields = {name: restore.get(name) for name in _RESTORE_FIELDS}
    return {name: as_json(value) for name, value in (requested | fields).items()}


def _position(partition: Document) -> Position:
    """The cursor has a month as the moment at which it began."""
    return Position(Month.parse(partition["month"]).start, partition["refId"])


def _beyond(position: Position) -> Document:
    month = str(Month.of(position.created_on))
    return {
        "$or": [{"month": {"$lt": month}}, {"month": month, "refId": {"$lt": position.ref_id}}],
        "month": {"$lte": month},  # one index bound for both
    }


@dataclass(frozen=True, slots=True)
class RestoreRequests:
    """Takes requests for restores; each is audited. `queue` has restores worked on."""

    store: ArchiveStore
    restores: RestoreStore
    bucket: ArchiveBucket
    queue: Queue
    keys: IdempotencyKeys
    trail: Trail

    def request(self, call: Call[None, RestoreRequest]) -> Answer:
        """202 with the partition and its restore, which has failed where the file is gone.

        While one is under way, another request changes nothing.

        S3 is asked before the restore is stored, so that every stored restore is one that S3 knows of. Raises
        NotFound, Conflict.
        """
        return self.keys.once(call.request, lambda _: self._request(call.principal, call.path["id"], call.body))

    def _request(self, principal: Principal, ref_id: str, wanted: RestoreRequest) -> Answer:
        partition = self.store.get({**principal.read_scope().filter, "refId": ref_id})
        scope = principal.read_scope("null" if partition["tenantId"] is None else partition["tenantId"])
        details = {"tier": wanted.tier, "days": wanted.days}
        self.trail.record(principal, scope, "archive.restore_requested", ref_id, details, always=True)
        _check(partition, wanted)
        restore = self.restores.active(partition) or self._restore(partition, principal, scope, wanted)
        return Answer(202, to_response(partition, restore, whole=True))

    def _restore(
        self, partition: Document, principal: Principal, scope: TenantScope, wanted: RestoreRequest
    ) -> Document:
        asked: Document = {"state": "requested", "error": None}
        is_there = False
        try:
            is_there = self.bucket.restore(partition["key"], wanted.tier, wanted.days)
        except FileGone as exc:
            report_damage(partition, exc.detail)
            asked = {"state": "failed", "error": exc.detail}
        new = {
            **base_of(principal, scope, self.restores.clock),
            "partitionId": partition["refId"],
            "tier": wanted.tier,
            "days": wanted.days,
            **asked,
            "progress": None,
            "records": 0,
        }
        restore = self.restores.add(new)
        if restore is None:
            first = self.restores.active(partition)
            if first is None:
                raise Conflict("Another restore of the archive has just ended; try again.")
            return first
        if is_there:  # else S3's event follows
            self.queue.send(ItemRef.of(restore).to_message())
        return restore


def _check(partition: Document, wanted: RestoreRequest) -> None:
    """Raises Conflict, and ValidationFailed for a tier that the storage class does not have."""
    if not is_archived(partition):
        raise Conflict(f"The month is not archived yet: its state is {partition['state']}.")
    if wanted.tier == "Expedited" and partition["storageClass"] == "DEEP_ARCHIVE":
        raise wrong_query("/tier", "does not exist for DEEP_ARCHIVE; choose Standard or Bulk")
