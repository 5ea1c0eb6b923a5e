"""Exchanges in MongoDB. Each change is one update of one document, so that a crash leaves nothing half done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database

from chancery.core.formats.identifiers import OWN_SUBJECT
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.mongo.repository import Repository
from chancery.integrations.exchanges.collections import INTEGRATION_LOGS, UNCOUNTED

SENDER = OWN_SUBJECT  # has created the exchanges of managed calls, which nobody else opens or closes
RECEIPT_FIELDS = (
    "refId",
    "tenantId",
    "requestId",
    "attemptNumber",
    "status",
    "isSuccess",
    "startedAt",
    "completedAt",
    "durationMs",
    "deadline",
    "nextRetryAt",
)
_PROJECTION = {"_id": 0, **dict.fromkeys((*RECEIPT_FIELDS, "createdBy", "openDigest", "closeDigest"), 1)}
_DURATION = {"$max": [0, {"$toLong": {"$subtract": ["$completedAt", "$startedAt"]}}]}
_EXPIRY_MESSAGE = "The exchange was not closed before its deadline."


class ExchangeStore:
    """Writes exchanges. `exchanges` reads them."""

    def __init__(
        self, database: Database[Document], retention: Mapping[str, int] | None = None, clock: Clock = now
    ) -> None:
        self.exchanges = Repository(database, INTEGRATION_LOGS, retention, clock)
        self.clock = clock
        self._collection = database.get_collection(INTEGRATION_LOGS.name, write_concern=DURABLE)

    def add(self, exchange: Document) -> bool:
        """Stores a new exchange; False where there is one with its request id."""
        return self.exchanges.add(exchange)

    def find(self, tenant_id: str, request_id: str) -> Document | None:
        """What is needed of a tenant's exchange to answer a repetition, also of an expired one that is still there."""
        with translated():
            return self._collection.find_one({"tenantId": tenant_id, "requestId": request_id}, _PROJECTION)

    def uncounted(self, query: Mapping[str, Any], fields: Sequence[str], most: int) -> list[Document]:
        """Up to so many exchanges of a query that have ended and are in no rollup yet, the oldest ends first."""
        waiting = {**query, "uncounted": {"$exists": True}, "countedAs": None}
        projection = {"_id": 0, **dict.fromkeys(fields, 1)}
        with translated():
            found = self._collection.find(waiting, projection, hint=UNCOUNTED.name, sort=[("uncounted", 1)], limit=most)
            return list(found)

    def begin_unopened(self, exchange: Mapping[str, Any]) -> Document | None:
        """Adds its beginning to an exchange whose end arrived first; None where there is none such."""
        own = ("refId", "tenantId", "requestId", "status", "version")
        fields = {name: value for name, value in exchange.items() if name not in own}
        query = {"tenantId": exchange["tenantId"], "requestId": exchange["requestId"], "unopened": True}
        query |= _open_to(exchange["createdBy"])
        return self._change(query, fields | self._unsettled(), ("unopened",))

    def end(self, tenant_id: str, request_id: str, fields: Mapping[str, Any], updated_by: str) -> Document | None:
        """Closes an exchange that is pending, or that the sweep has marked as TIMEOUT; None where there is none."""
        query = {
            "tenantId": tenant_id,
            "requestId": request_id,
            "$or": [{"status": "PENDING"}, {"expired": True}],
            **_open_to(updated_by),
        }
        changes = {**fields, "updatedBy": updated_by, "updatedOn": self.clock()}
        return self._change(query, changes | self._unsettled(), ("expired", "error", "errorStack"))

    def expire(self, most: int) -> int:
        """Marks up to so many exchanges that are open past their deadline as TIMEOUT, oldest first; their number."""
        moment = self.clock()
        overdue = {"status": "PENDING", "deadline": {"$lt": moment}}
        with translated():
            found = self._collection.find(overdue, {"_id": 1}).sort("deadline", 1).limit(most)
            ids = [exchange["_id"] for exchange in found]
            if not ids:
                return 0
            changes = {
                "status": "TIMEOUT",
                "isSuccess": False,
                "error": {"type": "DeadlineExceeded", "message": _EXPIRY_MESSAGE},
                "expired": True,
                "updatedBy": SENDER,
                "updatedOn": moment,
                **self._unsettled(),
            }
            own = {"completedAt": "$deadline", "version": {"$add": ["$version", 1]}}
            pipeline = [{"$set": {**_literals(changes), **own}}, {"$set": {"durationMs": _DURATION}}]
            done = self._collection.update_many({"_id": {"$in": ids}, **overdue}, pipeline)
        return done.modified_count

    def _change(self, query: Document, fields: Mapping[str, Any], unset: tuple[str, ...]) -> Document | None:
        pipeline: list[Document] = [
            {"$unset": list(unset)},
            {"$set": {**_literals(fields), "version": {"$add": ["$version", 1]}}},
            {"$set": {"durationMs": _DURATION}},
        ]
        with translated():
            return self._collection.find_one_and_update(
                query,
                pipeline,
                projection=_PROJECTION,
                return_document=ReturnDocument.AFTER,
            )

    def _unsettled(self) -> dict[str, datetime]:
        return unsettled(self.clock())


def _open_to(who: str) -> Document:
    """Exchanges that somebody may change: the worker of managed calls its own, others all but these."""
    return {"createdBy": SENDER if who == SENDER else {"$ne": SENDER}}


def unsettled(moment: datetime) -> dict[str, datetime]:
    """The fields by which a finished exchange is published and counted."""
    return {"unpublished": moment, "uncounted": moment}


def _literals(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a pipeline in which no text is an expression."""
    return {name: {"$literal": value} for name, value in fields.items()}
