"""Lines in MongoDB: inserted many at a time, without a transaction, each of them once."""

from collections.abc import Iterable, Mapping, Sequence

from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.core.errors import Unavailable
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.logs.collections import BY_KIND

_DUPLICATE_KEY = 11000
_DOCUMENT_REFUSED = 121


class LogStore:
    """Writes and reads the lines of one database, by kind."""

    def __init__(self, database: Database[Document]) -> None:
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
