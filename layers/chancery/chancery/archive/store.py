"""Partitions of the archive with the parts of files under way, and its runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from chancery.archive.collections import ARCHIVE_PARTITIONS, ARCHIVE_PARTS, ARCHIVE_RUNS
from chancery.core.errors import NotFound
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.web.pagination import Position

# What a worker needs of the parts before it; the rest of them is for the end.
_PROGRESS = ("number", "sha256", "bytes", "rawBytes", "records", "first", "last", "subtrees")


class StaleVersion(Exception):
    """Another worker has changed the document since this one did."""


class ArchiveStore:
    """Reads and writes `archive_partitions` and `archive_parts`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._client = database.client
        self._partitions = database.get_collection(ARCHIVE_PARTITIONS.name, write_concern=DURABLE)
        self._parts = database.get_collection(ARCHIVE_PARTS.name, write_concern=DURABLE)
        self.clock = clock

    # ---- partitions

    def add(self, partition: Document) -> bool:
        """Stores a new partition; False where the tenant has that supplement of the month already."""
        moment = self.clock()
        with translated():
            try:
                self._partitions.insert_one({**partition, "createdOn": moment, "updatedOn": moment, "version": 0})
            except DuplicateKeyError:
                return False
        return True

    def get(self, query: Mapping[str, Any]) -> Document:
        """The partition of a query. Raises NotFound."""
        with translated():
            found = self._partitions.find_one(query, {"_id": 0})
        if found is None:
            raise NotFound("There is no such archive.")
        return found

    def advance(self, partition: Document, **changes: Any) -> Document | None:
        """The partition with the changes, or None where another worker has changed it since it was read."""
        with translated():
            return self._advance(partition, changes)

    def _advance(
        self, partition: Document, changes: Mapping[str, Any], session: ClientSession | None = None
    ) -> Document | None:
        changes = {**changes, "updatedOn": self.clock()}
        own = {"tenantId": partition["tenantId"], "refId": partition["refId"], "version": partition["version"]}
        done = self._partitions.update_one(own, {"$set": changes, "$inc": {"version": 1}}, session=session)
        return {**partition, **changes, "version": partition["version"] + 1} if done.matched_count else None

    def partitions(
        self, query: Mapping[str, Any], sort: list[tuple[str, int]], limit: int = 0, fields: Sequence[str] = ()
    ) -> list[Document]:
        """Partitions of a query in an order, whole or with the named fields only."""
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with translated():
            return list(self._partitions.find(query, projection).sort(sort).limit(limit))

    def of_month(self, tenant_id: str | None, month: str) -> list[Document]:
        """The partitions of a tenant's month, supplements in their order."""
        return self.partitions({"tenantId": tenant_id, "month": month}, [("supplement", 1)])

    # ---- parts of a file under way

    def add_part(self, partition: Document, part: Document, **changes: Any) -> Document | None:
        """Stores a part that S3 has and changes the partition, in one transaction; returns as `advance`."""
        part = {**part, "tenantId": partition["tenantId"], "partitionId": partition["refId"]}
        part |= {"uploadId": partition["uploadId"], "createdOn": self.clock()}
        with (
            translated(),
            self._client.start_session() as session,
            session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=DURABLE),
        ):
            moved = self._advance(partition, changes, session)
            if moved is None:
                session.abort_transaction()
            else:
                self._parts.insert_one(part, session=session)
        return moved

    def progress(self, partition: Document) -> list[Document]:
        """The parts of the partition's upload so far, in order, with what the next worker needs of them."""
        with translated():
            return list(self._parts_of(partition, _PROGRESS))

    def parts(self, partition: Document, *fields: str) -> Iterator[Document]:
        """The parts of the partition's upload, with the named fields, one after the other."""
        with translated():
            yield from self._parts_of(partition, fields).batch_size(2)

    def _parts_of(self, partition: Document, fields: Sequence[str]) -> Cursor[Document]:
        own = {name: partition[name] for name in ("tenantId", "uploadId")} | {"partitionId": partition["refId"]}
        return self._parts.find(own, {"_id": 0, **dict.fromkeys(fields, 1)}).sort("number", 1)

    def delete_parts(self, partition: Document) -> None:
        """Deletes the parts, those of earlier uploads too."""
        with translated():
            self._parts.delete_many({"tenantId": partition["tenantId"], "partitionId": partition["refId"]})


