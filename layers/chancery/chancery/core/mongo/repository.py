"""Documents of one collection: durable writes, changes by compare-and-set, reads without deleted or expired ones."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.formats.correlation import correlation
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.mongo.collections import Collection


class Repository:
    """Reads and writes one collection. `retention`: collection → days, where it is not the declared one.

    Reads skip older and soft-deleted documents: the TTL index deletes late.
    """

    def __init__(
        self,
        database: Database[Document],
        collection: Collection,
        retention: Mapping[str, int] | None = None,
        clock: Clock = now,
    ) -> None:
        self.declared = collection
        self.clock = clock
        self._collection = database.get_collection(collection.name, write_concern=DURABLE)
        self._days = collection.days(retention or {})
        self._all_expire = any(
            field.alias == collection.expiry_field and field.is_required()
            for field in collection.model.model_fields.values()
        )
        self._soft_deleted = any(field.alias == "deletedOn" for field in collection.model.model_fields.values())

    def add(self, document: Document, session: ClientSession | None = None) -> bool:
        """Stores a new document; whether none with its unique fields was there yet."""
        with _translated_unless(session):
            try:
                self._collection.insert_one(dict(document), session=session)
            except DuplicateKeyError:
                return False
        return True

    def get(
        self, query: Mapping[str, Any], fields: Sequence[str] = (), session: ClientSession | None = None
    ) -> Document | None:
        """The document of a query, whole or with the named fields only."""
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with _translated_unless(session):
            return self._collection.find_one(self._visible(query), projection, session=session)

    def find(
        self, query: Mapping[str, Any], fields: Sequence[str] = (), session: ClientSession | None = None
    ) -> list[Document]:
        """Every document of a query, in no order, whole or with the named fields only."""
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with _translated_unless(session):
            return list(self._collection.find(self._visible(query), projection, session=session))

    def page(self, query: Mapping[str, Any], *, fields: Sequence[str], descending: bool, limit: int) -> list[Document]:
        """Repository of a query in (createdOn, refId) order, only the named fields."""
        direction = -1 if descending else 1
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with translated():
            found = self._collection.find(self._visible(query), projection)
            return list(found.sort([("createdOn", direction), ("refId", direction)]).limit(limit).batch_size(limit))

    def change(self, document: Mapping[str, Any], session: ClientSession | None = None, **changes: Any) -> bool:
        """Changes a document, under the optimistic lock of its `version`; False where another writer has changed it."""
        own = {name: document[name] for name in ("tenantId", "refId", "version")}
        with _translated_unless(session):
            done = self._collection.update_one(
                self._visible(own), {"$set": changes, "$inc": {"version": 1}}, session=session
            )
        return bool(done.matched_count)

    def _visible(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        hidden: Document = {"deletedOn": None} if self._soft_deleted else {}
        if self.declared.expiry_field:
            moment = self.clock()
            hidden[self.declared.expiry_field] = {"$gt": moment} if self._all_expire else {"$not": {"$lte": moment}}
        elif self._days is not None:
            hidden["createdOn"] = {"$gt": self.clock() - timedelta(days=self._days)}
        return {"$and": [query, hidden]} if hidden else query


def _translated_unless(session: ClientSession | None) -> AbstractContextManager[None]:
    """Inside of a transaction the driver must see its own errors to try again: `in_transaction` translates there."""
    return translated() if session is None else nullcontext()


def base_of(principal: Principal, scope: TenantScope, clock: Clock = now, ref_id: str | None = None) -> Document:
    """The fields of `documents.Base` of a new document."""
    ids = correlation.get()
    traced = {"traceId": ids.trace_id, "correlationId": ids.correlation_id}
    return {
        "refId": ref_id or new_ref_id(),
        "tenantId": scope.tenant_id,
        "createdBy": principal.subject,
        "createdOn": clock(),
        **{name: value for name, value in traced.items() if value is not None},
    }
