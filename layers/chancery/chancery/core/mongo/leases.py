"""Leases: of the processes that could serve something, one does.

Whoever asks for a process reserves the lease for it, so that many who ask at once ask for one. The process takes the
lease, renews it while it works, and hands it over by its token. One that is killed leaves it to expire.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from chancery.core.formats.times import Clock
from chancery.core.mongo.client import Document, translated

DURATION = timedelta(seconds=10)
_RESERVED, _FREE = "reserved", "free"  # tokens of no process


class Leases:
    """The leases in a collection: `token` and `expiresOn` of a document, or of the object `within` it.

    A key is the query of one document. `creates`: a document that is missing is made; else it has no lease to take.
    """

    def __init__(
        self, collection: Collection[Document], clock: Clock, *, within: str = "", creates: bool = False
    ) -> None:
        self._collection = collection
        self._clock = clock
        prefix = f"{within}." if within else ""
        self._token, self._expires_on = f"{prefix}token", f"{prefix}expiresOn"
        self._creates = creates

    def held(self) -> Document:
        """The query of documents whose lease is held or reserved now."""
        return {self._expires_on: {"$gt": self._clock()}, self._token: {"$ne": _FREE}}

    def abandoned(self) -> Document:
        """The query of documents whose lease has expired: its process was killed, or never started."""
        return {self._expires_on: {"$lte": self._clock()}, self._token: {"$ne": _FREE}}

    def owned(self, token: str) -> Document:
        """The query of documents whose lease has a token: of changes that only its holder may make."""
        return {self._token: token}

    def extension(self) -> Document:
        """The field that such a change sets to hold the lease for ten seconds more."""
        return {self._expires_on: self._clock() + DURATION}

    def is_held(self, key: Mapping[str, Any]) -> bool:
        """Whether a process holds the lease, or is on its way. Raises Unavailable."""
        with translated():
            return self._collection.find_one({**key, **self.held()}, {"_id": 1}) is not None

    def reserve(self, key: Mapping[str, Any]) -> bool:
        """Holds the lease for ten seconds for the process that is asked for now; False where it is held."""
        return not self.is_held(key) and self._put(key, _RESERVED, None, {})

    def take(self, key: Mapping[str, Any], token: str, former: str | None, **changes: Any) -> bool:
        """Takes the lease where no process holds it, or from the process `former`; whether it was taken.

        `changes`: fields of the document that are set with it.
        """
        return self._put(key, token, former, changes)

    def _put(self, key: Mapping[str, Any], token: str, former: str | None, changes: Mapping[str, Any]) -> bool:
        instead_of = [_FREE, None, *([_RESERVED] if token != _RESERVED else []), *([former] if former else [])]
        takeable = [{self._expires_on: {"$lte": self._clock()}}, {self._token: {"$in": instead_of}}]
        update = {"$set": {**changes, self._token: token, **self.extension()}}
        with translated():
            try:
                done = self._collection.update_one({**key, "$or": takeable}, update, upsert=self._creates)
            except DuplicateKeyError:
                return False
        return done.matched_count > 0 or done.upserted_id is not None

    def renew(self, key: Mapping[str, Any], token: str) -> bool:
        """Holds the lease for ten seconds more; False where another process has it. Raises Unavailable."""
        with translated():
            return (
                self._collection.update_one({**key, **self.owned(token)}, {"$set": self.extension()}).matched_count > 0
            )

    def release(self, key: Mapping[str, Any], token: str = _RESERVED, **changes: Any) -> bool:
        """Gives the lease back, or its reservation, with changes; whether it was held. Raises Unavailable."""
        update = {"$set": {**changes, self._token: _FREE, self._expires_on: self._clock()}}
        with translated():
            return self._collection.update_one({**key, **self.owned(token)}, update).matched_count > 0
