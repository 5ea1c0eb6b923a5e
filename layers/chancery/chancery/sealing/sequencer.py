"""The sequencer: assigns indexes in the log of their tenant to leaves in the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.observability import count, logger
from chancery.sealing.collections import AUDIT_LEAVES, AUDIT_OUTBOX, AUDIT_OUTBOX_MARKS, AUDIT_TREE_HEADS
from chancery.sealing.models import MAX_LEAVES, LogForked, StaleHead, outbox_entry
from chancery.sealing.store import LogStore

_MAX_OUTBOX_ENTRIES, _MAX_LEAVES = 400, 16_384  # in one transaction
_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The head after a transaction, how many leaves it sequenced, and whether more may wait than it could take."""

    head: Document
    leaves: int
    more: bool


class Sequencer:
    """Moves leaves from `audit_outbox` to `audit_leaves`."""

    def __init__(self, database: Database[Document], store: LogStore, clock: Clock = now) -> None:
        self._client = database.client
        self._outbox = database[AUDIT_OUTBOX.name]
        self._marks = database[AUDIT_OUTBOX_MARKS.name]
        self._leaves = database[AUDIT_LEAVES.name]
        self._heads = database[AUDIT_TREE_HEADS.name]
        self._store = store
        self._clock = clock

    def sequence(self, head: Document) -> Sequenced:
        """Gives waiting leaves the next indexes, in the order they were stored (to the second, across processes).

        One transaction, under an optimistic lock on the head's size: the head's new size, the leaves, and the removal
        of outbox entries happen together or not at all. Raises StaleHead where another run was faster, Unavailable, and
        LogForked where the database has leaves beyond its head.
        """
        with translated(), pymongo.timeout(self._client.options.timeout), self._client.start_session() as session:
            while True:
                try:
                    return session.with_transaction(
                        lambda session: self._sequence(head, session),
                        read_concern=ReadConcern("snapshot"),
                        write_concern=DURABLE,
                    )
                except BulkWriteError as exc:
                    if {error["code"] for error in (exc.details or {}).get("writeErrors", ())} != {_DUPLICATE_KEY}:
                        raise
                    if not self._drop_repeated(head["tenantId"]):
                        raise LogForked(f"The database has leaves of {head['log']} beyond its head.") from None

    def _sequence(self, head: Document, session: ClientSession) -> Sequenced:
        waiting = self._waiting(head["tenantId"], session)
        if not waiting:
            self._require_newest(head, session)
            return Sequenced(head, 0, more=False)
        leaves = {
            ref_id: leaf for entry in waiting for ref_id, leaf in zip(entry["refIds"], entry["entries"], strict=True)
        }
        moment = self._clock()
        changes = {"size": head["size"] + len(leaves), "updatedOn": moment}
        at_size = {"tenantId": head["tenantId"], "size": head["size"]}
        if not self._heads.update_one(at_size, {"$set": changes}, session=session).matched_count:
            raise StaleHead("Another run has sequenced leaves of this log; try again.")
        self._leaves.insert_many(_batches(head, leaves, moment), session=session)
        self._finish(waiting, moment, session)
        more = len(waiting) == _MAX_OUTBOX_ENTRIES or len(leaves) >= _MAX_LEAVES
        return Sequenced(head | changes, len(leaves), more)

    def is_waiting(self, tenant_id: str | None) -> bool:
        """Whether leaves of a tenant wait for an index. Reads index keys only. Raises Unavailable."""
        with translated():
            return self._outbox.find_one({"tenantId": tenant_id, "sequencedOn": None}, {"_id": 1}) is not None

    def _require_newest(self, head: Document, session: ClientSession) -> None:
        """Raises StaleHead where another run has sequenced leaves since the head was read: they need a checkpoint."""
        newest = self._heads.find_one({"tenantId": head["tenantId"]}, {"size": 1}, session=session)
        if newest and newest["size"] != head["size"]:
            raise StaleHead("Leaves of this log were sequenced in between; try again.")

    def _waiting(self, tenant_id: str | None, session: ClientSession | None = None) -> list[Document]:
        """The tenant's oldest outbox entries with leaves, at most as many as one transaction takes."""
        found, leaves = [], 0
        entries = self._outbox.find({"tenantId": tenant_id, "sequencedOn": None}, session=session).sort("_id", 1)
        for entry in entries.limit(_MAX_OUTBOX_ENTRIES):
            found.append(entry)
            leaves += len(entry["refIds"])
            if leaves >= _MAX_LEAVES:
                break
        return found

    def _finish(self, entries: Sequence[Document], moment: datetime, session: ClientSession) -> None:
        """Removes outbox entries whose events are published, with their marks; takes the leaves out of the others."""
        tenant_id, ids = entries[0]["tenantId"], [entry["_id"] for entry in entries]
        marks = self._marks.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)
        marked = [mark["_id"] for mark in marks]
        published = {*marked, *(entry["_id"] for entry in entries if entry.get("publishedOn"))}
        if published:
            self._outbox.delete_many({"tenantId": tenant_id, "_id": {"$in": list(published)}}, session=session)
        if marked:
            self._marks.delete_many({"tenantId": tenant_id, "_id": {"$in": marked}}, session=session)
        if unpublished := [entry_id for entry_id in ids if entry_id not in published]:
            sequenced = {"$set": {"sequencedOn": moment}, "$unset": {"entries": ""}}
            self._outbox.update_many({"tenantId": tenant_id, "_id": {"$in": unpublished}}, sequenced, session=session)

    def _drop_repeated(self, tenant_id: str | None) -> bool:
        """Drops leaves from the outbox that are in the log already (reconciled twice); whether there were any."""
        found = False
        for entry in self._waiting(tenant_id):
            known = self._store.leaves_of(tenant_id, entry["refIds"])
            if not known:
                continue
            found = True
            left = [pair for pair in zip(entry["refIds"], entry["entries"], strict=True) if pair[0] not in known]
            count("LeavesRepeated", len(entry["refIds"]) - len(left))
            logger.warning("LEAVES_REPEATED", ref_ids=sorted(known)[:10])
            with self._client.start_session() as session, session.start_transaction(write_concern=DURABLE):
                self._outbox.delete_one({"tenantId": tenant_id, "_id": entry["_id"]}, session=session)
                if left:
                    ref_ids, entries = map(list, zip(*left, strict=True))
                    rest = {**entry, "refIds": ref_ids, "entries": entries}
                    self._outbox.insert_one(rest, session=session)
        return found

    def reconcile(self, records: Sequence[Document]) -> int:
        """Adds outbox entries for the records of one tenant that have no leaf; how many records. Safe to repeat."""
        if not records:
            return 0
        tenant_id = records[0]["tenantId"]
        ref_ids = [record["refId"] for record in records]
        with translated():
            # The outbox first: what leaves it in the meantime is among the leaves then.
            of_records = {"tenantId": tenant_id, "sequencedOn": None, "refIds": {"$in": ref_ids}}
            waiting = {ref_id for entry in self._outbox.find(of_records, {"refIds": 1}) for ref_id in entry["refIds"]}
            known = waiting | self._store.leaves_of(tenant_id, ref_ids).keys()
            missing = [record for record in records if record["refId"] not in known]
            for batch in batched(missing, MAX_LEAVES, strict=False):
                self._outbox.insert_one(outbox_entry(tenant_id, batch, self._clock()))
        return len(missing)


def _batches(head: Document, leaves: dict[str, str], moment: datetime) -> list[Document]:
    """Documents of `audit_leaves` that continue a log after its head."""
    documents, start = list[Document](), head["size"]
    for batch in batched(leaves.items(), MAX_LEAVES, strict=False):
        ref_ids, entries = map(list, zip(*batch, strict=True))
        documents.append(
            {
                "tenantId": head["tenantId"],
                "createdOn": moment,
                "start": start,
                "refIds": ref_ids,
                "entries": entries,
            }
        )
        start += len(batch)
    return documents
