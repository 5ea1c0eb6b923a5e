"""`chancery verify log --database`: compares a log with the records of its tenant in MongoDB."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from itertools import batched
from typing import Any

from bson.codec_options import TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo.database import Database

from chancery.audit.record_verification import verify_digest
from chancery.cli.connection import open_mongo
from chancery.cli.errors import Unreachable, UsageError
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import DatabaseFailure, Document, translated
from chancery.sealing.models import PLATFORM_LOG, log_name
from chancery.tlog.errors import VerificationError, located
from chancery.tlog.leaf import Leaf, leaf_entry
from chancery.tlog.published_log import PublishedLog

_TIMEOUT_MS = 10_000
_PAGE = 10_000  # refIds
_BATCH = 1000  # at once
_BUCKETS = 4096
_CANDIDATES = 200_000  # refIds in memory at once


class Comparison:
    """Compares leaves with records in constant memory: each leaf has its record, each record its leaf.

    The refIds of both sides are hashed and summed by bucket; where a sum is not zero at the end, the sides differ. The
    hashes have a key of this run, so refIds cannot be chosen to cancel each other out.
    """

    def __init__(self, log: PublishedLog, records: "StoredRecords") -> None:
        self._log, self._records = log, records
        self._until = log.last_leaf()["recordedOn"]
        with located():
            self._until_date = datetime.fromisoformat(self._until)
        self._key = secrets.token_bytes(32)
        self._sums = [0] * _BUCKETS
        self._differing: frozenset[int] = frozenset()

    def take(self, start: int, leaves: Sequence[Leaf]) -> None:
        """Compares leaves with their records. Raises VerificationError."""
        records = self._records.get_many([leaf["refId"] for leaf in leaves])
        for index, leaf in enumerate(leaves, start):
            wrong = _compare(leaf, records.get(leaf["refId"]))
            if wrong:
                raise VerificationError(wrong, index=index, ref_id=leaf["refId"])
            if leaf["recordedOn"] <= self._until:
                self._count(leaf["refId"], 1)

    def finish(self) -> int:
        """After the last leaf: checks that every record has one; counts those that wait. Raises VerificationError."""
        for ref_id in self._records.ref_ids(self._until_date):
            self._count(ref_id, -1)
        self._differing = frozenset(bucket for bucket, total in enumerate(self._sums) if total)
        if not self._differing:
            return 0
        suspects = filter(self._is_suspect, self._records.ref_ids(self._until_date))
        waiting = sum(self._without_leaf(batch) for batch in batched(suspects, _CANDIDATES, strict=False))
        self._find_repeated()
        if not waiting:
            raise VerificationError("records have changed while they were compared")
        return waiting

    def _without_leaf(self, ref_ids: Sequence[str]) -> int:
        """The count of records that wait for their leaf. Raises VerificationError for any other record without one."""
        left = dict.fromkeys(ref_ids)
        for _, leaves in self._log.leaves():
            for leaf in leaves:
                left.pop(leaf["refId"], None)
        waiting = self._records.not_yet_sealed(list(left), self._log.checkpoint.size) if left else set()
        for ref_id in left:
            if ref_id not in waiting:
                raise VerificationError("the record has no leaf in the log", ref_id=ref_id)
        return len(left)

    def _find_repeated(self) -> None:
        seen: dict[str, int] = {}
        for start, leaves in self._log.leaves():
            for index, leaf in enumerate(leaves, start):
                ref_id = leaf["refId"]
                if self._is_suspect(ref_id) and seen.setdefault(ref_id, index) != index:
                    what = f"the record has a leaf at index {seen[ref_id]} already"
                    raise VerificationError(what, index=index, ref_id=ref_id)

    def _count(self, ref_id: str, sign: int) -> None:
        hashed = self._hash(ref_id)
        self._sums[hashed % _BUCKETS] += sign * hashed

    def _is_suspect(self, ref_id: str) -> bool:
        return self._hash(ref_id) % _BUCKETS in self._differing

    def _hash(self, ref_id: str) -> int:
        return int.from_bytes(blake2b(ref_id.encode(), digest_size=32, key=self._key).digest())


class _PlainInteger(TypeDecoder):
    """Decodes a 64-bit number to an int: digests are computed from JSON numbers."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> Any:
        return int(value)


