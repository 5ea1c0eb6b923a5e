"""The archive's own collections: runs, partitions, parts of files under way."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.archive.collections import ARCHIVE_PARTITIONS, ARCHIVE_PARTS, ARCHIVE_RUNS
from chancery.core.errors import NotFound
from chancery.core.mongo import DURABLE, Document, translated
from chancery.core.times import Clock, now

# What a worker needs of the parts before it; the rest of them is for the end.
_PROGRESS = ("number", "etag", "sha256", "bytes", "rawBytes", "records", "first", "last", "subtrees")


class ArchiveStore:
    """Reads and writes the archive's collections."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._runs = database.get_collection(ARCHIVE_RUNS.name, write_concern=DURABLE)
        self._partitions = database.get_collection(ARCHIVE_PARTITIONS.name, write_concern=DURABLE)
        self._parts = database.get_collection(ARCHIVE_PARTS.name, write_concern=DURABLE)
        self.clock = clock

    # ---- partitions

    def add(self, partition: Document) -> bool:
        """Stores a new partition; whether it was not there yet."""
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
        """The partition with the changes, or None where another worker has moved it on in the meantime."""
        changes["updatedOn"] = self.clock()
        own = {"tenantId": partition["tenantId"], "refId": partition["refId"], "version": partition["version"]}
        with translated():
            done = self._partitions.update_one(own, {"$set": changes, "$inc": {"version": 1}})
        return {**partition, **changes, "version": partition["version"] + 1} if done.matched_count else None

    def partitions(self, query: Mapping[str, Any], sort: list[tuple[str, int]], limit: int = 0) -> list[Document]:
        """Partitions of a query in an order."""
        with translated():
            return list(self._partitions.find(query, {"_id": 0}).sort(sort).limit(limit))

    # ---- parts of a file under way

    def add_part(self, part: Document) -> None:
        """Remembers a part that is in S3. Repeating a part replaces nothing: the first one stays."""
        with translated(), suppress(DuplicateKeyError):
            self._parts.insert_one(part)

    def progress(self, partition: Document) -> list[Document]:
        """The parts so far, in order, with what the next worker needs of them."""
        with translated():
            return list(self._of(partition, dict.fromkeys(_PROGRESS, 1)))

    def parts(self, partition: Document) -> Iterator[Document]:
        """The parts, whole, one after the other."""
        with translated():
            yield from self._of(partition, {"_id": 0})

    def forget_parts(self, partition: Document) -> None:
        """Removes what is remembered of the parts."""
        with translated():
            self._parts.delete_many({"tenantId": partition["tenantId"], "partitionId": partition["refId"]})

    def _of(self, partition: Document, projection: dict[str, int]) -> Any:
        own = {"tenantId": partition["tenantId"], "partitionId": partition["refId"]}
        return self._parts.find(own, projection).sort("number", 1).batch_size(1)

    # ---- runs

    def add_run(self, run: Document) -> None:
        """Stores a new run."""
        moment = self.clock()
        with translated():
            self._runs.insert_one({**run, "tenantId": "global", "createdOn": moment, "updatedOn": moment})

    def get_run(self, ref_id: str) -> Document:
        """A run. Raises NotFound."""
        with translated():
            found = self._runs.find_one({"tenantId": "global", "refId": ref_id}, {"_id": 0})
        if found is None:
            raise NotFound("There is no such run.")
        return found

    def change_run(self, ref_id: str, changes: Mapping[str, Any], counts: Mapping[str, int] | None = None) -> None:
        """Sets fields of a run, and adds to its counts."""
        update = {"$set": {**changes, "updatedOn": self.clock()}, **({"$inc": counts} if counts else {})}
        with translated():
            self._runs.update_one({"tenantId": "global", "refId": ref_id}, update)

    def runs(self, before: datetime | None, limit: int) -> list[Document]:
        """Runs, newest first."""
        query = {"createdOn": {"$lt": before}} if before else {}
        with translated():
            return list(self._runs.find(query, {"_id": 0}).sort([("createdOn", -1), ("refId", -1)]).limit(limit))
