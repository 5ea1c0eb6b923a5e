"""Logs in MongoDB: from the outbox into their order, and how far each is published.

Only the order and the newest checkpoint live here. What is published lives in S3 (`sealing.logbook`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.read_concern import ReadConcern

from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.observability import count, logger
from chancery.sealing.collections import AUDIT_LEAVES, AUDIT_OUTBOX, AUDIT_OUTBOX_MARKS, AUDIT_TREE_HEADS
from chancery.sealing.models import MAX_LEAVES, LogForked, log_name, outbox_entry

_MOST_OUTBOX_ENTRIES, _MOST_LEAVES = 400, 16_384  # in one transaction
_NEIGHBOURS = 64  # records, in batches of up to 256
_MAJORITY = ReadConcern("majority")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf with its place in the log."""

    index: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class Sequenced:
    """How many leaves got their place, and whether more may wait than one transaction takes."""

    leaves: int
    more: bool


class LogStore:
    """Reads and writes the collections of sealing."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._client = database.client
        self._outbox = database[AUDIT_OUTBOX.name]
        self._marks = database[AUDIT_OUTBOX_MARKS.name]
        # What is published must never be taken back, so it is made of what a majority has.
        self._leaves = database.get_collection(AUDIT_LEAVES.name, read_concern=_MAJORITY)
        self._heads = database.get_collection(AUDIT_TREE_HEADS.name, write_concern=DURABLE, read_concern=_MAJORITY)
        self._clock = clock

    def head(self, tenant_id: str | None) -> Document | None:
        """The tree head of a tenant that has a log."""
        with translated():
            return self._heads.find_one({"tenantId": tenant_id}, {"_id": 0})

    def head_of(self, log: str) -> Document | None:
        """The tree head of the log with a name."""
        with translated():
            return self._heads.find_one({"log": log}, {"_id": 0})

    def heads(self) -> list[Document]:
        """Every tree head."""
        with translated():
            return list(self._heads.find({}, {"_id": 0}))

    def waiting(self) -> list[str | None]:
        """The tenants that have something to seal, in the outbox or without a checkpoint; who waits longest first."""
        return [tenant_id for tenant_id, _ in sorted(self._waits().items(), key=lambda wait: wait[1])]

    def oldest_wait(self) -> timedelta:
        """How long the leaf that waits longest has been waiting for its checkpoint."""
        moment = self._clock()
        return moment - min(self._waits().values(), default=moment)

    def _waits(self) -> dict[str | None, datetime]:
        """The tenants that wait, and since when."""
        waits = dict[str | None, datetime]()
        with translated():
            for tenant_id in self._outbox.distinct("tenantId"):
                waiting = {"tenantId": tenant_id, "sequencedOn": None}
                if oldest := self._outbox.find_one(waiting, {"createdOn": 1}, sort=[("_id", 1)]):
                    waits[tenant_id] = oldest["createdOn"]
            for head in self._heads.find({"$expr": {"$gt": ["$size", "$publishedSize"]}}):
                below = {"tenantId": head["tenantId"], "start": {"$lte": head["publishedSize"]}}
                first = self._leaves.find_one(below, {"createdOn": 1}, sort=[("start", -1)]) or head
                waits[head["tenantId"]] = min(first["createdOn"], waits.get(head["tenantId"], first["createdOn"]))
        return waits

    # ---- sequencing

    def sequence(self, tenant_id: str | None) -> Sequenced:
        """Gives waiting leaves the next indexes, in the order they were stored (to the second, across processes).

        One transaction: the leaves, the head's new size and the removal of the outbox entries happen together or not
        at all. It starts from the size the head has and changes it, so of two sealers one gives way and tries again.
        Raises Unavailable, and LogForked where the database has leaves that its head does not know.
        """
        self.ensure_head(tenant_id)
        with translated(), pymongo.timeout(self._client.options.timeout), self._client.start_session() as session:
            while True:
                try:
                    return session.with_transaction(
                        lambda session: self._sequence(tenant_id, session),
                        read_concern=ReadConcern("snapshot"),
                        write_concern=DURABLE,
                    )
                except BulkWriteError as exc:
                    if {error["code"] for error in (exc.details or {}).get("writeErrors", ())} != {11000}:
                        raise
                    if not self._drop_repeated(tenant_id):
                        raise LogForked(f"The database has leaves of {log_name(tenant_id)} beyond its head.") from None

    def _sequence(self, tenant_id: str | None, session: ClientSession) -> Sequenced:
        head = self._heads.find_one({"tenantId": tenant_id}, session=session)
        if head is None:
            raise Unavailable("The log's head is gone; try again.")
        waiting = self._waiting(tenant_id, session)
        leaves = {
            ref_id: text for entry in waiting for ref_id, text in zip(entry["refIds"], entry["entries"], strict=True)
        }
        if not waiting:
            return Sequenced(0, more=False)
        moment, size = self._clock(), head["size"]
        documents = []
        for batch in batched(leaves.items(), MAX_LEAVES, strict=False):
            ref_ids, entries = map(list, zip(*batch, strict=True))
            documents.append(
                {"tenantId": tenant_id, "createdOn": moment, "start": size, "refIds": ref_ids, "entries": entries}
            )
            size += len(batch)
        self._leaves.insert_many(documents, session=session)
        at_size = {"tenantId": tenant_id, "size": head["size"]}
        moved = self._heads.update_one(at_size, {"$set": {"size": size, "updatedOn": moment}}, session=session)
        if (moved.matched_count, self._sequenced(waiting, moment, session)) != (1, len(waiting)):
            raise Unavailable("Another sealer was faster; try again.")  # MongoDB has said so before: a write conflict
        return Sequenced(len(leaves), more=len(waiting) == _MOST_OUTBOX_ENTRIES or len(leaves) >= _MOST_LEAVES)

    def _sequenced(self, entries: Sequence[Document], moment: datetime, session: ClientSession) -> int:
        """Removes entries whose events are published, and takes the leaves out of the others; how many it found."""
        ids = [entry["_id"] for entry in entries]
        marked = {mark["_id"] for mark in self._marks.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)}
        published = [entry["_id"] for entry in entries if entry["_id"] in marked or entry.get("publishedOn")]
        of_tenant = {"tenantId": entries[0]["tenantId"]}
        removed = self._outbox.delete_many({**of_tenant, "_id": {"$in": published}}, session=session).deleted_count
        if marked:
            self._marks.delete_many({**of_tenant, "_id": {"$in": list(marked)}}, session=session)
        if unpublished := [entry_id for entry_id in ids if entry_id not in set(published)]:
            changes = {"$set": {"sequencedOn": moment}, "$unset": {"entries": ""}}
            those = {**of_tenant, "_id": {"$in": unpublished}}
            removed += self._outbox.update_many(those, changes, session=session).matched_count
        return removed

    def _waiting(self, tenant_id: str | None, session: ClientSession) -> list[Document]:
        """The tenant's oldest outbox entries, as many as make up one transaction."""
        found, leaves = [], 0
        entries = self._outbox.find({"tenantId": tenant_id, "sequencedOn": None}, session=session).sort("_id", 1)
        for entry in entries.limit(_MOST_OUTBOX_ENTRIES):
            found.append(entry)
            leaves += len(entry["refIds"])
            if leaves >= _MOST_LEAVES:
                break
        return found

    def _drop_repeated(self, tenant_id: str | None) -> bool:
        """Takes leaves out of the outbox that are sealed already, a reconciliation too many; whether there were any."""
        found = False
        waiting = self._outbox.find({"tenantId": tenant_id, "sequencedOn": None}).sort("_id", 1)
        for entry in waiting.limit(_MOST_OUTBOX_ENTRIES):
            known = self.leaves_of(tenant_id, entry["refIds"])
            if not known:
                continue
            found = True
            left = [pair for pair in zip(entry["refIds"], entry["entries"], strict=True) if pair[0] not in known]
            count("LeavesRepeated", len(entry["refIds"]) - len(left))
            logger.warning("LEAVES_REPEATED", ref_ids=sorted(known)[:10])
            with self._client.start_session() as session, session.start_transaction(write_concern=DURABLE):
                self._outbox.delete_one({"_id": entry["_id"]}, session=session)
                if left:
                    ref_ids, entries = map(list, zip(*left, strict=True))
                    rest = {**entry, "refIds": ref_ids, "entries": entries}
                    self._outbox.insert_one(rest, session=session)
        return found

    def reconcile(self, records: Sequence[Document]) -> int:
        """Puts leaves of records that have none into the outbox; how many. Safe to repeat."""
        if not records:
            return 0
        tenant_id = records[0]["tenantId"]
        ref_ids = [record["refId"] for record in records]
        with translated():
            # The outbox first: what leaves it in the meantime is among the leaves then.
            of_records = {"tenantId": tenant_id, "sequencedOn": None, "refIds": {"$in": ref_ids}}
            waiting = list(self._outbox.find(of_records, {"refIds": 1}))
            known = {*self.leaves_of(tenant_id, ref_ids), *(ref_id for entry in waiting for ref_id in entry["refIds"])}
            missing = [record for record in records if record["refId"] not in known]
            for batch in batched(missing, MAX_LEAVES, strict=False):
                self._outbox.insert_one(outbox_entry(tenant_id, batch, self._clock()))
        return len(missing)

    def ensure_head(self, tenant_id: str | None) -> None:
        """Begins the log of a tenant that has none."""
        if self.head(tenant_id) is not None:
            return
        moment = self._clock()
        head = {"log": log_name(tenant_id), "size": 0, "publishedSize": 0, "createdOn": moment, "updatedOn": moment}
        with translated():
            try:
                self._heads.update_one({"tenantId": tenant_id}, {"$setOnInsert": head}, upsert=True)
            except DuplicateKeyError:
                return  # another sealer was first

    # ---- leaves

    def entries(self, tenant_id: str | None, start: int, end: int) -> Iterator[bytes]:
        """The entries of the leaves [start, end), in order. Raises LookupError where one is missing."""
        span = {"tenantId": tenant_id, "start": {"$gt": start - MAX_LEAVES, "$lt": end}}
        at = start
        with translated():
            for batch in self._leaves.find(span).sort("start", 1):
                if batch["start"] + len(batch["entries"]) <= at:
                    continue
                if batch["start"] > at:
                    break
                for entry in batch["entries"][at - batch["start"] : end - batch["start"]]:
                    yield entry.encode()
                    at += 1
        if at < end:
            raise LookupError(f"Leaf {at} of the log of tenant {tenant_id} is missing in the database.")

    def leaf(self, tenant_id: str | None, ref_id: str) -> Leaf | None:
        """The leaf of a record that has one."""
        return self.leaves_of(tenant_id, [ref_id]).get(ref_id)

    def leaves_of(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, Leaf]:
        """The leaves of those of the records that have one, by refId."""
        wanted, found = set(ref_ids), dict[str, Leaf]()
        with translated():
            for batch in self._leaves.find({"tenantId": tenant_id, "refIds": {"$in": list(wanted)}}):
                for place, (ref_id, entry) in enumerate(zip(batch["refIds"], batch["entries"], strict=True)):
                    if ref_id in wanted:
                        found[ref_id] = Leaf(batch["start"] + place, entry.encode())
        return found

    def indexes_of(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, int]:
        """The indexes of those of the records that have a leaf, by refId; without the entries, for many records.

        Neighbours mostly lie in one batch of leaves: a few are asked for, then those that were not beside them.
        """
        wanted, found = set(ref_ids), dict[str, int]()
        with translated():
            for asked in (ref_ids[::_NEIGHBOURS], ref_ids):
                missing = [ref_id for ref_id in asked if ref_id not in found]
                if not missing:
                    continue
                query = {"tenantId": tenant_id, "refIds": {"$in": missing}}
                for batch in self._leaves.find(query, {"_id": 0, "start": 1, "refIds": 1}):
                    for index, ref_id in enumerate(batch["refIds"], batch["start"]):
                        if ref_id in wanted:
                            found[ref_id] = index
        return found

    def final_indexes_of(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, int]:
        """As `indexes_of`; who has none then is older than the log. Raises Unavailable where one waits to be sealed."""
        found = self.indexes_of(tenant_id, ref_ids)
        missing = [ref_id for ref_id in ref_ids if ref_id not in found]
        if not missing:
            return found
        outbox = self._outbox.with_options(read_concern=_MAJORITY)
        with translated():
            if outbox.find_one({"tenantId": tenant_id, "sequencedOn": None, "refIds": {"$in": missing}}, {"_id": 1}):
                raise Unavailable("A record waits to be sealed.")
        return found | self.indexes_of(tenant_id, missing)  # what has left the outbox since is among the leaves

    # ---- publishing

    def publish(self, tenant_id: str | None, old_size: int, size: int, checkpoint: str) -> bool:
        """Makes a checkpoint the newest by compare-and-set; whether it did, or another sealer was first."""
        changes: dict[str, Any] = {"publishedSize": size, "checkpoint": checkpoint, "updatedOn": self._clock()}
        at_size = {"tenantId": tenant_id, "publishedSize": old_size, "size": {"$gte": size}}
        with translated():
            return bool(self._heads.update_one(at_size, {"$set": changes}).matched_count)
