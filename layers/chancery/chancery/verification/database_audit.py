"""A log beside the records it is about: each leaf has its record, each record its leaf. In constant memory."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import batched
from typing import Any, Protocol

from chancery.core.formats.times import to_rfc3339
from chancery.sealing.models import leaf_entry
from chancery.verification.failure import DoesNotHold, at
from chancery.verification.logs import Leaf, PublishedLog
from chancery.verification.records import entry_of

_BUCKETS = 4096
_CANDIDATES = 200_000  # refIds in memory at once


class Records(Protocol):
    """The records of the log's tenant."""

    def get_many(self, ref_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Whole records as they are stored, by refId."""

    def ref_ids(self, until: datetime) -> Iterator[str]:
        """The refId of every record that was recorded by a moment, in order."""

    def not_yet_sealed(self, ref_ids: Sequence[str], size: int) -> set[str]:
        """Those that wait for their leaf, or got one behind the first `size`."""


class Comparison:
    """Compares leaves with records as they pass.

    Which refIds pass on both sides is summed up by bucket: where a sum is not zero at the end, they differ. The sums
    are of hashes under a key of this run, so nobody can choose refIds that cancel each other out.
    """

    def __init__(self, log: PublishedLog, records: Records) -> None:
        self._log, self._records = log, records
        self._until = log.last_leaf()["recordedOn"]
        with at():
            self._until_date = datetime.fromisoformat(self._until)
        self._key = secrets.token_bytes(32)
        self._sums = [0] * _BUCKETS
        self._differing: frozenset[int] = frozenset()

    def take(self, start: int, leaves: Sequence[Leaf]) -> None:
        """Compares leaves with their records. Raises DoesNotHold."""
        records = self._records.get_many([leaf["refId"] for leaf in leaves])
        for index, leaf in enumerate(leaves, start):
            wrong = _compare(leaf, records.get(leaf["refId"]))
            if wrong:
                raise DoesNotHold(wrong, index=index, ref_id=leaf["refId"])
            if leaf["recordedOn"] <= self._until:
                self._count(leaf["refId"], 1)

    def finish(self) -> int:
        """After the last leaf: that every record has one; how many wait for theirs. Raises DoesNotHold."""
        for ref_id in self._records.ref_ids(self._until_date):
            self._count(ref_id, -1)
        self._differing = frozenset(bucket for bucket, total in enumerate(self._sums) if total)
        if not self._differing:
            return 0
        suspects = filter(self._is_suspect, self._records.ref_ids(self._until_date))
        waiting = sum(self._without_leaf(batch) for batch in batched(suspects, _CANDIDATES, strict=False))
        self._find_repeated()
        if not waiting:
            raise DoesNotHold("records have changed while they were compared")
        return waiting

    def _without_leaf(self, ref_ids: Sequence[str]) -> int:
        """How many of the records wait for their leaf; none may be without one otherwise."""
        left = dict.fromkeys(ref_ids)
        for _, leaves in self._log.leaves():
            for leaf in leaves:
                left.pop(leaf["refId"], None)
        waiting = self._records.not_yet_sealed(list(left), self._log.checkpoint.size) if left else set()
        for ref_id in left:
            if ref_id not in waiting:
                raise DoesNotHold("the record has no leaf in the log", ref_id=ref_id)
        return len(left)

    def _find_repeated(self) -> None:
        seen: dict[str, int] = {}
        for start, leaves in self._log.leaves():
            for index, leaf in enumerate(leaves, start):
                ref_id = leaf["refId"]
                if self._is_suspect(ref_id) and seen.setdefault(ref_id, index) != index:
                    what = f"the record has a leaf at index {seen[ref_id]} already"
                    raise DoesNotHold(what, index=index, ref_id=ref_id)

    def _count(self, ref_id: str, sign: int) -> None:
        hashed = self._hash(ref_id)
        self._sums[hashed % _BUCKETS] += sign * hashed

    def _is_suspect(self, ref_id: str) -> bool:
        return self._hash(ref_id) % _BUCKETS in self._differing

    def _hash(self, ref_id: str) -> int:
        return int.from_bytes(blake2b(ref_id.encode(), digest_size=32, key=self._key).digest())


def _compare(leaf: Leaf, record: Mapping[str, Any] | None) -> str | None:
    """What is wrong with the record of a leaf."""
    if record is None:
        return "the sealed record is gone"
    try:
        entry = entry_of(_shown(record))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return "the record was changed: its content does not have its digest"
    return None if entry == leaf_entry(leaf) else "the record is not the one that was sealed"


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stored record as the API shows it. Raises AttributeError, KeyError, TypeError where it is none."""
    dates = {field: to_rfc3339(record[field]) for field in ("createdOn", "recordedOn")}
    salts = {field: bytes(salt).hex() for field, salt in record["salts"].items()}
    return {**record, **dates, "salts": salts}
