"""Writes the audit trail to MongoDB: inserts records, each with its outbox entry in the same transaction.

A repeated event (the same id in the same tenant) is recognised here, and is no error if it is the same event.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from chancery.audit.collections import AUDIT_LOGS
from chancery.audit.models import OWN_FIELDS
from chancery.core.errors import Unavailable
from chancery.core.mongo.client import DURABLE, Document, translated

_DUPLICATE_KEY = 11000
_DOCUMENT_REFUSED = 121
_TRANSACTION_TOO_LARGE = 388  # for the server's cache
_Event = tuple[str | None, str]  # tenantId, eventId: unique
DefaultedFields = frozenset[str]  # fields that Chancery filled in: a repetition of the event may differ there
AlsoWrite = Callable[[Document, ClientSession], None]  # stores something else in the transaction of a record


class Stored(StrEnum):
    """What became of a record."""

    NEW = "new"
    REPEATED = "repeated"  # the same event was stored before
    CONFLICT = "conflict"  # its eventId belongs to another event
    REFUSED = "refused"  # it does not fit the collection's validator


class Outcome(NamedTuple):
    """What became of a record, the record that is stored for its eventId, and the outbox entry of a new one."""

    stored: Stored
    record: Document
    outbox_entry: ObjectId | None = None


class _NotCommitted(Exception):
    """The transaction was aborted because of the record at `index`, with the server's error `code`."""

    def __init__(self, index: int, code: int) -> None:
        super().__init__(index, code)
        self.index = index
        self.code = code


class TransactionParticipant(Protocol):
    """Adds an outbox entry a tenant for records in their transaction: `sealing.outbox.Outbox`."""

    def add(self, records: Sequence[Mapping[str, Any]], session: ClientSession) -> dict[str | None, ObjectId]: ...


