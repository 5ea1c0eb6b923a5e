"""Groups and their fingerprints in MongoDB, and the counts of their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database

from chancery.core.errors import NotFound
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import DURABLE, Document, in_transaction, translated
from chancery.logs.groups.collections import ERROR_GROUP_HASHES, ERROR_GROUPS
from chancery.logs.groups.models import MAX_RELEASES
from chancery.logs.kinds import KINDS

_WHOLE = {"_id": 0}
_COPIED = ("tenantId", "kind", "level", "type", "message", "culprit", "lastSeen", "expiresOn")


@dataclass(frozen=True, slots=True)
class GroupStore:
    """Reads and changes groups; all methods raise Unavailable."""

    database: Database[Document]

    def page(self, query: Mapping[str, Any], *, fields: Sequence[str], descending: bool, limit: int) -> list[Document]:
        """Groups of a query by (lastSeen, refId), only the named fields."""
        direction = -1 if descending else 1
        with translated():
            found = self._groups.find(query, {**_WHOLE, **dict.fromkeys(fields, 1)})
            return list(found.sort([("lastSeen", direction), ("refId", direction)]).limit(limit))

    def group(self, query: Mapping[str, Any]) -> Document | None:
        """The group of a query."""
        with translated():
            found: Document | None = self._groups.find_one(query, _WHOLE)
        return found

    def groups(self, tenant_id: str | None, ref_ids: Sequence[str]) -> list[Document]:
        """The groups of a tenant with some ids."""
        with translated():
            return list(self._groups.find({"tenantId": tenant_id, "refId": {"$in": list(ref_ids)}}, _WHOLE))

    def hashes(self, group: Mapping[str, Any]) -> list[Document]:
        """The fingerprints of a group, the first seen first."""
        query = {"tenantId": group["tenantId"], "groupId": group["refId"]}
        with translated():
            return list(self._hashes.find(query, _WHOLE).sort([("firstSeen", 1), ("hash", 1)]))

    def counts(
        self,
        tenant_id: str | None,
        hashes: Sequence[str],
        start: datetime,
        end: datetime,
        unit: Literal["minute", "hour"],
    ) -> list[Document]:
        """`{start, count}` of each minute or hour in which lines with these fingerprints were seen, in order."""
        counts: dict[datetime, int] = {}
        match = {"tenantId": tenant_id, "fingerprint": {"$in": list(hashes)}, "createdOn": {"$gte": start, "$lt": end}}
        by = {"_id": {"$dateTrunc": {"date": "$createdOn", "unit": unit}}, "count": {"$sum": 1}}
        for kind in KINDS:
            if kind.has_errors:
                with translated():
                    for item in self.database[kind.collection].aggregate([{"$match": match}, {"$group": by}]):
                        counts[item["_id"]] = counts.get(item["_id"], 0) + item["count"]
        return [{"start": moment, "count": counts[moment]} for moment in sorted(counts)]

    def change(self, group: Mapping[str, Any], changes: Document) -> Document | None:
        """The changed group, None where it has changed since it was read."""
        own = {name: group[name] for name in ("tenantId", "refId", "version")}
        gone = dict.fromkeys({"resolvedOn", "ignoredUntil"} - changes.keys(), "")
        update = {"$set": changes, "$unset": gone, "$inc": {"version": 1}}
        with translated():
            changed: Document | None = self._groups.find_one_and_update(
                own, update, _WHOLE, return_document=ReturnDocument.AFTER
            )
        return changed

    def merge(self, group: Document, others: Sequence[Document], by: Document) -> Document:
        """Gives the fingerprints of others to a group, and removes the others. Raises NotFound where it is gone."""
        tenant, ids = group["tenantId"], [item["refId"] for item in others]
        releases = dict.fromkeys(release for item in (group, *others) for release in item["releases"])

        def work(session: ClientSession) -> Document:
            self._hashes.update_many(
                {"tenantId": tenant, "groupId": {"$in": ids}}, {"$set": {"groupId": group["refId"]}}, session=session
            )
            self._groups.delete_many({"tenantId": tenant, "refId": {"$in": ids}}, session=session)
            update = {
                "$set": {**by, "releases": list(releases)[:MAX_RELEASES]},
                "$inc": {"version": 1},
                "$min": {"firstSeen": min(item["firstSeen"] for item in others)},
                "$max": {name: max(item[name] for item in others) for name in ("lastSeen", "expiresOn")},
            }
            return self._updated(group, update, session)

        return in_transaction(self.database, work)

    def split(self, group: Document, chosen: Sequence[Document], by: Document) -> Document:
        """A new, open group of some fingerprints of a group. Raises NotFound where that is gone."""
        new = {name: group[name] for name in _COPIED if name in group} | {
            "refId": new_ref_id(),
            "status": "open",
            "firstSeen": min(item["firstSeen"] for item in chosen),
            "releases": [],
            "components": chosen[0]["components"],
            "version": 0,
            **by,
        }

        def work(session: ClientSession) -> Document:
            self._updated(group, {"$set": by, "$inc": {"version": 1}}, session)
            hashes = [item["hash"] for item in chosen]
            query = {"tenantId": group["tenantId"], "groupId": group["refId"], "hash": {"$in": hashes}}
            self._hashes.update_many(query, {"$set": {"groupId": new["refId"]}}, session=session)
            self._groups.insert_one(dict(new), session=session)
            return new

        return in_transaction(self.database, work)

    def _updated(self, group: Mapping[str, Any], update: Document, session: ClientSession) -> Document:
        own = {name: group[name] for name in ("tenantId", "refId")}
        changed: Document | None = self._groups.find_one_and_update(
            own, update, _WHOLE, return_document=ReturnDocument.AFTER, session=session
        )
        if changed is None:
            raise NotFound("There is no such group of errors.")
        return changed

    @property
    def _groups(self) -> Collection[Document]:
        return self.database.get_collection(ERROR_GROUPS.name, write_concern=DURABLE)

    @property
    def _hashes(self) -> Collection[Document]:
        return self.database.get_collection(ERROR_GROUP_HASHES.name, write_concern=DURABLE)
