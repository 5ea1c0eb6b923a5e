"""The restored set: records of restored archives, read-only, until they expire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.audit.collections import RESTORED_AUDIT_LOGS, RESTORED_LOADS
from chancery.audit.store import AuditStore
from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, DatabaseFailure, Document, translated

_DUPLICATE_KEY = 11000
_NOT_OF_THE_RECORD = {"partitionId": 0, "expiresOn": 0}


class RestoredRecords(AuditStore):
    """Reads the restored set: records of complete archives that have not expired."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        super().__init__(database)
        self._collection = database[RESTORED_AUDIT_LOGS.name]
        self._loads = database[RESTORED_LOADS.name]
        self._clock = clock

    def page(self, query: Mapping[str, Any], **options: Any) -> list[Document]:
        return super().page({"$and": [query, self._visible()]}, **options)

    def get(self, scope: Mapping[str, Any], ref_id: str) -> Document | None:
        visible = self._visible()
        with translated():
            within = scope or {"tenantId": {"$in": self.tenants()}}  # the index on refId begins with the tenant
            return self._collection.find_one({**within, "refId": ref_id, **visible}, {"_id": 0, **_NOT_OF_THE_RECORD})

    def _visible(self) -> dict[str, Any]:
        """The query of visible records: the TTL removes expired ones late, and incomplete archives stay hidden."""
        with translated():
            loading = self._loads.distinct("partitionId")
        fresh: dict[str, Any] = {"expiresOn": {"$gt": self._clock()}}
        return fresh | ({"partitionId": {"$nin": loading}} if loading else {})


class RestoredSet:
    """Writes the restored set. An archive is marked as incomplete, and so not visible, while its records are added."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database.get_collection(RESTORED_AUDIT_LOGS.name, write_concern=DURABLE)
        self._loads = database.get_collection(RESTORED_LOADS.name, write_concern=DURABLE)

    def mark_incomplete(self, tenant_id: str | None, partition_id: str, until: datetime) -> None:
        """Hides an archive until `mark_complete`, or until the last of its records expires (some after `until`)."""
        own = {"tenantId": tenant_id, "partitionId": partition_id}
        with translated():
            newest = self._collection.find_one(own, {"_id": 0, "expiresOn": 1}, sort=[("expiresOn", -1)])
            longest = max(until, newest["expiresOn"]) if newest else until
            self._loads.update_one(own, {"$max": {"expiresOn": longest}}, upsert=True)

    def add(self, partition_id: str, records: Sequence[Document], until: datetime) -> None:
        """Adds records of a tenant's archive; replaces those that are there already.

        Safe to repeat. Raises Unavailable, DatabaseFailure.
        """
        documents = [{**record, "partitionId": partition_id, "expiresOn": until} for record in records]
        known = self._write([InsertOne(document) for document in documents])
        if self._write([_replaced(documents[at]) for at in known]):
            raise Unavailable("Another worker writes the same records; try again.")

    def mark_complete(self, tenant_id: str | None, partition_id: str) -> None:
        """Makes an archive visible."""
        with translated():
            self._loads.delete_one({"tenantId": tenant_id, "partitionId": partition_id})

    def count(self, tenant_id: str | None, partition_id: str, beyond: datetime) -> int:
        """How many records of an archive expire after a moment. Reads index keys only."""
        own = {"tenantId": tenant_id, "partitionId": partition_id, "expiresOn": {"$gt": beyond}}
        with translated():
            return self._collection.count_documents(own)

    def _write(self, operations: Sequence[InsertOne[Document] | ReplaceOne[Document]]) -> list[int]:
        """Runs the operations, unordered; the positions of those that met a record with the same refId."""
        if not operations:
            return []
        with translated():
            try:
                self._collection.bulk_write(operations, ordered=False)
            except BulkWriteError as exc:
                details = exc.details or {}
                errors = details.get("writeErrors", ())
                if codes := {error["code"] for error in errors} - {_DUPLICATE_KEY}:
                    raise DatabaseFailure(f"The database refused a record (code {min(codes)}).") from None
                if details.get("writeConcernErrors") or not errors:
                    raise Unavailable("The database could not confirm the write; try again.") from None
                return [error["index"] for error in errors]
        return []


def _replaced(document: Document) -> ReplaceOne[Document]:
    """Replaces a record, or inserts it where the stored one has just expired."""
    plain = {name: value for name, value in document.items() if name != "_id"}  # the driver's, of the first attempt
    return ReplaceOne({"tenantId": document["tenantId"], "refId": document["refId"]}, plain, upsert=True)
