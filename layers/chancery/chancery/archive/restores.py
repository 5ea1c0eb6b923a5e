"""Restores of archived months: at most one under way a partition."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pymongo.database import Database

from chancery.archive.collections import ARCHIVE_RESTORES
from chancery.archive.models import ACTIVE, RestoreState
from chancery.archive.store import StaleVersion
from chancery.core.aws.queue import ItemRef
from chancery.core.errors import NotFound
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document, translated
from chancery.core.mongo.repository import Repository
from chancery.core.observability import count, logger


def report_damage(partition: Document, reason: str) -> None:
    """Logs and counts an archived file that is not as it was written, which raises an alarm."""
    count("ArchivesDamaged")
    logger.critical("ARCHIVE_DAMAGED", ref_id=partition["refId"], key=partition["key"], reason=reason)


class RestoreStore:
    """Reads and writes `archive_restores`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self.clock = clock
        self._restores = Repository(database, ARCHIVE_RESTORES, clock=clock)
        self._collection = database[ARCHIVE_RESTORES.name]

    def add(self, restore: Document) -> Document | None:
        """The new restore as it is stored, or None where another one of the partition is under way."""
        stored = {**restore, "updatedOn": restore["createdOn"], "version": 1}
        return stored if self._restores.add(stored) else None

    def get(self, ref: ItemRef) -> Document:
        """A restore. Raises NotFound."""
        found = self._restores.get(ref.query)
        if found is None:
            raise NotFound("There is no such restore.")
        return found

    def active(self, partition: Document) -> Document | None:
        """The restore of a partition that is under way."""
        own = {"tenantId": partition["tenantId"], "partitionId": partition["refId"]}
        return self._restores.get({**own, "state": {"$in": ACTIVE}})

    def newest(self, partitions: Iterable[ItemRef]) -> dict[str, Document]:
        """The newest restore of each partition that has one, by the partition's refId."""
        refs = list(partitions)
        tenant_ids, ref_ids = {ref.tenant_id for ref in refs}, [ref.ref_id for ref in refs]
        own = {"tenantId": {"$in": [*tenant_ids]}, "partitionId": {"$in": ref_ids}}
        newest_first = {"tenantId": 1, "partitionId": 1, "createdOn": -1, "refId": -1}
        pipeline: list[dict[str, Any]] = [
            {"$match": own},
            {"$sort": newest_first},
            {"$project": {"_id": 0}},
            {"$group": {"_id": "$partitionId", "newest": {"$first": "$$ROOT"}}},
        ]
        with translated():
            return {group["_id"]: group["newest"] for group in self._collection.aggregate(pipeline)}

    def in_states(self, *states: RestoreState) -> list[Document]:
        """The restores in some states, in no order."""
        return self._restores.find({"state": {"$in": states}})

    def advance(self, restore: Document, **changes: Any) -> Document | None:
        """The restore with the changes, or None where another worker has changed it since it was read."""
        changes["updatedOn"] = self.clock()
        changed = self._restores.change(restore, **changes)
        return {**restore, **changes, "version": restore["version"] + 1} if changed else None


@dataclass(slots=True)
class RestoreClaim:
    """A restore as this worker has changed it last, under the optimistic lock of its `version`; and its partition."""

    store: RestoreStore
    restore: Document
    partition: Document

    @property
    def is_active(self) -> bool:
        return self.restore["state"] in ACTIVE

    def advance(self, **changes: Any) -> None:
        """Changes the restore. Raises StaleVersion."""
        changed = self.store.advance(self.restore, **changes)
        if changed is None:
            raise StaleVersion
        self.restore = changed

    def reload(self) -> None:
        """Reads the restore again."""
        self.restore = self.store.get(ItemRef.of(self.restore))


def partition_of(restore: Document) -> ItemRef:
    """The partition of a restore."""
    return ItemRef(restore["tenantId"], restore["partitionId"])
