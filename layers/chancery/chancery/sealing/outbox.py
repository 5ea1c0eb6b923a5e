"""The outbox: an entry a transaction and tenant, for whatever must follow once records are stored.

An entry is written in the transaction of its records. Its leaves get their place in the log (`sequencedOn`) and its
events reach the bus (`publishedOn`, or a mark by the writer, which may only insert). Then the sealer removes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chancery.core.errors import ChanceryError
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document, translated
from chancery.core.observability import logger
from chancery.sealing.collections import AUDIT_OUTBOX, AUDIT_OUTBOX_MARKS
from chancery.sealing.models import outbox_entry

EntryKey = tuple[str | None, ObjectId]  # tenantId and _id of an outbox entry
_ENTRIES = 40  # read at once, each of up to 250 records


class Outbox:
    """The writer's side of the outbox: inserts only."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._entries = database[AUDIT_OUTBOX.name]
        # A lost mark costs one more publication of the same events, so it need not be durable.
        self._marks = database.get_collection(AUDIT_OUTBOX_MARKS.name, write_concern=WriteConcern(w=1))
        self._clock = clock

    def add(self, records: Sequence[Mapping[str, Any]], session: ClientSession) -> dict[str | None, ObjectId]:
        """Inserts an entry a tenant for the records, in the session's transaction; the entries' ids by tenantId."""
        by_tenant: dict[str | None, list[Mapping[str, Any]]] = {}
        for record in records:
            by_tenant.setdefault(record["tenantId"], []).append(record)
        moment = self._clock()
        entries = [outbox_entry(tenant_id, own, moment) for tenant_id, own in by_tenant.items()]
        self._entries.insert_many(entries, session=session)
        return {entry["tenantId"]: entry["_id"] for entry in entries}

    def mark_published(self, entries: Iterable[EntryKey]) -> None:
        """Marks entries whose events are on the bus. Never raises: an unmarked entry is published again."""
        moment = self._clock()
        marks = [{"_id": key, "tenantId": tenant_id, "createdOn": moment} for tenant_id, key in entries]
        try:
            with translated():
                self._marks.insert_many(marks, ordered=False)
        except ChanceryError as exc:
            logger.warning("OUTBOX_MARK_FAILED", entries=len(marks), reason=exc.detail)


class OutboxReader:
    """The relay's side of the outbox: finds entries whose events may not be on the bus, and removes finished ones."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._entries = database[AUDIT_OUTBOX.name]
        self._marks = database[AUDIT_OUTBOX_MARKS.name]
        self._clock = clock

    def tenants(self) -> list[str | None]:
        """The tenants that have entries. Reads index keys only."""
        with translated():
            return list(self._entries.distinct("tenantId"))

    def unpublished(self, tenant_id: str | None, age: timedelta) -> list[Document]:
        """Up to 40 entries of a tenant older than `age`, oldest first; `marked`: their writer has published."""
        before = ObjectId.from_datetime(self._clock() - age)
        with translated():
            query = {"tenantId": tenant_id, "publishedOn": None, "_id": {"$lt": before}}
            found = list(self._entries.find(query, {"entries": 0}).sort("_id", 1).limit(_ENTRIES))
            marks = self._marks.find({"_id": {"$in": [entry["_id"] for entry in found]}}, {"_id": 1})
            marked = {mark["_id"] for mark in marks}
        return [{**entry, "marked": entry["_id"] in marked} for entry in found]

    def finish(self, entry: Mapping[str, Any]) -> None:
        """Records that an entry's events are on the bus: removes it, or sets `publishedOn` while its leaves wait.

        The mark goes last: the other way round a crash would have the events published again.
        """
        key = {"tenantId": entry["tenantId"], "_id": entry["_id"]}
        sequenced = {**key, "sequencedOn": {"$ne": None}}
        with translated():
            if not self._entries.delete_one(sequenced).deleted_count:
                published = {"$set": {"publishedOn": self._clock()}}
                if not self._entries.update_one({**key, "sequencedOn": None}, published).matched_count:
                    self._entries.delete_one(sequenced)  # sequenced in between
            self._marks.delete_one(key)

    def oldest_age(self) -> timedelta:
        """How long the oldest entry has been in the outbox."""
        with translated():
            oldest: Mapping[str, datetime] | None = self._entries.find_one({}, {"createdOn": 1}, sort=[("_id", 1)])
        return self._clock() - oldest["createdOn"] if oldest else timedelta()
