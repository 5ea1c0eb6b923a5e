"""Logs in MongoDB: the order of their leaves, and the newest checkpoint. `TileStorage` has the files in S3."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.sealing.collections import AUDIT_LEAVES, AUDIT_OUTBOX, AUDIT_TREE_HEADS
from chancery.sealing.models import MAX_LEAVES, StaleHead, log_name

_NEIGHBOURS = 64  # records, in batches of up to 256
_MAJORITY = ReadConcern("majority")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf and its index in the log."""

    index: int
    entry: bytes


class LogStore:
    """Reads leaves and tree heads, and changes tree heads."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._outbox = database[AUDIT_OUTBOX.name]
        # Published leaves can never be taken back, so they are read from a majority.
        self._leaves = database.get_collection(AUDIT_LEAVES.name, read_concern=_MAJORITY)
        self._heads = database.get_collection(AUDIT_TREE_HEADS.name, write_concern=DURABLE, read_concern=_MAJORITY)
        self._clock = clock

    def open(self, tenant_id: str | None) -> Document:
        """The tree head of a tenant; an empty one is stored where there is none."""
        if (head := self.head(tenant_id)) is not None:
            return head
        moment = self._clock()
        head = {"log": log_name(tenant_id), "size": 0, "publishedSize": 0, "createdOn": moment, "updatedOn": moment}
        with translated(), suppress(DuplicateKeyError):  # another sealer was first
            self._heads.update_one({"tenantId": tenant_id}, {"$setOnInsert": head}, upsert=True)
        if (head := self.head(tenant_id)) is None:
            raise Unavailable("The log's head is gone; try again.")
        return head

    def publish(self, head: Document, size: int, checkpoint: str, event_size: int | None) -> Document:
        """Makes a checkpoint the newest, under an optimistic lock on the head's published size; the new head.

        `event_size` is the size in the newest event on the bus, None where that is this checkpoint's. Raises StaleHead
        where another sealer was first.
        """
        changes = {"publishedSize": size, "checkpoint": checkpoint, "eventSize": event_size, "updatedOn": self._clock()}
        own = {"tenantId": head["tenantId"]}
        at_size = own | {"publishedSize": head["publishedSize"], "size": {"$gte": size}}
        with translated():
            if not self._heads.update_one(at_size, {"$set": changes}).matched_count:
                raise StaleHead("Another sealer has published this log; try again.")
        return head | changes

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
        """The tenants with leaves or an event to publish; the one whose leaf waits longest comes first."""
        tenants = [tenant_id for tenant_id, _ in sorted(self._waits().items(), key=lambda wait: wait[1])]
        with translated():
            late = self._heads.distinct("tenantId", {"eventSize": {"$ne": None}})
        return tenants + [tenant_id for tenant_id in late if tenant_id not in tenants]

    def oldest_wait(self) -> timedelta:
        """The longest time that a leaf has been waiting for its checkpoint."""
        moment = self._clock()
        return moment - min(self._waits().values(), default=moment)

    def _waits(self) -> dict[str | None, datetime]:
        """The tenants with leaves that wait for an index or a checkpoint, and since when."""
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

    def size(self, tenant_id: str | None) -> int:
        """How many leaves of a tenant have an index; 0 where it has no log."""
        head = self.head(tenant_id)
        return head["size"] if head else 0

    def ref_ids_after(self, tenant_id: str | None, size: int, limit: int) -> list[str]:
        """The refIds of the leaves from index `size` on, in order, at most `limit` of them."""
        span = {"tenantId": tenant_id, "start": {"$gt": size - MAX_LEAVES, "$lt": size + limit}}
        found, at = list[str](), size
        with translated():
            for batch in self._leaves.find(span, {"_id": 0, "start": 1, "refIds": 1}).sort("start", 1):
                if batch["start"] > at:
                    break  # its predecessor is not visible yet
                found += batch["refIds"][at - batch["start"] :]
                at = max(at, batch["start"] + len(batch["refIds"]))
        return found[:limit]

    def leaf(self, tenant_id: str | None, ref_id: str) -> Leaf | None:
        """The leaf of a record that has one."""
        return self.leaves_of(tenant_id, [ref_id]).get(ref_id)

    def leaves_of(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, Leaf]:
        """The leaves of the records that have one, by refId."""
        wanted, found = set(ref_ids), dict[str, Leaf]()
        with translated():
            for batch in self._leaves.find({"tenantId": tenant_id, "refIds": {"$in": list(wanted)}}):
                for place, (ref_id, entry) in enumerate(zip(batch["refIds"], batch["entries"], strict=True)):
                    if ref_id in wanted:
                        found[ref_id] = Leaf(batch["start"] + place, entry.encode())
        return found

    def indexes_of(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, int]:
        """The indexes of the records that have a leaf, by refId; reads no entries, so it suits many records.

        Neighbours mostly share a batch of leaves: every 64th record is looked up first, then those not found with it.
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
        """As `indexes_of`; a record without an index is older than the log. Raises Unavailable where a leaf waits."""
        found = self.indexes_of(tenant_id, ref_ids)
        missing = [ref_id for ref_id in ref_ids if ref_id not in found]
        if not missing:
            return found
        outbox = self._outbox.with_options(read_concern=_MAJORITY)
        with translated():
            if outbox.find_one({"tenantId": tenant_id, "sequencedOn": None, "refIds": {"$in": missing}}, {"_id": 1}):
                raise Unavailable("A record waits to be sealed.")
        return found | self.indexes_of(tenant_id, missing)  # a leaf that has left the outbox since has its index
