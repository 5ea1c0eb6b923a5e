"""Reads the audit trail in MongoDB."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.database import Database

from chancery.audit.collections import AUDIT_LOGS
from chancery.core.mongo.client import Document, translated
from chancery.core.web.pagination import Position

_BY_TIME = [("tenantId", 1), ("createdOn", -1), ("refId", -1)]  # an index, as a hint
_BY_REF_ID = [("tenantId", 1), ("refId", 1)]
_BATCH = 2000  # records that the server sends at once: with fewer an archive waits for it more often


class AuditStore:
    """Reads `audit_logs` of one database."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[AUDIT_LOGS.name]

    def page(
        self,
        query: Mapping[str, Any],
        *,
        fields: Sequence[str],
        descending: bool,
        limit: int,
        as_stored: bool = False,
    ) -> list[Document]:
        """Records of a query in (createdOn, refId) order, or in that of refIds alone; only the named fields."""
        direction = -1 if descending else 1
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with translated():
            cursor = self._collection.find(query, projection)
            order = ("refId",) if as_stored else ("createdOn", "refId")
            return list(cursor.sort([(field, direction) for field in order]).limit(limit).batch_size(limit))

    def get(self, scope: Mapping[str, Any], ref_id: str) -> Document | None:
        """One whole record inside of a scope."""
        with translated():
            within = scope or {"tenantId": {"$in": self.tenants()}}  # the index on refId begins with the tenant
            return self._collection.find_one({**within, "refId": ref_id}, {"_id": 0})

    def get_many(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, Document]:
        """Whole records of a tenant, by refId."""
        with translated():
            found = self._collection.find({"tenantId": tenant_id, "refId": {"$in": list(ref_ids)}}, {"_id": 0})
            return {record["refId"]: record for record in found}

    def of_ref_ids(
        self, query: Mapping[str, Any], ref_ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Document]:
        """The records of a query that are among the refIds, by refId; only the named fields. The query has a tenant."""
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        hint = None if "$text" in query else _BY_REF_ID  # MongoDB takes no hint next to $text
        with translated():
            found = self._collection.find({**query, "refId": {"$in": list(ref_ids)}}, projection, hint=hint)
            return {record["refId"]: record for record in found}

    def after(self, tenant_id: str | None, ref_id: str, before: datetime, limit: int) -> list[Document]:
        """Whole records of a tenant that follow a refId and were stored before a moment, in refId order."""
        query = {"tenantId": tenant_id, "refId": {"$gt": ref_id}, "recordedOn": {"$lt": before}}
        with translated():
            return list(self._collection.find(query, {"_id": 0}).sort("refId", 1).limit(limit))

    def tenants(self) -> list[str | None]:
        """Every tenant that has records."""
        with translated():
            return list(self._collection.distinct("tenantId"))

    def stream(self, query: Mapping[str, Any]) -> Iterator[Document]:
        """Every whole record of a query, oldest first, in constant memory."""
        with translated():
            yield from self._collection.find(query, {"_id": 0}).sort([("createdOn", 1), ("refId", 1)]).batch_size(1000)

    def recorded_between(
        self,
        tenant_id: str | None,
        created: tuple[datetime, datetime],
        recorded: tuple[datetime | None, datetime],
        after: Document | None,
    ) -> Iterator[Document]:
        """Whole records of a period that were stored in another, oldest first, in constant memory.

        Both periods are [from, to); `after` is the `{createdOn, refId}` to go on from.
        """
        query: dict[str, Any] = {"tenantId": tenant_id, "recordedOn": _stored(recorded)}
        query["createdOn"] = {"$gte": after["createdOn"] if after else created[0], "$lt": created[1]}
        if after:
            query = {"$and": [query, Position(after["createdOn"], after["refId"]).filter(descending=False)]}
        with translated():
            found = self._collection.find(query, {"_id": 0}, hint=_BY_TIME, batch_size=_BATCH)
            yield from found.sort([("createdOn", 1), ("refId", 1)])

    def first_created(self, tenant_id: str | None, since: datetime | None = None) -> datetime | None:
        """The smallest createdOn of a tenant's records, at or after a moment. Reads one index key."""
        query: dict[str, Any] = {"tenantId": tenant_id} | ({"createdOn": {"$gte": since}} if since else {})
        with translated():
            found = self._collection.find_one(query, {"_id": 0, "createdOn": 1}, sort=[("createdOn", 1)], hint=_BY_TIME)
        return found["createdOn"] if found else None

    def count_created(self, tenant_id: str | None, created: tuple[datetime, datetime]) -> int:
        """How many records of a tenant happened in a period [from, to). Reads index keys only (COUNT_SCAN)."""
        query = {"tenantId": tenant_id, "createdOn": {"$gte": created[0], "$lt": created[1]}}
        with translated():
            return self._collection.count_documents(query, hint=_BY_TIME)

    def has_recorded(
        self,
        tenant_id: str | None,
        created: tuple[datetime, datetime],
        recorded: tuple[datetime | None, datetime | None],
    ) -> bool:
        """Whether a record of a period was stored in another, which may be open at either end.

        Reads the first period's records until there is one.
        """
        query = {"tenantId": tenant_id, "createdOn": {"$gte": created[0], "$lt": created[1]}}
        with translated():
            found = self._collection.find_one({**query, "recordedOn": _stored(recorded)}, {"_id": 1}, hint=_BY_TIME)
        return found is not None

    def groups(self, query: Mapping[str, Any], key: Any, sort: Mapping[str, int], limit: int) -> list[Document]:
        """`{_id, count}` a group of the query's records by the aggregation expression `key`."""
        pipeline: list[Mapping[str, Any]] = [
            {"$match": query},
            {"$group": {"_id": key, "count": {"$sum": 1}}},
            {"$sort": sort},
            {"$limit": limit},
        ]
        with translated():
            return list(self._collection.aggregate(pipeline, allowDiskUse=True))

    def last_seen(self, scope: Mapping[str, Any]) -> dict[str, datetime]:
        """Action → when it was last seen. Reads one index key an action and tenant, however many records there are."""
        with translated():
            tenants = [scope["tenantId"]] if "tenantId" in scope else self.tenants()
            found: dict[str, datetime] = {}
            for tenant in tenants:
                for group in self._collection.aggregate(last_seen_pipeline(tenant)):
                    found[group["_id"]] = max(group["last"], found.get(group["_id"], group["last"]))
        return found


def _stored(recorded: tuple[datetime | None, datetime | None]) -> dict[str, datetime]:
    ends = {"$gte": recorded[0], "$lt": recorded[1]}
    return {name: moment for name, moment in ends.items() if moment is not None}


def last_seen_pipeline(tenant_id: str | None) -> list[Mapping[str, Any]]:
    """Sorted like the index and grouped by one field: MongoDB then jumps from action to action (DISTINCT_SCAN)."""
    return [
        {"$match": {"tenantId": tenant_id}},
        {"$sort": {"tenantId": 1, "action": 1, "createdOn": -1, "refId": -1}},
        {"$group": {"_id": "$action", "last": {"$first": "$createdOn"}}},
    ]
