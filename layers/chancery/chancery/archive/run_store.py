"""The archive's runs, and what has become of the partitions that they planned."""

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.archive.collections import ARCHIVE_PARTITIONS, ARCHIVE_PARTS, ARCHIVE_RUNS
from chancery.core.errors import NotFound
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.web.pagination import Position

_SUMS = ("records", "rawBytes", "bytes", "seconds")
_COSTS = ("writingUsd", "monthlyUsd")
_LOOKED_AT = 200  # partitions under way; more never run at once


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
        sums: dict[str, Any] = {name: {"$sum": f"${name}"} for name in _SUMS}
        sums |= {name: {"$sum": f"$cost.{name}"} for name in _COSTS}
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
                for item in running.limit(_LOOKED_AT)
            ]
            if not files:
                return total
            for group in self._parts.aggregate([{"$match": {"$or": files}}, {"$group": {"_id": 1, **sums}}]):
                total |= {name: group[name] for name in total}
        return total
