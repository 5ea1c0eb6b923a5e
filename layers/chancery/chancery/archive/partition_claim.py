"""A partition that a worker works on, until another worker takes it over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chancery.archive.store import ArchiveStore, StaleVersion
from chancery.core.aws.queue import ItemRef
from chancery.core.mongo.client import Document
from chancery.tlog.layout import ArchiveKeys


@dataclass(slots=True, unsafe_hash=True)
class PartitionClaim:
    """A partition as this worker has changed it last, under the optimistic lock of its `version`.

    Two claims are equal when they are on the same partition. `load` comes before everything else.
    """

    ref: ItemRef
    store: ArchiveStore = field(compare=False, repr=False)
    partition: Document = field(default_factory=dict, compare=False, repr=False)
    _began: datetime = field(init=False, compare=False, repr=False)
    _seconds_before: float = field(init=False, compare=False, repr=False)

    def __str__(self) -> str:
        return str(self.ref)

    def load(self) -> None:
        """Reads the partition. Raises NotFound."""
        self.partition = self.store.get(self.ref.query)
        self._began, self._seconds_before = self.store.clock(), self.partition["seconds"]

    @property
    def is_open(self) -> bool:
        """Whether the month is still to be archived."""
        return bool(self.partition["state"] != "archived")

    @property
    def keys(self) -> ArchiveKeys:
        """The keys of the month's objects."""
        return ArchiveKeys.of_file(self.partition["key"])

    @property
    def seconds(self) -> float:
        """How long workers have worked on the partition in all."""
        return self._seconds_before + (self.store.clock() - self._began).total_seconds()

    def advance(self, **changes: Any) -> None:
        """Changes the partition. Raises StaleVersion."""
        self._replace(self.store.advance(self.partition, **changes, seconds=self.seconds))

    def add_part(self, part: Document, **changes: Any) -> None:
        """Stores a part that S3 has, and changes the partition in the same transaction. Raises StaleVersion."""
        self._replace(self.store.add_part(self.partition, part, **changes, seconds=self.seconds))

    def progress(self) -> list[Document]:
        """The parts so far, in order, with the fields that the next worker needs. Raises StaleVersion."""
        done = self.store.progress(self.partition)
        self._expect(sum(part["records"] for part in done))
        return done

    def parts(self, *fields: str) -> Iterator[Document]:
        """The parts so far, with the named fields, one at a time. Raises StaleVersion, after the last one."""
        records = 0
        for part in self.store.parts(self.partition, "records", *fields):
            records += part["records"]
            yield part
        self._expect(records)

    def _expect(self, records: int) -> None:
        """Raises StaleVersion when parts are missing: the worker that archived the month has deleted them."""
        if records != self.partition["records"]:
            raise StaleVersion

    def _replace(self, partition: Document | None) -> None:
        if partition is None:
            raise StaleVersion
        self.partition = partition
