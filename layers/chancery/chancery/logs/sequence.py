"""Numbers the lines of a tenant in the order in which they become visible: the sequence that its readers follow.

Lines are inserted without a transaction, so a number in the line itself could be visible before a smaller one is. The
numbers are in `log_batches` instead, a document for the lines of a tenant and kind that were stored together:

1. `begin`: the batch is inserted, pending, before its lines. Each line names its batch.
2. The lines are inserted. Those that were stored before keep their batch, and so are not in this one.
3. `number`: the batch gets the numbers behind the newest batch of the tenant, in one update under a unique index on
   (tenantId, first). Of two writers one gets the duplicate key error, reads the newest batch, and tries again.

So a number is visible only when all before it are, and no transaction or lock is needed. A writer that is killed
between 1 and 3 leaves a pending batch, which `sweep` numbers, or removes where no line of it was stored.

Batches expire eight days after their successor was numbered; the newest of a tenant stays: no number comes twice.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bson import ObjectId
from pymongo import DeleteMany, UpdateOne, WriteConcern
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.observability import count, logger
from chancery.logs.collections import BY_KIND, LOG_BATCHES
from chancery.logs.kinds import LogKind
from chancery.logs.store import LogStore

RESUMABLE = timedelta(days=8)  # how long a reader may be away and go on without a gap: a destination fails for five
ABANDONED = timedelta(minutes=5)  # a pending batch has no writer any more: functions that write end within a minute
_DUPLICATE_KEY = 11000
_MOST_TRIES = 100
_QUICK_TRIES = 3  # before it waits between them
_LONGEST_WAIT = 0.02  # seconds
_TAIL_SECONDS = 3600.0  # much less than RESUMABLE: the newest batch that is remembered still exists
_MOST_TAILS = 10_000
_MOST_SWEPT = 1000


class Batch(NamedTuple):
    """Lines of a tenant and kind that are stored together."""

    id: bytes
    tenant_id: str | None
    kind: LogKind
    created_on: datetime
    lines_expire_on: datetime


class _Tail(NamedTuple):
    """The newest batch of a tenant: its first number (0: there is none), and the next one that is free."""

    first: int
    next: int
    read: float


class LogSequence:
    """Writes `log_batches` of one database. `retention`: collection → days, where it is not the declared one.

    `numbered` is called with each tenant whose lines have got numbers; it raises nothing.
    """

    def __init__(
        self,
        database: Database[Document],
        store: LogStore,
        retention: Mapping[str, int] | None = None,
        clock: Clock = now,
        sleep: Callable[[float], None] = time.sleep,
        numbered: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._batches = database.get_collection(LOG_BATCHES.name, write_concern=DURABLE)
        # The lines are stored later and durably, and so is then everything that was stored before them.
        self._begun = self._batches.with_options(write_concern=WriteConcern(w=1, j=False))
        self._store = store
        self._days = {kind: collection.days(retention or {}) or 0 for kind, collection in BY_KIND.items()}
        self._clock = clock
        self._sleep = sleep
        self._numbered = numbered
        self._tails: dict[str | None, _Tail] = {}

    def new(self, tenant_id: str | None, kind: LogKind) -> Batch:
        """A batch for lines that will be stored now."""
        stored_on = self._clock()
        expires_on = stored_on + timedelta(days=self._days[kind.name])
        return Batch(ObjectId().binary, tenant_id, kind, stored_on, expires_on)

    def begin(self, batches: Sequence[Batch]) -> None:
        """Stores batches as pending, before their lines. Raises Unavailable."""
        if batches:
            with translated():
                self._begun.insert_many([_pending(batch) for batch in batches])

    def number(self, counts: Mapping[Batch, int]) -> None:
        """Numbers the lines of batches, `counts` of each, and removes batches without any.

        Never raises for a database that is away: what is not numbered here, the sweeper numbers.
        """
        waiting: dict[str | None, list[tuple[bytes, int]]] = {}
        for batch, lines in counts.items():
            if lines:
                waiting.setdefault(batch.tenant_id, []).append((batch.id, lines))
        empty = [batch.id for batch, lines in counts.items() if not lines]
        try:
            self._number(waiting, empty)
        except Unavailable as exc:
            logger.warning("LOG_BATCHES_NOT_NUMBERED", reason=exc.detail, batches=len(counts))

    def sweep(self) -> int:
        """Numbers the batches whose writer was killed; their number. Raises Unavailable."""
        with translated():
            left = list(
                self._batches.find({"pending": True, "createdOn": {"$lt": self._clock() - ABANDONED}})
                .sort("createdOn")
                .limit(_MOST_SWEPT)
            )
        waiting: dict[str | None, list[tuple[bytes, int]]] = {}
        empty = []
        for batch in left:
            if lines := self._store.count_of_batch(batch, batch["kind"]):
                waiting.setdefault(batch["tenantId"], []).append((batch["_id"], lines))
            else:
                empty.append(batch["_id"])
        self._number(waiting, empty)
        count("LogBatchesSwept", len(left))
        return len(left)

    def _number(self, waiting: dict[str | None, list[tuple[bytes, int]]], empty: Sequence[bytes]) -> None:
        """Numbers the batches of each tenant in turn, those of several tenants together. Raises Unavailable."""
        if empty:
            with translated():
                self._batches.bulk_write([DeleteMany({"_id": {"$in": list(empty)}, "pending": True})])
        tries, tenants = 0, list(waiting)
        while waiting:
            if tries == _MOST_TRIES:
                raise Unavailable("Other writers of the tenant were faster each time.")
            if tries > _QUICK_TRIES:
                self._sleep(random.uniform(0, _LONGEST_WAIT))  # noqa: S311 (no secret)
            lost = self._number_first({tenant_id: batches[0] for tenant_id, batches in waiting.items()})
            tries = tries + 1 if lost else 0
            waiting = {
                tenant_id: left
                for tenant_id, batches in waiting.items()
                if (left := batches if tenant_id in lost else batches[1:])
            }
        for tenant_id in tenants:
            self._numbered(tenant_id)

    def _number_first(self, batches: Mapping[str | None, tuple[bytes, int]]) -> set[str | None]:
        """Numbers one batch of each tenant; the tenants of which another writer was faster."""
        tails = {tenant_id: self._tail(tenant_id) for tenant_id in batches}
        expires_on = self._clock() + RESUMABLE
        changes: list[UpdateOne] = []
        tenants = []
        for tenant_id, (batch_id, lines) in batches.items():
            tail = tails[tenant_id]
            numbers = {"$set": {"first": tail.next, "count": lines}, "$unset": {"pending": ""}}
            changes.append(UpdateOne({"_id": batch_id, "pending": True}, numbers))
            tenants.append(tenant_id)
            self._tails.pop(tenant_id, None)  # whatever happens below, no number is taken for used that is not
        changes += [
            UpdateOne({"tenantId": tenant_id, "first": tail.first}, {"$set": {"expiresOn": expires_on}})
            for tenant_id, tail in tails.items()
            if tail.first
        ]
        lost: set[str | None] = set()
        with translated():
            try:
                matched = self._batches.bulk_write(changes, ordered=False).matched_count
            except BulkWriteError as exc:
                details = exc.details or {}
                errors = details.get("writeErrors", ())
                if details.get("writeConcernErrors") or any(error["code"] != _DUPLICATE_KEY for error in errors):
                    raise Unavailable("The database could not number every batch.") from None
                lost = {tenants[error["index"]] for error in errors}
            else:
                if matched == len(changes):  # else the sweeper was faster
                    for tenant_id, (_, lines) in batches.items():
                        tail = tails[tenant_id]
                        self._tails[tenant_id] = _Tail(tail.next, tail.next + lines, time.monotonic())
        return lost

    def _tail(self, tenant_id: str | None) -> _Tail:
        """The newest batch of a tenant, as this process numbered it, else as it is stored."""
        tail, read = self._tails.get(tenant_id), time.monotonic()
        if tail is None or read - tail.read > _TAIL_SECONDS:
            if len(self._tails) > _MOST_TAILS:
                self._tails.clear()
            with translated():
                found = self._batches.find_one({"tenantId": tenant_id, "first": {"$gte": 1}}, sort=[("first", -1)])
            tail = _Tail(*newest(found), read)
        return tail


def newest(batch: Mapping[str, int] | None) -> tuple[int, int]:
    """The first number of the newest batch and the next free one; (0, 1) where a tenant has none."""
    return (batch["first"], batch["first"] + batch["count"]) if batch else (0, 1)


def _pending(batch: Batch) -> Document:
    return {
        "_id": batch.id,
        "tenantId": batch.tenant_id,
        "kind": batch.kind.name,
        "createdOn": batch.created_on,
        "linesExpireOn": batch.lines_expire_on,
        "pending": True,
    }
