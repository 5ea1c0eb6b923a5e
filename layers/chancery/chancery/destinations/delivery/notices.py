"""Notices about destinations that fail: an audit record, with what is changed in its transaction, and a bus event."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pymongo.client_session import ClientSession
from pymongo.database import Database

from chancery.core.aws.queue import ItemRef
from chancery.core.errors import Unavailable
from chancery.core.formats.identifiers import OwnEventId
from chancery.core.formats.times import Clock, to_rfc3339
from chancery.core.mongo.client import Document, translated
from chancery.core.observability import count, logger
from chancery.destinations.collections import DESTINATION_STATES, DESTINATIONS
from chancery.destinations.models import DisabledReason

FAILING, DISABLED = "Destination Failing", "Destination Disabled"
_BY = "chancery"


class Disabling(NamedTuple):
    """Why a destination is disabled."""

    reason: DisabledReason
    detail: str


class ChangedMeanwhile(Exception):
    """A person has changed the destination since it was read."""


class Recorder(Protocol):
    """Stores an audit record, once for its eventId, and in its transaction what `also_write` stores."""

    def __call__(self, tenant_id: str, event: Mapping[str, Any], also_write: Any) -> None: ...


class Bus(Protocol):
    """`core.aws.event_bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Notices:
    """Records notices, and publishes those that are stored in a state until they are on the bus."""

    database: Database[Document]
    record: Recorder
    bus: Bus
    clock: Clock

    def disable(self, destination: Mapping[str, Any], why: Disabling) -> Document:
        """Disables a destination; the notice. Raises ChangedMeanwhile, Unavailable."""
        moment = self.clock()
        own = {"tenantId": destination["tenantId"], "refId": destination["refId"]}
        changes = {"enabled": False, "disabledReason": why.reason, "disabledOn": moment}
        update = {"$set": {**changes, "updatedBy": _BY, "updatedOn": moment}, "$inc": {"version": 1}}
        notice = _notice(DISABLED, destination, reason=why.reason, error=why.detail, disabledOn=to_rfc3339(moment))

        def also_write(_: Document, session: ClientSession) -> None:
            query = {**own, "version": destination["version"], "enabled": True, "deletedOn": None}
            if not self.database[DESTINATIONS.name].update_one(query, update, session=session).matched_count:
                raise ChangedMeanwhile
            self._store(own, {"$push": {"notices": notice}}, session)

        number = f"{OwnEventId.DESTINATION_NOTICE}{destination['refId']}-disabled-{destination['version']}"
        self.record(destination["tenantId"], _event("destination.disabled", number, destination, notice), also_write)
        count("DestinationsDisabled")
        logger.warning("DESTINATION_DISABLED", destination=destination["refId"], reason=why.reason)
        return notice

    def warn(self, destination: Mapping[str, Any], since: datetime, percent: int) -> Document:
        """Warns that a destination will be disabled; the notice. `percent`: of the time to that. Raises Unavailable."""
        own = {"tenantId": destination["tenantId"], "refId": destination["refId"]}
        notice = _notice(FAILING, destination, percent=percent, failingSince=to_rfc3339(since))

        def also_write(_: Document, session: ClientSession) -> None:
            self._store(own, {"$push": {"notices": notice}, "$set": {"warned": percent}}, session)

        number = f"{OwnEventId.DESTINATION_NOTICE}{destination['refId']}-failing-{int(since.timestamp())}-{percent}"
        self.record(destination["tenantId"], _event("destination.failing", number, destination, notice), also_write)
        logger.warning("DESTINATION_FAILING", destination=destination["refId"], percent=percent)
        return notice

    def publish(self, item: ItemRef, notices: list[Document]) -> bool:
        """Publishes notices, and removes these from the state; False where the bus is away: a later run does it."""
        try:
            for notice in notices:
                self.bus.publish(notice["detailType"], [notice["detail"]])
        except Unavailable as exc:
            logger.warning("NOTICE_NOT_PUBLISHED", destination=item.ref_id, reason=exc.detail)
            return False
        self._store(item.query, {"$pull": {"notices": {"$in": notices}}}, None)
        return True

    def _store(self, query: Mapping[str, Any], update: Mapping[str, Any], session: ClientSession | None) -> None:
        """Changes the state; in a transaction the driver has to see its own errors."""
        with translated() if session is None else nullcontext():
            self.database[DESTINATION_STATES.name].update_one(query, update, session=session)


def _notice(detail_type: str, destination: Mapping[str, Any], **more: Any) -> Document:
    detail = {name: destination[name] for name in ("tenantId", "refId", "name", "kind", "url")}
    return {"detailType": detail_type, "detail": {**detail, **more}}


def _event(action: str, event_id: str, destination: Mapping[str, Any], notice: Document) -> Document:
    metadata = {name: value for name, value in notice["detail"].items() if name not in ("tenantId", "refId", "name")}
    return {
        "eventId": event_id,
        "action": action,
        "actorType": "system",
        "actorId": _BY,
        "resourceType": "destination",
        "resourceId": destination["refId"],
        "resourceName": destination["name"],
        "metadata": metadata,
    }
