"""A partition in the hands of a worker, until another one takes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chancery.archive.bucket import FILE_SUFFIX
from chancery.archive.store import ArchiveStore
from chancery.core.mongo.client import Document


class StaleVersion(Exception):
    """Another worker has moved the partition on: it is no longer ours."""


@dataclass(slots=True)
class Work:
    """A partition as this worker moved it on last."""

    store: ArchiveStore
    partition: Document
    _began: datetime
    _seconds_before: float

    @classmethod
    def on(cls, store: ArchiveStore, partition: Document) -> "Work":
        """Begins now."""
        return cls(store, partition, store.clock(), partition["seconds"])

    @property
    def stem(self) -> str:
        """What the keys of a month's objects begin with."""
        return str(self.partition["key"]).removesuffix(FILE_SUFFIX)

    @property
    def seconds(self) -> float:
        """How long workers have been at it."""
        return self._seconds_before + (self.store.clock() - self._began).total_seconds()

    def advance(self, **changes: Any) -> None:
        """Moves the partition on. Raises StaleVersion."""
        self._move(self.store.advance(self.partition, **changes, seconds=self.seconds))

    def add_part(self, part: Document, **changes: Any) -> None:
        """Remembers a part that is in S3. Raises StaleVersion."""
        self._move(self.store.add_part(self.partition, part, **changes, seconds=self.seconds))

    def progress(self) -> list[Document]:
        """The parts so far, in order, with what the next worker needs of them. Raises StaleVersion."""
        done = self.store.progress(self.partition)
        self._expect(sum(part["records"] for part in done))
        return done

    def parts(self, *fields: str) -> Iterator[Document]:
        """The parts so far, with the named fields, one after the other. Raises StaleVersion, at their end."""
        records = 0
        for part in self.store.parts(self.partition, "records", *fields):
            records += part["records"]
            yield part
        self._expect(records)

    def _expect(self, records: int) -> None:
        """Whoever is done with a partition forgets its parts: what is made of the rest of them would be wrong."""
        if records != self.partition["records"]:
            raise StaleVersion

    def _move(self, partition: Document | None) -> None:
        if partition is None:
            raise StaleVersion
        self.partition = partition
