"""The audit trail in MongoDB: insert and find, nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo.database import Database
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from chancery.audit.collections import AUDIT_LOGS
from chancery.core.errors import Unavailable
from chancery.core.mongo import DURABLE, Document, translated

_DUPLICATE_KEY = 11000
_DOCUMENT_REFUSED = 121
# What a repeated delivery may not agree on: Chancery's own additions.
_OWN_FIELDS = frozenset({"_id", "refId", "recordedOn", "digest", "salts"})


class Stored(StrEnum):
    """What became of a record."""

    NEW = "new"
    REPEATED = "repeated"  # the same event was stored before
    CONFLICT = "conflict"  # its eventId belongs to another event
    REFUSED = "refused"  # the server will never take it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record, and the record that is stored for its eventId."""

    stored: Stored
    record: Document


class AuditStore:
    """Reads and writes `audit_logs` of one database."""

    def __init__(self, database: Database[Document]) -> None:
        self._durable = database.get_collection(AUDIT_LOGS.name, write_concern=DURABLE)
        self._collection = database[AUDIT_LOGS.name]

    def insert(self, records: Sequence[Document], own_time: frozenset[int] = frozenset()) -> list[Outcome]:
        """Stores the records, majority and journaled, and says of each, in order, what became of it.

        `own_time` holds the positions whose createdOn Chancery chose, so that a repetition may differ there.
        Raises Unavailable when not all of them are known to be durable; inserting again is safe then.
        """
        outcomes = [Outcome(Stored.NEW, record) for record in records]
        if not records:
            return outcomes
        with translated():
            try:
                self._durable.insert_many(records, ordered=False)
            except BulkWriteError as exc:
                details = exc.details or {}
                if details.get("writeConcernErrors"):
                    raise Unavailable("The database could not confirm the write; try again.") from None
                for error in details["writeErrors"]:
                    at = error["index"]
                    outcomes[at] = self._failed(records[at], error["code"], at in own_time)
        return outcomes

    def _failed(self, record: Document, code: int, own_time: bool) -> Outcome:
        if code == _DOCUMENT_REFUSED:
            return Outcome(Stored.REFUSED, record)
        if code != _DUPLICATE_KEY:
            raise Unavailable("The database could not store every record; try again.")
        majority = self._collection.with_options(read_concern=ReadConcern("majority"))
        first = majority.find_one({"tenantId": record["tenantId"], "eventId": record["eventId"]})
        if first is None:
            raise Unavailable("The first delivery of this event is still being stored; try again.")
        return Outcome(Stored.REPEATED if _same_event(first, record, own_time) else Stored.CONFLICT, first)

    def page(
        self,
        query: Mapping[str, Any],
        *,
        fields: Sequence[str],
        descending: bool,
        limit: int,
    ) -> list[Document]:
        """Records of a query in (createdOn, refId) order, only the named fields."""
        direction = -1 if descending else 1
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with translated():
            cursor = self._collection.find(query, projection)
            return list(cursor.sort([("createdOn", direction), ("refId", direction)]).limit(limit).batch_size(limit))

    def get(self, scope: Mapping[str, Any], ref_id: str) -> Document | None:
        """One whole record inside of a scope."""
        with translated():
            return self._collection.find_one({**scope, "refId": ref_id}, {"_id": 0})

    def stream(self, query: Mapping[str, Any]) -> Iterator[Document]:
        """Every whole record of a query, oldest first, in constant memory."""
        with translated():
            yield from self._collection.find(query, {"_id": 0}).sort([("createdOn", 1), ("refId", 1)]).batch_size(1000)

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
            tenants = [scope["tenantId"]] if "tenantId" in scope else self._collection.distinct("tenantId")
            found: dict[str, datetime] = {}
            for tenant in tenants:
                for group in self._collection.aggregate(last_seen_pipeline(tenant)):
                    found[group["_id"]] = max(group["last"], found.get(group["_id"], group["last"]))
        return found


def last_seen_pipeline(tenant_id: str | None) -> list[Mapping[str, Any]]:
    """Sorted like the index and grouped by one field: MongoDB then jumps from action to action (DISTINCT_SCAN)."""
    return [
        {"$match": {"tenantId": tenant_id}},
        {"$sort": {"tenantId": 1, "action": 1, "createdOn": -1, "refId": -1}},
        {"$group": {"_id": "$action", "last": {"$first": "$createdOn"}}},
    ]


def _same_event(first: Mapping[str, Any], record: Mapping[str, Any], own_time: bool) -> bool:
    ignored = _OWN_FIELDS | {"createdOn"} if own_time else _OWN_FIELDS
    fields = (first.keys() | record.keys()) - ignored
    return all(first.get(field) == record.get(field) for field in fields)
