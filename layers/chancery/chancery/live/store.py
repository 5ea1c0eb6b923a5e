"""Connections and leases in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne, WriteConcern
from pymongo.collection import ReturnDocument
from pymongo.database import Database

from chancery.core.formats.times import Clock, now
from chancery.core.identity.principal import Principal
from chancery.core.mongo.client import Document, translated
from chancery.core.mongo.leases import Leases
from chancery.live.collections import LIVE_CONNECTIONS, LIVE_LEASES

_LONGEST_LIFE = timedelta(hours=2, minutes=10)  # API Gateway ends a connection after two hours


class ConnectionStore:
    """Stores connections of one database."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._connections = database[LIVE_CONNECTIONS.name]
        # A lost position costs a frame that comes twice, which clients recognise.
        self._positions = database.get_collection(LIVE_CONNECTIONS.name, write_concern=WriteConcern(w=1))
        self._clock = clock

    def add(self, connection_id: str, principal: Principal, token_expires_on: datetime) -> None:
        """Stores a new connection, without a subscription; it ends with its token. Raises Unavailable."""
        moment = self._clock()
        with translated():
            self._connections.insert_one(
                {
                    "_id": connection_id,
                    "tenantId": principal.home_tenant,
                    "subject": principal.subject,
                    "role": principal.role.value,
                    "tenants": list(principal.tenants),
                    **({"name": principal.name} if principal.name else {}),
                    "version": 0,
                    "paused": False,
                    "createdOn": moment,
                    "expiresOn": min(moment + _LONGEST_LIFE, token_expires_on),
                }
            )

    def remove(self, connection_ids: Sequence[str]) -> None:
        """Removes connections, also ones that are not there. Raises Unavailable."""
        with translated():
            self._connections.delete_many({"_id": {"$in": list(connection_ids)}})

    def get(self, connection_id: str) -> Document | None:
        """One connection. Raises Unavailable."""
        with translated():
            return self._connections.find_one({"_id": connection_id})

    def has_expired(self, connection: Document) -> bool:
        """Whether the token of a connection does not hold any more."""
        expires_on: datetime = connection["expiresOn"]
        return expires_on <= self._clock()

    def change(self, connection_id: str, changes: Mapping[str, Any], *without: str) -> Document | None:
        """The connection with some fields changed or removed, and a new version; None where there is none."""
        update = {"$set": dict(changes), "$unset": dict.fromkeys(without, ""), "$inc": {"version": 1}}
        given = {operator: fields for operator, fields in update.items() if fields}
        with translated():
            return self._connections.find_one_and_update(
                {"_id": connection_id}, given, return_document=ReturnDocument.AFTER
            )

    def subscribed(self, tenant_id: str | None) -> list[Document]:
        """The connections of a tenant with a subscription. Raises Unavailable."""
        with translated():
            return list(self._connections.find({"tenantId": tenant_id, "feeds": {"$exists": True}}))

    def count(self, tenant_id: str | None, limit: int) -> int:
        """How many connections of a tenant have a subscription, counted up to a limit."""
        with translated():
            return self._connections.count_documents({"tenantId": tenant_id, "feeds": {"$exists": True}}, limit=limit)

    def count_all(self) -> int:
        """How many connections have a subscription. Raises Unavailable."""
        with translated():
            return self._connections.count_documents({"feeds": {"$exists": True}})

    def tenants(self) -> list[str | None]:
        """The tenants with subscriptions. Raises Unavailable."""
        with translated():
            return list(self._connections.distinct("tenantId", {"feeds": {"$exists": True}}))

    def advance(self, positions: Mapping[tuple[str, int], Mapping[str, int]]) -> None:
        """Stores positions, by connection and version; one of another version stays as it is."""
        changes = [
            UpdateOne({"_id": connection_id, "version": version}, {"$set": {"position": dict(position)}})
            for (connection_id, version), position in positions.items()
        ]
        if changes:
            with translated():
                self._positions.bulk_write(changes, ordered=False)


def live_leases(database: Database[Document], clock: Clock = now) -> Leases:
    """Leases of tenants, by `{"tenantId": ...}`: one run of the fan-out at a time serves a tenant."""
    return Leases(database[LIVE_LEASES.name], clock, creates=True)
