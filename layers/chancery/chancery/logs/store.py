"""Lines in MongoDB: inserted many at a time, without a transaction, each of them once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.web.pagination import Position
from chancery.logs.collections import BY_KIND
from chancery.logs.models import INTERNAL
from chancery.logs.queries import BY_TIME, NEWEST, Keys

_DUPLICATE_KEY = 11000
_DOCUMENT_REFUSED = 121


class LogStore:
    """Writes and reads the lines of one database, by kind."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._clock = clock
        self._collections = {
            name: database.get_collection(declared.name, write_concern=DURABLE) for name, declared in BY_KIND.items()
        }

    def insert(self, kind: str, lines: Sequence[Document]) -> tuple[frozenset[int], frozenset[int]]:
        """Stores lines, majority and journaled; the positions of those that were stored before, and of those refused.

        Raises Unavailable when not all of the others are known to be durable; inserting again is safe then.
        """
        with translated():
            try:
                self._collections[kind].insert_many(lines, ordered=False)
            except BulkWriteError as exc:
                details = exc.details or {}
                codes = {error["index"]: error["code"] for error in details.get("writeErrors", ())}
                repeated = frozenset(at for at, code in codes.items() if code == _DUPLICATE_KEY)
                refused = frozenset(at for at, code in codes.items() if code == _DOCUMENT_REFUSED)
                if details.get("writeConcernErrors") or not codes or len(repeated) + len(refused) < len(codes):
                    raise Unavailable("The database could not store every line; try again.") from None
                return repeated, refused
        return frozenset(), frozenset()

    def page(
        self, kind: str, query: Mapping[str, Any], fields: Sequence[str], limit: int, *, descending: bool = True
    ) -> list[Document]:
        """Lines of a query in (createdOn, refId) order, the named fields of them and those of the order."""
        direction = -1 if descending else 1
        with translated():
            found = self._collections[kind].find({**query, **self._unexpired()}, _projection(fields))
            return list(found.sort([("createdOn", direction), ("refId", direction)]).limit(limit).batch_size(limit))

    def position_after(
        self, kind: str, within: Mapping[str, Any], after: Position | None, count: int
    ) -> Position | None:
        """The position of the last of the next `count` lines of a tenant and time, newest first, read in the index.

        None where there are fewer. A position is no range of the index, and its `$or` would fetch each line: the lines
        of its time are skipped instead.
        """
        query, skipped = within, count - 1
        if after:
            same = {"createdOn": after.created_on, "refId": {"$gte": after.ref_id}}
            skipped += self.count(kind, {"$and": [within, same]}, BY_TIME)
            query = {"$and": [within, {"createdOn": {"$lte": after.created_on}}]}
        with translated():
            found = self._collections[kind].find(query, {"_id": 0, "createdOn": 1, "refId": 1}, hint=list(BY_TIME))
            last = next(iter(found.sort(NEWEST).skip(skipped).limit(1)), None)
        return Position(last["createdOn"], last["refId"]) if last else None

    def count(self, kind: str, query: Mapping[str, Any], index: Keys, most: int | None = None) -> int:
        """The number of lines of a query, counted in an index, up to `most`."""
        limit: Document = {"limit": most} if most else {}
        with translated():
            return self._collections[kind].count_documents(query, hint=list(index), **limit)

    def aggregate(self, kind: str, pipeline: Sequence[Document], index: Keys) -> list[Document]:
        """The documents that a pipeline makes of lines that it reads by an index."""
        with translated():
            return list(self._collections[kind].aggregate(pipeline, hint=dict(index)))

    def get(self, kind: str, scope: Mapping[str, Any], ref_id: str) -> Document | None:
        """One line inside of a scope, without its internal fields."""
        query = {**scope, "_id": ref_id, **self._unexpired()}
        with translated():
            return self._collections[kind].find_one(query, {"_id": 0, **dict.fromkeys(INTERNAL, 0)})

    def of_ref_ids(self, kind: str, tenant_id: str | None, ref_ids: Sequence[str]) -> list[Document]:
        """The lines of a tenant among those with these refIds, whole, in no order."""
        query = {"_id": {"$in": list(ref_ids)}, "tenantId": tenant_id, **self._unexpired()}
        with translated():
            return list(self._collections[kind].find(query, {"_id": 0}))

    def count_of_batch(self, batch: Mapping[str, object], kind: str) -> int:
        """The number of lines that were stored in a batch (a document of `log_batches`)."""
        query = {"expiresOn": batch["linesExpireOn"], "batch": batch["_id"]}
        with translated():
            return self._collections[kind].count_documents(query)

    def of_batches(self, kind: str, batches: Iterable[Mapping[str, object]]) -> list[Document]:
        """The lines of batches of a kind, whole, in no order. The index of `expiresOn` finds them."""
        batches = list(batches)
        query = {
            "expiresOn": {"$in": list({batch["linesExpireOn"] for batch in batches})},
            "batch": {"$in": [batch["_id"] for batch in batches]},
        }
        with translated():
            return list(self._collections[kind].find(query, {"_id": 0}))

    def _unexpired(self) -> Document:
        return {"expiresOn": {"$gt": self._clock()}}


def _projection(fields: Sequence[str]) -> Document:
    return {"_id": 0, **dict.fromkeys((*fields, "createdOn", "refId"), 1)}