class StoredRecords:
    """Reads `audit_logs` of one tenant, and for records without a leaf `audit_leaves` and `audit_outbox`."""

    def __init__(self, database: Database[Document], tenant_id: str | None) -> None:
        plain = database.codec_options.with_options(type_registry=TypeRegistry([_PlainInteger()]))
        self._database, self._tenant = database.with_options(codec_options=plain), {"tenantId": tenant_id}

    def get_many(self, ref_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Whole records, by refId."""
        with _translated():
            found = self._database["audit_logs"].find({**self._tenant, "refId": {"$in": list(ref_ids)}}, {"_id": 0})
            return {record["refId"]: record for record in found}

    def ref_ids(self, until: datetime) -> Iterator[str]:
        """The refId of every record that was recorded by a moment, in order."""
        last = ""
        while True:
            query = {**self._tenant, "refId": {"$gt": last}, "recordedOn": {"$lte": until}}
            with _translated():
                cursor = self._database["audit_logs"].find(query, {"_id": 0, "refId": 1})
                page = [record["refId"] for record in cursor.sort("refId", 1).limit(_PAGE)]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1]

    def not_yet_sealed(self, ref_ids: Sequence[str], size: int) -> set[str]:
        """The given records that are in the outbox, or whose leaf is after the first `size`."""
        found: set[str] = set()
        for some in batched(ref_ids, _BATCH, strict=False):
            query = {**self._tenant, "refIds": {"$in": list(some)}}
            try:
                with translated():
                    for entry in self._database["audit_outbox"].find({**query, "sequencedOn": None}, {"refIds": 1}):
                        found.update(entry["refIds"])
                    for batch in self._database["audit_leaves"].find(query, {"refIds": 1, "start": 1}):
                        found.update(batch["refIds"][max(size - batch["start"], 0) :])
            except DatabaseFailure:  # this user may not read them: a missing leaf stays unexplained
                break
        return found


@contextmanager
def stored_comparison(
    published: PublishedLog, log: str, uri: str | None, database: str, tenant: str | None
) -> Iterator[Comparison | None]:
    """Compares a log with the records of its tenant in MongoDB; None without a URI. Raises UsageError."""
    if uri is None:
        yield None
        return
    tenant_id = tenant_of(log, tenant)
    with open_mongo(uri, "--database", _TIMEOUT_MS) as client:
        yield Comparison(published, StoredRecords(client[database], tenant_id))


def tenant_of(log: str, named: str | None) -> str | None:
    """The tenant of a log: from its name, or as given where the name is a hash. Raises UsageError."""
    if named is not None:
        tenant_id = None if named == "null" else named
        if log_name(tenant_id) != log:
            raise UsageError(f"The log {log} is not the log of the tenant {named}.")
        return tenant_id
    if log == PLATFORM_LOG:
        return None
    if not log.startswith("tenant-"):
        raise UsageError(f"The name of the log {log} is a hash of the tenant; give it with --tenant.")
    return log.removeprefix("tenant-")


@contextmanager
def _translated() -> Iterator[None]:
    """Turns errors of the database into those of the command line."""
    try:
        with translated():
            yield
    except Unavailable as exc:
        raise Unreachable(exc.detail) from exc
    except ChanceryError as exc:
        raise UsageError(f"{exc.detail} --database needs a user who may read audit_logs.") from exc


def _compare(leaf: Leaf, record: Mapping[str, Any] | None) -> str | None:
    """The mismatch between a leaf and its record, if there is one."""
    if record is None:
        return "the sealed record is gone"
    try:
        answer = _as_answered(record)
        verify_digest(answer)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return "the record was changed: its content does not have its digest"
    return None if leaf_entry(answer) == leaf_entry(leaf) else "the record is not the one that was sealed"


def _as_answered(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stored record in its JSON form. Raises AttributeError, KeyError, TypeError where it is none."""
    dates = {field: to_rfc3339(record[field]) for field in ("createdOn", "recordedOn")}
    salts = {field: bytes(salt).hex() for field, salt in record["salts"].items()}
    return {**record, **dates, "salts": salts}
