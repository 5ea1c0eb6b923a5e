"""Settings of tenants in MongoDB: one document each; write paths read them from a cache.

Imports no models: every function that writes imports this.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.detectors import OwnRules
from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, in_transaction, translated
from chancery.core.web.preconditions import changed_meanwhile

DEFAULTS: Mapping[str, Any] = {
    "strictCatalog": False,
    "limits": {},
    "redaction": {
        "freeText": {"emailAddresses": False, "phoneNumbers": False, "ibans": False},
        "names": [],
        "patterns": [],
    },
}
OwnLimits = Mapping[str, Any]  # `limits` of the settings, those that are given
_FRESH_SECONDS = 30.0
_AWAY_SECONDS = 1.0  # after a failure, before the database is asked again
_MOST_TENANTS = 10_000  # in the cache


class _Cached(NamedTuple):
    read: float
    strict_catalog: bool
    redaction: OwnRules
    limits: OwnLimits


class SettingsStore:
    """Reads and writes `tenant_settings`; what a write path asks is remembered for half a minute."""

    def __init__(self, database: Callable[[], Database[Document]], clock: Clock = now) -> None:
        self._database = database
        self._clock = clock
        self._cache: dict[str | None, _Cached] = {}
        self._failed_at = -_AWAY_SECONDS

    def is_strict(self, tenant_id: str | None) -> bool:
        """Whether the tenant takes catalogued actions only; a change is seen everywhere within 30 seconds."""
        return self._cached(tenant_id).strict_catalog

    def redaction_of(self, tenant_id: str | None) -> OwnRules:
        """The tenant's own rules of redaction, empty where it has none; a change is seen within 30 seconds."""
        return self._cached(tenant_id).redaction

    def limits_of(self, tenant_id: str | None) -> OwnLimits:
        """The tenant's own rate limits, empty where it has none; a change is seen within 30 seconds."""
        return self._cached(tenant_id).limits

    def get(self, tenant_id: str | None) -> Document:
        """The settings as they are now, or the defaults of a tenant that has none, with the version 0."""
        with translated():
            found = self._database().tenant_settings.find_one({"tenantId": tenant_id}, {"_id": 0})
        return found or {"tenantId": tenant_id, **DEFAULTS, "version": 0, "updatedBy": None, "updatedOn": None}

    def put(
        self, before: Mapping[str, Any], values: Mapping[str, Any], updated_by: str, audit: Callable[[], None]
    ) -> Document:
        """Stores new settings in place of those that were read. Raises PreconditionFailed where these have changed.

        `audit` raises where the change cannot be audited: then it is not made.
        """
        settings = {
            "tenantId": before["tenantId"],
            **values,
            "version": before["version"] + 1,
            "updatedBy": updated_by,
            "updatedOn": self._clock(),
        }

        def work(session: ClientSession) -> Document:
            if not self._replaced(before, settings, session):
                raise changed_meanwhile()
            audit()
            return settings

        stored = in_transaction(self._database(), work)
        self._cache.pop(before["tenantId"], None)
        return stored

    def _replaced(self, before: Mapping[str, Any], settings: Document, session: ClientSession) -> bool:
        collection = self._database().get_collection("tenant_settings", write_concern=DURABLE)
        if not before["version"]:
            try:
                collection.insert_one(dict(settings), session=session)
            except DuplicateKeyError:
                return False
            return True
        own = {"tenantId": before["tenantId"], "version": before["version"]}
        return bool(collection.update_one(own, {"$set": settings}, session=session).matched_count)

    def _cached(self, tenant_id: str | None) -> _Cached:
        """What is remembered; where that is old and the database is away, it counts on. Raises Unavailable."""
        cached = self._cache.get(tenant_id)
        if cached and time.monotonic() - cached.read <= _FRESH_SECONDS:
            return cached
        try:
            settings = self._get_unless_away(tenant_id)
        except Unavailable:
            if cached is None:
                raise
            return cached
        if len(self._cache) >= _MOST_TENANTS:
            self._cache.clear()
        own = settings["redaction"] if settings["redaction"] != DEFAULTS["redaction"] else {}
        self._cache[tenant_id] = _Cached(time.monotonic(), settings["strictCatalog"], own, settings["limits"])
        return self._cache[tenant_id]

    def _get_unless_away(self, tenant_id: str | None) -> Document:
        """The settings. For a second after a failure the database is not asked: no batch waits for each record."""
        if time.monotonic() - self._failed_at < _AWAY_SECONDS:
            raise Unavailable("The database does not answer; try again.")
        try:
            return self.get(tenant_id)
        except Unavailable:
            self._failed_at = time.monotonic()
            raise
