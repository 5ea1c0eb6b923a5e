"""The lines of a tenant in the order of its sequence, resumed by a number: no gap and no double."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from chancery.core.feeds import Item
from chancery.core.mongo.client import Document, translated
from chancery.logs.collections import LOG_BATCHES
from chancery.logs.sequence import newest
from chancery.logs.store import LogStore

_MOST_BATCHES = 500  # of one read


class NumberedLine(NamedTuple):
    """A line, whole, with its kind and its number in the tenant's sequence."""

    sequence: int
    kind: str
    line: Document


class Following(NamedTuple):
    """Lines in order, and the number to go on after.

    `missed`: the first and the last number of lines that are no longer numbered, where the reader was away for longer
    than batches are stored (`sequence.RESUMABLE`). A search by time still finds them.
    """

    lines: list[NumberedLine]
    last: int
    missed: tuple[int, int] | None = None


class LogTail:
    """Reads the sequence of each tenant."""

    def __init__(self, database: Database[Document], store: LogStore) -> None:
        # A number that a failover may take back is not read: it could be given to another line.
        self._batches = database.get_collection(LOG_BATCHES.name, read_concern=ReadConcern("majority"))
        self._store = store

    def last(self, tenant_id: str | None) -> int:
        """The newest number of a tenant, 0 without any. Raises Unavailable."""
        with translated():
            found = self._batches.find_one({"tenantId": tenant_id, "first": {"$gte": 1}}, sort=[("first", -1)])
        return newest(found)[1] - 1

    def after(self, tenant_id: str | None, sequence: int, limit: int) -> Following:
        """The lines of a tenant with a number beyond `sequence`, of every kind, at most `limit` of them.

        Lines that are searched for later are the same ones with the same numbers. Raises Unavailable.
        """
        batches, missed = self._batches_after(tenant_id, sequence, limit)
        if not batches:
            return Following([], sequence)
        lines = [line for line in self._lines(batches) if line.sequence > sequence][:limit]
        end = batches[-1]["first"] + batches[-1]["count"] - 1
        return Following(lines, lines[-1].sequence if len(lines) == limit else end, missed)

    def get(self, tenant_id: str | None, items: Sequence[Item]) -> list[NumberedLine]:
        """The lines of items in their order, without those that are not stored any more; one query a kind."""
        ref_ids: dict[str, list[str]] = {}
        for item in items:
            ref_ids.setdefault(item.kind, []).append(item.ref_id)
        found = {
            (kind, line["refId"]): line
            for kind, of_kind in ref_ids.items()
            for line in self._store.of_ref_ids(kind, tenant_id, of_kind)
        }
        return [
            NumberedLine(item.sequence, item.kind, line)
            for item in items
            if (line := found.get((item.kind, item.ref_id)))
        ]

    def _batches_after(
        self, tenant_id: str | None, sequence: int, limit: int
    ) -> tuple[list[Document], tuple[int, int] | None]:
        """The batches with the next `limit` numbers, the first one perhaps in part, and the numbers that are missed."""
        with translated():
            begun = self._batches.find_one(
                {"tenantId": tenant_id, "first": {"$gte": 1, "$lte": sequence + 1}}, sort=[("first", -1)]
            )
            start = sequence + 1
            if begun is not None and newest(begun)[1] > start:
                start = begun["first"]
            found = (
                self._batches.find({"tenantId": tenant_id, "first": {"$gte": start}})
                .sort("first")
                .limit(min(limit, _MOST_BATCHES))
            )
            batches, wanted = list[Document](), sequence + limit
            for batch in found:
                batches.append(batch)
                if newest(batch)[1] > wanted:
                    break
        first = batches[0]["first"] if batches else sequence + 1
        return batches, (sequence + 1, first - 1) if first > sequence + 1 else None

    def _lines(self, batches: Sequence[Document]) -> list[NumberedLine]:
        """The lines of batches with their numbers, in order; one query a kind."""
        kinds = dict.fromkeys(batch["kind"] for batch in batches)
        found = chain.from_iterable(
            self._store.of_batches(kind, [batch for batch in batches if batch["kind"] == kind]) for kind in kinds
        )
        of_batch: dict[bytes, list[Document]] = {}
        for line in found:
            of_batch.setdefault(line["batch"], []).append(line)
        return [
            NumberedLine(number, batch["kind"], line)
            for batch in batches
            for number, line in enumerate(_in_order(of_batch.get(batch["_id"], [])), batch["first"])
        ]


def _in_order(lines: list[Document]) -> list[Document]:
    return sorted(lines, key=lambda line: (line["createdOn"], line["refId"]))
