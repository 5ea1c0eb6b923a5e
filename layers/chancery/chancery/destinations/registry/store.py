"""Destinations in MongoDB: changes under an optimistic lock, each in one transaction with its state and audit event."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chancery.core.errors import Conflict, FieldError, NotFound
from chancery.core.formats.correlation import correlation
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, in_transaction
from chancery.core.mongo.repository import Repository
from chancery.core.web.preconditions import changed_meanwhile
from chancery.destinations.collections import DESTINATION_STATES, DESTINATIONS

Audit = Callable[[], None]  # raises where the change cannot be audited: then it does not happen
_MILLISECOND = timedelta(milliseconds=1)
_FRESH = ("breaker", "failingSince", "warned")  # of a state; forgotten when a destination is enabled or corrected
_CORRECTED = ("sealed", "roleArn", "options")  # of a destination: where it is, and what it is reached with


class DestinationStore:
    """Reads and writes `destinations`, and adds and changes what callers change of `destination_states`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self.destinations = Repository(database, DESTINATIONS, clock=clock)
        self._states = database.get_collection(DESTINATION_STATES.name, write_concern=DURABLE)
        self._database = database
        self.clock = clock

    def get(self, tenant_id: str | None, ref_id: str) -> Document:
        """A destination of a tenant; of any tenant where it is None. Raises NotFound."""
        found = self.destinations.get({"refId": ref_id} | ({} if tenant_id is None else {"tenantId": tenant_id}))
        if found is None:
            raise NotFound("There is no such destination.")
        return found

    def add(self, document: Document, positions: Mapping[str, int], most: int, audit: Audit) -> Document:
        """Stores a new destination and its state.

        Raises Conflict where the tenant has one of its name, or `most` of them; requests at the same moment may add
        one more.
        """
        tenant = {"tenantId": document["tenantId"]}
        state = {**tenant, "refId": document["refId"], "positions": dict(positions)}

        def work(session: ClientSession) -> Document:
            if len(self.destinations.find(tenant, ("refId",), session)) >= most:
                raise Conflict(f"The tenant has {most} destinations, as many as its settings allow.")
            if not self.destinations.add(document, session):
                raise _name_taken()
            self._states.insert_one(state, session=session)
            audit()
            return document

        return in_transaction(self._database, work)

    def change(
        self,
        document: Mapping[str, Any],
        settings: Mapping[str, Any],
        changed_by: str,
        positions: Mapping[str, int],
        audit: Audit,
    ) -> Document:
        """Stores new settings; the changed destination, which is served at once, also one that is down and corrected.

        `positions`: of sources that it has not selected before. Raises PreconditionFailed where it has changed since,
        Conflict where its new name is another's.
        """
        changes = {**settings, **self._changed(document, changed_by)}
        is_enabled = changes.get("enabled", False) and not document["enabled"]
        is_corrected = any(name in settings and settings[name] != document.get(name) for name in _CORRECTED)

        def work(session: ClientSession) -> Document:
            try:
                done = self.destinations.change(document, session, **changes)
            except DuplicateKeyError as exc:
                raise _name_taken() from exc
            if not done:
                raise changed_meanwhile()
            self._change_state(document, session, positions, _FRESH if is_enabled or is_corrected else ())
            audit()
            return {**document, **changes, "version": document["version"] + 1}

        return in_transaction(self._database, work)

    def delete(self, document: Mapping[str, Any], deleted_by: str, audit: Audit) -> None:
        """Marks a destination as deleted; the next run ends its deliveries. Raises PreconditionFailed."""
        moment = self._moment_after(document)
        changes = {"enabled": False, "deletedBy": deleted_by, "deletedOn": moment}

        def work(session: ClientSession) -> None:
            try:
                done = self.destinations.change(document, session, **changes)
            except DuplicateKeyError as exc:  # one of this name was deleted in the same millisecond
                raise changed_meanwhile() from exc
            if not done:
                raise changed_meanwhile()
            self._change_state(document, session)
            audit()

        in_transaction(self._database, work)

    def state(self, document: Mapping[str, Any]) -> Document:
        """The state of a destination's delivery."""
        found = self._states.find_one(_key(document), {"_id": 0})
        return found or {**_key(document), "positions": {}}

    def wake(self, document: Mapping[str, Any], session: ClientSession) -> None:
        """Has the destination served, by the sweep if not before."""
        self._change_state(document, session)

    def probe(self, document: Mapping[str, Any], session: ClientSession) -> None:
        """Has a destination that is down probed now, not after the pause of its breaker."""
        down = {**_key(document), "breaker.probeOn": {"$gt": self.clock()}}
        self._states.update_one(down, {"$set": {"breaker.probeOn": self.clock()}}, session=session)

    def _change_state(
        self,
        document: Mapping[str, Any],
        session: ClientSession,
        positions: Mapping[str, int] | None = None,
        forgotten: Sequence[str] = (),
    ) -> None:
        own = {f"positions.{source}": at for source, at in (positions or {}).items()}
        update: Document = {"$set": {**own, "wakeOn": self.clock()}}
        if forgotten:
            update["$unset"] = dict.fromkeys(forgotten, "")
        self._states.update_one(_key(document), update, session=session)

    def _changed(self, document: Mapping[str, Any], changed_by: str) -> Document:
        ids = correlation.get()
        return {
            "updatedBy": changed_by,
            "updatedOn": self._moment_after(document),
            "traceId": ids.trace_id,
            "correlationId": ids.correlation_id,
        }

    def _moment_after(self, document: Mapping[str, Any]) -> Any:
        """Now, but later than the change before, whose writer's clock may be ahead."""
        return max(self.clock(), (document.get("updatedOn") or document["createdOn"]) + _MILLISECOND)


def _key(document: Mapping[str, Any]) -> Document:
    return {"tenantId": document["tenantId"], "refId": document["refId"]}


def _name_taken() -> Conflict:
    detail = "is another destination's; choose another name"
    return Conflict("There is a destination of this name already.", errors=[FieldError("/name", detail)])
