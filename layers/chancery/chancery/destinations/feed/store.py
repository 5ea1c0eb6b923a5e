"""Named consumers in MongoDB: a change of what they get in one transaction with its audit event; commits without."""

from collections.abc import Callable, Mapping
from typing import Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.errors import Conflict, NotFound, Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, in_transaction, translated
from chancery.destinations.feed.collections import FEED_CONSUMERS
from chancery.destinations.feed.cursor import Positions

MOST_CONSUMERS = 100  # of a tenant
Audit = Callable[[], None]  # raises where the change cannot be audited: then it does not happen


class ConsumerStore:
    """Reads and writes `feed_consumers`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._database = database
        self._consumers = database.get_collection(FEED_CONSUMERS.name, write_concern=DURABLE)
        self._in_transaction = database[FEED_CONSUMERS.name]  # a transaction has its own write concern
        self.clock = clock

    def find(self, tenant_id: str, name: str) -> Document | None:
        """A consumer. Raises Unavailable."""
        with translated():
            return self._consumers.find_one({"tenantId": tenant_id, "name": name}, {"_id": 0})

    def get(self, tenant_id: str, name: str) -> Document:
        """A consumer. Raises NotFound, Unavailable."""
        found = self.find(tenant_id, name)
        if found is None:
            raise NotFound("There is no such consumer.")
        return found

    def all(self, tenant_id: str) -> list[Document]:
        """The consumers of a tenant by name; there are few. Raises Unavailable."""
        with translated():
            return list(self._consumers.find({"tenantId": tenant_id}, {"_id": 0}).sort("name", 1))

    def add(self, consumer: Document, audit: Audit) -> bool:
        """Stores a new consumer; whether there was none of its name. Raises Conflict where a tenant has 100."""

        def work(session: ClientSession) -> None:
            own = {"tenantId": consumer["tenantId"]}
            if self._in_transaction.count_documents(own, session=session, limit=MOST_CONSUMERS) == MOST_CONSUMERS:
                raise Conflict(f"The tenant has {MOST_CONSUMERS} consumers; delete one that is not used.")
            self._in_transaction.insert_one(dict(consumer), session=session)
            audit()

        try:
            in_transaction(self._database, work)
        except DuplicateKeyError:
            return False
        return True

    def change(self, consumer: Mapping[str, Any], changes: Mapping[str, Any], audit: Audit) -> Document | None:
        """The consumer with changes, under the optimistic lock of its version; None where it has changed since."""

        def work(session: ClientSession) -> Document | None:
            changed = self._in_transaction.find_one_and_update(
                _version(consumer),
                {"$set": dict(changes), "$inc": {"version": 1}},
                projection={"_id": 0},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if changed is not None:
                audit()
            return changed

        return in_transaction(self._database, work)

    def remove(self, consumer: Mapping[str, Any], audit: Audit) -> None:
        """Deletes a consumer. Raises NotFound where another request was faster."""
        own = {"tenantId": consumer["tenantId"], "refId": consumer["refId"]}

        def work(session: ClientSession) -> None:
            if not self._in_transaction.delete_one(own, session=session).deleted_count:
                raise NotFound("There is no such consumer.")
            audit()

        in_transaction(self._database, work)

    def commit(self, consumer: Mapping[str, Any], positions: Positions, *, rewind: bool) -> Document:
        """The consumer with positions, in one update: of two commits at once the one that lies behind fails.

        Raises Conflict where a position lies behind the committed one, unless `rewind`; NotFound, Unavailable.
        """
        own: Document = {"tenantId": consumer["tenantId"], "refId": consumer["refId"]}
        ahead = {} if rewind else {f"positions.{name}": {"$not": {"$gt": at}} for name, at in positions.items()}
        changes = {f"positions.{name}": at for name, at in positions.items()}
        with translated():
            changed = self._consumers.find_one_and_update(
                {**own, **ahead},
                {"$set": {**changes, "committedOn": self.clock()}},
                projection={"_id": 0},
                return_document=ReturnDocument.AFTER,
            )
        if changed is not None:
            return changed
        self.get(consumer["tenantId"], consumer["name"])
        raise Conflict("The cursor lies before the committed one; send rewind: true to read again from there.")


def _version(consumer: Mapping[str, Any]) -> Document:
    return {name: consumer[name] for name in ("tenantId", "refId", "version")}


def busy() -> Unavailable:
    """The error of a change that others were faster than each time."""
    return Unavailable("Others change the consumer at the same time; try again.")
