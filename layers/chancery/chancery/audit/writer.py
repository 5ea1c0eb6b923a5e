"""The audit trail in MongoDB, as it is written: insert, nothing else, with leaf and note in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, Protocol

import pymongo
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
_Event = tuple[str | None, str]  # tenantId, eventId: what no two records share
_Write = Callable[[Sequence[Document], ClientSession], None]
Chosen = frozenset[str]  # the fields of a record that Chancery chose: a repetition of its event may differ there
AlsoWrite = Callable[[Document, ClientSession], None]  # stores something else in the transaction of a record


class Stored(StrEnum):
    """What became of a record."""

    NEW = "new"
    REPEATED = "repeated"  # the same event was stored before
    CONFLICT = "conflict"  # its eventId belongs to another event
    REFUSED = "refused"  # the server will never take it


class Outcome(NamedTuple):
    """What became of a record, and the record that is stored for its eventId."""

    stored: Stored
    record: Document


class TransactionParticipant(Protocol):
    """What stores something for records in their transaction: `sealing.outbox.Outbox`, `announcing.EventOutbox`."""

    def add(self, records: Sequence[Mapping[str, Any]], session: ClientSession) -> None: ...


class AuditWriter:
    """Writes `audit_logs` of one database."""

    def __init__(self, database: Database[Document], companions: Sequence[TransactionParticipant]) -> None:
        self._client = database.client
        self._collection = database[AUDIT_LOGS.name]
        self._companions = companions

    def insert(self, records: Sequence[Document], chosen: Sequence[Chosen] | None = None) -> list[Outcome]:
        """Stores the records, majority and journaled, and says of each, in order, what became of it.

        `chosen` has an item a record; without it Chancery chose nothing. Raises Unavailable when not all of the records
        are known to be durable; inserting again is safe then.
        """
        chosen = chosen or [frozenset()] * len(records)
        first_of: dict[_Event, int] = {}
        for at, record in enumerate(records):
            first_of.setdefault(_event(record), at)
        outcomes = self._insert(records, list(first_of.values()), chosen)
        for at, record in enumerate(records):
            if at not in outcomes:  # the same eventId again within these records
                first = outcomes[first_of[_event(record)]]
                outcomes[at] = first if first.stored is Stored.REFUSED else _compared(first.record, record, chosen[at])
        return [outcomes[at] for at in range(len(records))]

    def insert_with(self, record: Document, beside: AlsoWrite, chosen: Chosen = frozenset()) -> Outcome:
        """Stores a record and what `beside` stores for it, both or neither; neither where its event was stored before.

        `beside` may be called again, and sees the driver's errors. Raises Unavailable as `insert` does, and what
        `beside` raises.
        """

        def write(records: Sequence[Document], session: ClientSession) -> None:
            self._write(records, session)
            beside(record, session)

        with translated(), pymongo.timeout(self._client.options.timeout):
            error = self._commit([record], write)
            if error is None:
                return Outcome(Stored.NEW, record)
            if error["code"] == _DOCUMENT_REFUSED:
                return Outcome(Stored.REFUSED, record)
            first = self._known([record]).get(_event(record)) if error["code"] == _DUPLICATE_KEY else None
            if first is None:
                raise Unavailable("The database could not store the record; try again.")
            return _compared(first, record, chosen)

    def _insert(self, records: Sequence[Document], left: list[int], chosen: Sequence[Chosen]) -> dict[int, Outcome]:
        """Inserts those at the positions `left` in one transaction, and again without those that hinder it."""
        outcomes: dict[int, Outcome] = {}
        with translated(), pymongo.timeout(self._client.options.timeout):
            while left and (error := self._commit([records[at] for at in left])):
                at = left[error["index"]]
                if error["code"] == _DOCUMENT_REFUSED:
                    outcomes[at] = Outcome(Stored.REFUSED, records[at])
                elif error["code"] == _DUPLICATE_KEY:
                    known = self._known([records[at] for at in left])
                    if _event(records[at]) not in known:
                        raise Unavailable("The first delivery of this event is still being stored; try again.")
                    for at in left:
                        if first := known.get(_event(records[at])):
                            outcomes[at] = _compared(first, records[at], chosen[at])
                elif error["code"] == _TRANSACTION_TOO_LARGE and len(left) > 1:
                    middle = len(left) // 2
                    halves = (self._insert(records, half, chosen) for half in (left[:middle], left[middle:]))
                    return outcomes | next(halves) | next(halves)
                else:
                    raise Unavailable("The database could not store every record; try again.")
                left = [at for at in left if at not in outcomes]
        return outcomes | {at: Outcome(Stored.NEW, records[at]) for at in left}

    def _commit(self, records: Sequence[Document], write: _Write | None = None) -> Mapping[str, Any] | None:
        """Stores the records and their leaves, all or none; the error of the first record that hinders it."""
        try:
            with self._client.start_session() as session:
                session.with_transaction(partial(write or self._write, records), write_concern=DURABLE)
        except BulkWriteError as exc:
            errors = (exc.details or {}).get("writeErrors")
            if not errors:
                raise Unavailable("The database could not confirm the write; try again.") from None
            found: Mapping[str, Any] = errors[0]
            return found
        except OperationFailure as exc:
            if exc.code != _TRANSACTION_TOO_LARGE:
                raise
            return {"index": 0, "code": exc.code}
        return None

    def _write(self, records: Sequence[Document], session: ClientSession) -> None:
        self._collection.insert_many(records, session=session)
        for companion in self._companions:
            companion.add(records, session)

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


def _compared(first: Document, record: Document, chosen: Chosen) -> Outcome:
    fields = (first.keys() | record.keys()) - OWN_FIELDS - chosen
    same = all(first.get(field) == record.get(field) for field in fields)
    return Outcome(Stored.REPEATED if same else Stored.CONFLICT, first)