class AuditWriter:
    """Writes `audit_logs` of one database."""

    def __init__(self, database: Database[Document], outbox: TransactionParticipant) -> None:
        self._client = database.client
        self._collection = database[AUDIT_LOGS.name]
        self._outbox = outbox

    def insert(
        self, records: Sequence[Document], defaulted_fields: Sequence[DefaultedFields] | None = None
    ) -> list[Outcome]:
        """Stores the records, majority and journaled; an outcome for each, in order.

        `defaulted_fields` has an item a record; without it no field was defaulted. Raises Unavailable when not all of
        the records are known to be durable; inserting again is safe then.
        """
        defaulted_fields = defaulted_fields or [frozenset()] * len(records)
        first_of: dict[_Event, int] = {}
        for at, record in enumerate(records):
            first_of.setdefault(_event(record), at)
        with translated(), pymongo.timeout(self._client.options.timeout):
            outcomes = self._insert(records, list(first_of.values()), defaulted_fields)
        for at, record in enumerate(records):
            if at not in outcomes:  # the same eventId again within these records
                first = outcomes[first_of[_event(record)]]
                refused = first.stored is Stored.REFUSED
                outcomes[at] = first if refused else _compared(first.record, record, defaulted_fields[at])
        return [outcomes[at] for at in range(len(records))]

    def insert_with(
        self, record: Document, also_write: AlsoWrite, defaulted_fields: DefaultedFields = frozenset()
    ) -> Outcome:
        """Stores a record and what `also_write` stores for it, both or neither; neither if its event is stored already.

        `also_write` may be called again, and sees the driver's errors. Raises Unavailable as `insert` does, and what
        `also_write` raises.
        """
        with translated(), pymongo.timeout(self._client.options.timeout):
            try:
                entries = self._commit([record], also_write)
            except _NotCommitted as exc:
                return self._refused(record, exc.code, defaulted_fields)
        return Outcome(Stored.NEW, record, entries.get(record["tenantId"]))

    def _refused(self, record: Document, code: int, defaulted_fields: DefaultedFields) -> Outcome:
        if code == _DOCUMENT_REFUSED:
            return Outcome(Stored.REFUSED, record)
        first = self._known([record]).get(_event(record)) if code == _DUPLICATE_KEY else None
        if first is None:
            raise Unavailable("The database could not store the record; try again.")
        return _compared(first, record, defaulted_fields)

    def _insert(
        self, records: Sequence[Document], left: list[int], defaulted_fields: Sequence[DefaultedFields]
    ) -> dict[int, Outcome]:
        """Inserts the records at the positions `left` in one transaction, and again without those that abort it."""
        outcomes: dict[int, Outcome] = {}
        while left:
            try:
                entries = self._commit([records[at] for at in left])
            except _NotCommitted as exc:
                at = left[exc.index]
                if exc.code == _DOCUMENT_REFUSED:
                    outcomes[at] = Outcome(Stored.REFUSED, records[at])
                elif exc.code == _DUPLICATE_KEY:
                    known = self._known([records[at] for at in left])
                    if _event(records[at]) not in known:
                        raise Unavailable(
                            "The first delivery of this event is still being stored; try again."
                        ) from None
                    for at in left:
                        if first := known.get(_event(records[at])):
                            outcomes[at] = _compared(first, records[at], defaulted_fields[at])
                elif exc.code == _TRANSACTION_TOO_LARGE and len(left) > 1:
                    middle = len(left) // 2
                    halves = (self._insert(records, half, defaulted_fields) for half in (left[:middle], left[middle:]))
                    return outcomes | next(halves) | next(halves)
                else:
                    raise Unavailable("The database could not store every record; try again.") from None
                left = [at for at in left if at not in outcomes]
            else:
                new = {at: Outcome(Stored.NEW, records[at], entries.get(records[at]["tenantId"])) for at in left}
                return outcomes | new
        return outcomes

    def _commit(self, records: Sequence[Document], also_write: AlsoWrite | None = None) -> dict[str | None, ObjectId]:
        """Stores records and outbox entries, all or none; the entries' ids by tenantId. Raises _NotCommitted."""

        def write(session: ClientSession) -> dict[str | None, ObjectId]:
            entries = self._write(records, session)
            if also_write:
                also_write(records[0], session)
            return entries

        try:
            with self._client.start_session() as session:
                return session.with_transaction(write, write_concern=DURABLE)
        except BulkWriteError as exc:
            errors = (exc.details or {}).get("writeErrors")
            if not errors:
                raise Unavailable("The database could not confirm the write; try again.") from None
            raise _NotCommitted(errors[0]["index"], errors[0]["code"]) from None
        except OperationFailure as exc:
            if exc.code != _TRANSACTION_TOO_LARGE:
                raise
            raise _NotCommitted(0, exc.code) from None

    def _write(self, records: Sequence[Document], session: ClientSession) -> dict[str | None, ObjectId]:
        self._collection.insert_many(records, session=session)
        return self._outbox.add(records, session)

    def _known(self, records: Sequence[Document]) -> dict[_Event, Document]:
        """The records that are stored for the same events."""
        by_tenant: dict[str | None, list[str]] = {}
        for record in records:
            by_tenant.setdefault(record["tenantId"], []).append(record["eventId"])
        majority = self._collection.with_options(read_concern=ReadConcern("majority"))
        found = (
            majority.find({"tenantId": tenant_id, "eventId": {"$in": event_ids}})
            for tenant_id, event_ids in by_tenant.items()
        )
        return {_event(record): record for cursor in found for record in cursor}


def _event(record: Mapping[str, Any]) -> _Event:
    return record["tenantId"], record["eventId"]


def _compared(first: Document, record: Document, defaulted_fields: DefaultedFields) -> Outcome:
    fields = (first.keys() | record.keys()) - OWN_FIELDS - defaulted_fields
    same = all(first.get(field) == record.get(field) for field in fields)
    return Outcome(Stored.REPEATED if same else Stored.CONFLICT, first)