SUMS = ("records", "rawBytes", "bytes", "seconds")
COSTS = ("writingUsd", "monthlyUsd")
_MOST_RUNNING = 200  # partitions under way; more never run at once


class RunStore:
    """Reads and writes `archive_runs`; reads `archive_partitions` by run."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._runs = database.get_collection(ARCHIVE_RUNS.name, write_concern=DURABLE)
        self._partitions = database[ARCHIVE_PARTITIONS.name]
        self._parts = database[ARCHIVE_PARTS.name]
        self.clock = clock

    def add(self, run: Document) -> None:
        """Stores a new run; one that is there stays as it is."""
        moment = self.clock()
        document = {**run, "tenantId": "global", "createdOn": moment, "updatedOn": moment, "version": 0}
        with translated():
            try:
                self._runs.insert_one(document)
            except DuplicateKeyError:
                return

    def get(self, ref_id: str) -> Document:
        """A run. Raises NotFound."""
        with translated():
            found = self._runs.find_one({"tenantId": "global", "refId": ref_id}, {"_id": 0})
        if found is None:
            raise NotFound("There is no such run.")
        return found

    def advance(self, run: Document, **changes: Any) -> Document | None:
        """The run with the changes, or None where another planner has moved it on in the meantime."""
        changes["updatedOn"] = self.clock()
        own = {"tenantId": "global", "refId": run["refId"], "version": run["version"]}
        with translated():
            done = self._runs.update_one(own, {"$set": changes, "$inc": {"version": 1}})
        return {**run, **changes, "version": run["version"] + 1} if done.matched_count else None

    def page(self, after: Position | None, limit: int) -> list[Document]:
        """Runs, newest first."""
        query = after.filter(descending=True) if after else {}
        with translated():
            return list(self._runs.find(query, {"_id": 0}).sort([("createdOn", -1), ("refId", -1)]).limit(limit))

    def outcomes(self, run_ids: Iterable[str]) -> dict[str, dict[str, Document]]:
        """Run → state → `{count, records, rawBytes, bytes, seconds, writingUsd, monthlyUsd}` of its partitions."""
        sums: dict[str, Any] = {name: {"$sum": f"${name}"} for name in SUMS}
        sums |= {name: {"$sum": f"$cost.{name}"} for name in COSTS}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"runId": {"$in": list(run_ids)}}},
            {"$group": {"_id": {"run": "$runId", "state": "$state"}, "count": {"$sum": 1}, **sums}},
        ]
        found: dict[str, dict[str, Document]] = {}
        with translated():
            for group in self._partitions.aggregate(pipeline):
                key = group.pop("_id")
                found.setdefault(key["run"], {})[key["state"]] = group
        return found

    def under_way(self, run_id: str) -> Document:
        """`{records, bytes, rawBytes}` that the files hold which are being written for a run right now."""
        total = {"records": 0, "bytes": 0, "rawBytes": 0}
        sums = {name: {"$sum": f"${name}"} for name in total}
        own = {"runId": run_id, "state": "running"}
        with translated():
            running = self._partitions.find(own, {"_id": 0, "tenantId": 1, "refId": 1, "uploadId": 1})
            files = [
                {"tenantId": item["tenantId"], "partitionId": item["refId"], "uploadId": item.get("uploadId")}
                for item in running.limit(_MOST_RUNNING)
            ]
            if not files:
                return total
            for group in self._parts.aggregate([{"$match": {"$or": files}}, {"$group": {"_id": 1, **sums}}]):
                total |= {name: group[name] for name in total}
        return total
