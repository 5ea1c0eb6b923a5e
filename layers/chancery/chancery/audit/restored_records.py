"""The restored set: records of archived months that are back for a while, read-only, beside those that are live."""

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
_OF_THE_SET = {"partitionId": 0, "expiresOn": 0}  # and not of the record


class RestoredRecords(AuditStore):
    """Reads the restored set: records as they were, of archives that are whole and have not expired."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        super().__init__(database)
        self._collection = database[RESTORED_AUDIT_LOGS.name]
        self._loads = database[RESTORED_LOADS.name]
        self._clock = clock

    def page(self, query: Mapping[str, Any], **options: Any) -> list[Document]:
        return super().page({"$and": [query, self._shown()]}, **options)

    def get(self, scope: Mapping[str, Any], ref_id: str) -> Document | None:
        shown = self._shown()
        with translated():
            within = scope or {"tenantId": {"$in": self.tenants()}}  # the index on refId begins with the tenant
            return self._collection.find_one({**within, "refId": ref_id, **shown}, {"_id": 0, **_OF_THE_SET})

    def _shown(self) -> dict[str, Any]:
        """MongoDB sweeps late; and half an archive would look like all of it."""
        with translated():
            loading = self._loads.distinct("partitionId")
        fresh: dict[str, Any] = {"expiresOn": {"$gt": self._clock()}}
        return fresh | ({"partitionId": {"$nin": loading}} if loading else {})


class RestoredSet:
    """Writes the restored set, an archive at a time: hidden, its records one after the other, shown."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database.get_collection(RESTORED_AUDIT_LOGS.name, write_concern=DURABLE)
        self._loads = database.get_collection(RESTORED_LOADS.name, write_concern=DURABLE)

    def hide(self, tenant_id: str | None, partition_id: str, until: datetime) -> None:
        """Hides an archive until `show`, or until all of its records have expired: some may be there for longer."""
        own = {"tenantId": tenant_id, "partitionId": partition_id}
        with translated():
            newest = self._collection.find_one(own, {"_id": 0, "expiresOn": 1}, sort=[("expiresOn", -1)])
            longest = max(until, newest["expiresOn"]) if newest else until
            self._loads.update_one(own, {"$max": {"expiresOn": longest}}, upsert=True)

    def add(self, partition_id: str, records: Sequence[Document], until: datetime) -> None:
        """Adds records of a tenant's archive; those that are there already are written anew, whatever they were.

        Safe to repeat. Raises Unavailable, DatabaseFailure.
        """
        documents = [{**record, "partitionId": partition_id, "expiresOn": until} for record in records]
        known = self._write([InsertOne(document) for document in documents])
        if self._write([_replaced(documents[at]) for at in known]):
            raise Unavailable("Somebody else writes the same records; try again.")

    def show(self, tenant_id: str | None, partition_id: str) -> None:
        """Shows an archive that is whole."""
        with translated():
            self._loads.delete_one({"tenantId": tenant_id, "partitionId": partition_id})

    def count(self, tenant_id: str | None, partition_id: str, beyond: datetime) -> int:
        """How many records of an archive stay beyond a moment. Reads index keys only."""
        own = {"tenantId": tenant_id, "partitionId": partition_id, "expiresOn": {"$gt": beyond}}
        with translated():
            return self._collection.count_documents(own)

    def _write(self, operations: Sequence[InsertOne[Document] | ReplaceOne[Document]]) -> list[int]:
        """Does what can be done; the places of records that are there already."""
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
    """A record written anew, also where it expires in this moment."""
    plain = {name: value for name, value in document.items() if name != "_id"}  # the driver's, of the first attempt
    return ReplaceOne({"tenantId": document["tenantId"], "refId": document["refId"]}, plain, upsert=True)
