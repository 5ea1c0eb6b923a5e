"""The restored set: records of archived months that are back for a while, read-only, beside those that are live."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.audit.collections import RESTORED_AUDIT_LOGS, RESTORED_LOADS
from chancery.audit.store import AuditStore
from chancery.core.errors import Unavailable
from chancery.core.mongo import DURABLE, DatabaseFailure, Document, translated
from chancery.core.times import Clock, now

_BATCH = 1000
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
        """Hides an archive until `show`, or until its records have expired in any case."""
        own = {"tenantId": tenant_id, "partitionId": partition_id}
        with translated():
            self._loads.update_one(own, {"$set": {"expiresOn": until}}, upsert=True)

    def add(self, partition_id: str, records: Iterable[Document], until: datetime) -> None:
        """Adds records of a tenant's archive; those that are there stay as they are, and as long as the others.

        Safe to repeat. Raises Unavailable, DatabaseFailure.
        """
        for batch in batched(records, _BATCH, strict=False):
            left: Sequence[Document] = [{**one, "partitionId": partition_id, "expiresOn": until} for one in batch]
            while left:  # what has expired may go between the two
                known = self._insert(left)
                left = known if self._prolong(known) < len(known) else ()

    def show(self, tenant_id: str | None, partition_id: str) -> None:
        """Shows an archive that is whole."""
        with translated():
            self._loads.delete_one({"tenantId": tenant_id, "partitionId": partition_id})

    def count(self, tenant_id: str | None, partition_id: str) -> int:
        """How many records of an archive are there."""
        with translated():
            return self._collection.count_documents({"tenantId": tenant_id, "partitionId": partition_id})

    def _insert(self, documents: Sequence[Document]) -> list[Document]:
        """Those of the documents that are there already."""
        with translated():
            try:
                self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as exc:
                details = exc.details or {}
                errors = details.get("writeErrors", ())
                if codes := {error["code"] for error in errors} - {_DUPLICATE_KEY}:
                    raise DatabaseFailure(f"The database refused a record (code {min(codes)}).") from None
                if details.get("writeConcernErrors") or not errors:
                    raise Unavailable("The database could not confirm the write; try again.") from None
                return [documents[error["index"]] for error in errors]
        return []

    def _prolong(self, documents: Sequence[Document]) -> int:
        """Keeps records as long as these documents of them say; how many there are."""
        if not documents:
            return 0
        ref_ids = [document["refId"] for document in documents]
        changes = {name: documents[0][name] for name in ("partitionId", "expiresOn")}
        own = {"tenantId": documents[0]["tenantId"], "refId": {"$in": ref_ids}}
        with translated():
            return self._collection.update_many(own, {"$set": changes}).matched_count
