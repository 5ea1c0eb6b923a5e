"""Deltas of streams in MongoDB, one document each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.content.streams.collections import ACTIVITY_STREAMS
from chancery.content.streams.models import END
from chancery.core.mongo.client import DURABLE, Document, translated

_DUPLICATE = 11000
_FIELDS = {"_id": False, "sequence": True, "delta": True, "timestamp": True, "last": True, "createdOn": True}


@dataclass(frozen=True, slots=True)
class StreamStore:
    """Appends and reads. `stream` is `{tenantId, activityId}` in all methods, which raise Unavailable."""

    database: Database[Document]

    def around(self, stream: Mapping[str, str], first: int, last: int) -> list[Document]:
        """The deltas from one sequence to another, in order, and the end of the stream before them."""
        places = [{"sequence": {"$gte": max(0, first), "$lte": last}}, {"sequence": END}]
        with translated():
            return list(self._collection.find({**stream, "$or": places}, _FIELDS).sort("sequence", 1))

    def after(self, stream: Mapping[str, str], sequence: int, most: int) -> list[Document]:
        """Up to `most` deltas behind a sequence, in order."""
        query = {**stream, "sequence": {"$gt": sequence}}
        with translated():
            return list(self._collection.find(query, _FIELDS).sort("sequence", 1).limit(most))

    def end(self, stream: Mapping[str, str]) -> Document | None:
        """The document that ends the stream, if it has ended."""
        with translated():
            found: Document | None = self._collection.find_one({**stream, "sequence": END}, _FIELDS)
        return found

    def highest(self, stream: Mapping[str, str]) -> int | None:
        """The highest sequence that is stored; None in an empty stream."""
        with translated():
            found = self._collection.find_one({**stream, "sequence": {"$gte": 0}}, _FIELDS, sort=[("sequence", -1)])
        return found["sequence"] if found else None

    def insert(self, documents: Sequence[Document]) -> int:
        """Inserts what is not stored yet; returns how many documents that were."""
        with translated():
            try:
                return len(self._collection.insert_many(documents, ordered=False).inserted_ids)
            except BulkWriteError as exc:
                if any(error["code"] != _DUPLICATE for error in exc.details["writeErrors"]):
                    raise
                return int(exc.details["nInserted"])

    def replace(self, stream: Mapping[str, str], changed: Iterable[tuple[Document, str]]) -> None:
        """Gives stored deltas, each as it was read, another text."""
        updates = [
            UpdateOne({**stream, "sequence": item["sequence"], "delta": item["delta"]}, {"$set": {"delta": text}})
            for item, text in changed
        ]
        if updates:
            with translated():
                self._collection.bulk_write(updates, ordered=False)

    @property
    def _collection(self) -> Collection[Document]:
        return self.database.get_collection(ACTIVITY_STREAMS.name, write_concern=DURABLE)
