"""The database of all tests of a process: open clients are reused, the schema is applied once."""

from collections.abc import Callable
from typing import Any

from pymongo import MongoClient, WriteConcern, monitoring
from pymongo.database import Database

from chancery.core.mongo import client as mongo
from chancery.core.mongo.client import connect
from chancery.core.mongo.schema import apply, plan
from chancery.wiring.registry import COLLECTIONS
from local.mongod import Mongod

Document = dict[str, Any]


def collection_names(database: Database[Any]) -> set[str]:
    """The names of a database's collections, without its views and the server's own."""
    own = {"type": "collection", "name": {"$not": {"$regex": r"^system\."}}}
    return set(database.list_collection_names(filter=own))


class SchemaCommands(monitoring.CommandListener):
    """Notes whether any client of this process changed collections, validators or indexes of a database."""

    _NAMES = ("create", "drop", "dropDatabase", "renameCollection", "collMod", "createIndexes", "dropIndexes")

    def __init__(self, database: str) -> None:
        self._database = database
        self.seen = True

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in self._NAMES and event.database_name == self._database:
            self.seen = True

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


class SharedDatabase:
    """One database on one server; `prepare` empties it for the next test."""

    def __init__(self, mongod: Mongod) -> None:
        self._mongod = mongod
        self._clients: dict[tuple[Any, str, int], MongoClient[Document]] = {}
        self._schema_commands = SchemaCommands(mongod.database)
        monitoring.register(self._schema_commands)  # for every client that is made from now on

    def connect(self, uri: str, timeout_ms: int = 8000) -> MongoClient[Document]:
        """In place of `mongo.connect`: a client with these options, open until the end of the session.

        A test that puts another class in the place of `mongo.MongoClient` gets a client of that class.
        """
        key = (mongo.MongoClient, uri, timeout_ms)
        if key not in self._clients:
            self._clients[key] = client = connect(uri, timeout_ms)
            client.close = lambda: None  # a deployment closes its connections
        return self._clients[key]

    def open_as(self, user: str) -> Database[Document]:
        """The database as a role class or as admin sees it."""
        return self.connect(self._mongod.uri(user))[self._mongod.database]

    def prepare(self) -> None:
        """Applies the schema where a test changed it, and empties the collections that hold something."""
        self._close(lambda uri: f":{self._mongod.port}/" not in uri)
        admin = self.open_as("admin")
        if self._schema_commands.seen:
            apply(admin, plan(admin, COLLECTIONS))
            self._schema_commands.seen = False
        filled = self._filled(admin)
        for position, name in enumerate(filled, 1):
            concern = WriteConcern(w="majority") if position == len(filled) else WriteConcern(w=1)
            admin.get_collection(name, write_concern=concern).delete_many({})

    def close(self) -> None:
        self._close(lambda _: True)

    def _close(self, chosen: Callable[[str], bool]) -> None:
        for key in [key for key in self._clients if chosen(key[1])]:
            MongoClient.close(self._clients.pop(key))

    def _filled(self, admin: Database[Document]) -> list[str]:
        """Names of the collections with a document, found with one command."""
        first, *others = (
            (collection.name, [{"$limit": 1}, {"$project": {"_id": collection.name}}]) for collection in COLLECTIONS
        )
        unions = [{"$unionWith": {"coll": name, "pipeline": pipeline}} for name, pipeline in others]
        return [found["_id"] for found in admin[first[0]].aggregate([*first[1], *unions])]
