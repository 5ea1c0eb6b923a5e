"""Notes which errors were seen: lines with the same fingerprint come to the same group, new ones make one.

Lines may be noted again without harm: of times the first and the last count, and how often an error was seen is counted
in the lines. So a batch is noted before it is acknowledged, and a crash between its lines and its groups is repaired
by the next delivery.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.database import Database

from chancery.core.formats.identifiers import ref_id_of
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.logs.fingerprint import Fingerprint, message_of
from chancery.logs.groups.collections import DAYS, ERROR_GROUP_HASHES, ERROR_GROUPS
from chancery.logs.groups.models import MAX_RELEASES, ROOM_FOR_A_RELEASE

_MOST_CULPRIT = 500


class Occurrence(NamedTuple):
    """A line that has a fingerprint."""

    kind: str
    line: Mapping[str, Any]
    fingerprint: Fingerprint


class ErrorOccurrences:
    """Writes groups and the fingerprints that belong to them."""

    def __init__(self, database: Database[Document]) -> None:
        self._groups = database.get_collection(ERROR_GROUPS.name, write_concern=DURABLE)
        self._hashes = database.get_collection(ERROR_GROUP_HASHES.name, write_concern=DURABLE)

    def note(self, seen: Iterable[Occurrence]) -> None:
        """Brings the groups of lines up to date: three round trips for any number of lines. Raises Unavailable."""
        faults: dict[tuple[str | None, tuple[str, ...]], _Fault] = {}
        for one in seen:
            key = one.line["tenantId"], one.fingerprint.hashes
            faults.setdefault(key, _Fault(one)).add(one)
        if faults:
            with translated():
                self._note(list(faults.values()))

    def _note(self, faults: list["_Fault"]) -> None:
        known = self._known(faults)
        for fault in faults:
            groups = [known[fault.tenant_id, one] for one in fault.hashes if (fault.tenant_id, one) in known]
            fault.group_id = groups[0] if groups else fault.own_group_id
        self._hashes.bulk_write([update for fault in faults for update in fault.hash_updates()], ordered=False)
        known = self._known(faults)  # another writer may have been first
        for fault in faults:
            fault.group_id = known.get((fault.tenant_id, fault.hashes[0]), fault.group_id)
        self._groups.bulk_write([update for fault in faults for update in fault.group_updates()], ordered=True)

    def _known(self, faults: Iterable["_Fault"]) -> dict[tuple[str | None, str], str]:
        tenants: dict[str | None, list[str]] = {}
        for fault in faults:
            tenants.setdefault(fault.tenant_id, []).extend(fault.hashes)
        wanted = [{"tenantId": tenant, "hash": {"$in": hashes}} for tenant, hashes in tenants.items()]
        found = self._hashes.find({"$or": wanted}, {"_id": 0, "tenantId": 1, "hash": 1, "groupId": 1})
        return {(item["tenantId"], item["hash"]): item["groupId"] for item in found}


class _Fault:
    """What lines of one batch say about one fault."""

    def __init__(self, one: Occurrence) -> None:
        self.tenant_id: str | None = one.line["tenantId"]
        self.hashes = one.fingerprint.hashes
        self.group_id = ""
        self._sample = one
        self._first = self._last = one.line["createdOn"]
        self._releases: dict[str, None] = {}

    def add(self, one: Occurrence) -> None:
        """Counts one more line."""
        self._first = min(self._first, one.line["createdOn"])
        self._last = max(self._last, one.line["createdOn"])
        if release := one.line.get("release"):
            self._releases[release] = None

    @property
    def own_group_id(self) -> str:
        """The id of the group that the fault makes: the same one from every writer that sees it at the same time."""
        day = self._last.replace(hour=0, minute=0, second=0, microsecond=0)
        return ref_id_of(int(day.timestamp() * 1000), f"{self.tenant_id or ''}\n{self.hashes[0]}")

    def hash_updates(self) -> Iterable[UpdateOne]:
        """Fingerprints that are new come to the group."""
        for number, one in enumerate(self.hashes):
            new = {
                "groupId": self.group_id,
                "components": self._sample.fingerprint.components if number == 0 else {"by": "all frames"},
                "firstSeen": self._first,
            }
            yield UpdateOne(
                {"tenantId": self.tenant_id, "hash": one},
                {"$setOnInsert": new, "$max": {"expiresOn": self._expires_on()}},
                upsert=True,
            )

    def group_updates(self) -> Iterable[UpdateOne]:
        """The group is made or brought up to date; a resolved fault that is seen again is open, and has regressed."""
        group = {"tenantId": self.tenant_id, "refId": self.group_id}
        yield UpdateOne(
            group,
            {
                "$setOnInsert": {"status": "open", "version": 0, "releases": [], **self._described()},
                "$min": {"firstSeen": self._first},
                "$max": {"lastSeen": self._last, "expiresOn": self._expires_on()},
            },
            upsert=True,
        )
        for release in list(self._releases)[:MAX_RELEASES]:
            yield UpdateOne({**group, **ROOM_FOR_A_RELEASE}, {"$addToSet": {"releases": release}})
        yield UpdateOne(
            {**group, "status": "resolved", "resolvedOn": {"$lt": self._last}},
            {"$set": {"status": "open", "regressedOn": self._last}, "$unset": {"resolvedOn": ""}},
        )
        yield UpdateOne(
            {**group, "status": "ignored", "ignoredUntil": {"$lte": self._last}},
            {"$set": {"status": "open"}, "$unset": {"ignoredUntil": ""}},
        )

    def _expires_on(self) -> datetime:
        last: datetime = self._last
        return last + timedelta(days=DAYS)

    def _described(self) -> dict[str, Any]:
        line, components = self._sample.line, self._sample.fingerprint.components
        error = line.get("error") or {}
        exceptions = components.get("exceptions") or [{}]
        frames = exceptions[0].get("frames") or []
        described = {
            "kind": self._sample.kind,
            "level": line["level"],
            "type": error.get("type"),
            "message": message_of(line.get("template") or error.get("message") or line.get("message") or ""),
            "culprit": frames[-1][:_MOST_CULPRIT] if frames else None,
            "firstRelease": next(iter(self._releases), None),
            "components": components,
        }
        return {name: value for name, value in described.items() if value}
