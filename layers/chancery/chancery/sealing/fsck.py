"""The integrity check of logs (fsck): verifies a part of every log at each run, as an auditor would.

It verifies that the newest checkpoint holds and continues every earlier one; that database, tiles and records agree on
each leaf; that every record has a leaf. Each finding is logged and counted, and raises an alarm.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Protocol

import orjson
from pymongo.database import Database

from chancery.core.errors import ChanceryError
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.observability import count, logger
from chancery.sealing.collections import AUDIT_FSCK_STATES
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.signed_notes import Checkpoint, open_checkpoint
from chancery.tlog.tiles import WIDTH, reader, split, tile_at, unbundle

_CHECKPOINTS, _TILES = 200, 40  # of a log in one part
_RECORDS, _MAX_RECORDS = 1000, 50_000  # read at once, and of a tenant in one part
_SETTLED = timedelta(minutes=2)  # a record older than this should have its leaf
_TIME_TO_CHECK_MS = 60_000
_START: Document = {"nextIndex": 0, "nextRefId": "", "witnessedSize": 0}


class Records(Protocol):
    """Reads records: `audit.store.AuditStore`."""

    def get_many(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, Document]: ...
    def after(self, tenant_id: str | None, ref_id: str, before: datetime, limit: int) -> list[Document]: ...
    def tenants(self) -> list[str | None]: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """A mismatch: what it is, at which leaf or checkpoint size, of which record."""

    what: str
    index: int | None = None
    ref_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fsck:
    """Checks logs. `digest_of` recomputes the digest of a stored record; `trigger` has the sealer run for tenants."""

    store: LogStore
    sequencer: Sequencer
    tiles: TileStorage
    key: LogKey
    records: Records
    states: "FsckStates"
    digest_of: Callable[[Document], str]
    trigger: Callable[[set[str | None]], None]
    clock: Clock = now

    def run(self, remaining_ms: Callable[[], int]) -> list[Finding]:
        """Checks part after part of every log until all parts are checked or time is short; the findings.

        The log that was checked longest ago comes first, so that none is left out for good.
        """
        found = self._lost_logs()
        known = {*self.records.tenants(), *(head["tenantId"] for head in self.store.heads())}
        tenants = self.states.longest_ago_first(known)
        while tenants and remaining_ms() > _TIME_TO_CHECK_MS:
            tenant_id = tenants.pop(0)
            findings, complete = self.check(tenant_id)
            found += findings
            if not complete and not findings:
                tenants.append(tenant_id)
        return found

    def check(self, tenant_id: str | None) -> tuple[list[Finding], bool]:
        """Checks the next part of a tenant's log and records; the findings, and whether it was the last part.

        Never raises: a part that cannot be read now is logged and counted, and checked by the next run.
        """
        state = self.states.get(tenant_id) or {"tenantId": tenant_id, **_START}
        findings: list[Finding] = []
        for part in (self._check_checkpoints, self._check_leaves, self._check_records):
            try:
                findings += part(tenant_id, state)
            except ChanceryError as exc:
                count("FsckDeferred")
                logger.warning("FSCK_DEFERRED", tenant_id=tenant_id, reason=exc.detail)
            except (LookupError, ValueError) as exc:
                findings.append(Finding(str(exc)))
        self._report(tenant_id, findings)
        self.states.store({**state, "findings": len(findings)})
        return findings, all(state[cursor] == start for cursor, start in _START.items())

    def _lost_logs(self) -> list[Finding]:
        """Logs that were published and are missing in the database."""
        lost = set(self.tiles.logs()) - {head["log"] for head in self.store.heads()}
        findings = [Finding(f"the log {log} was published, and the database has none") for log in sorted(lost)]
        self._report(None, findings)
        return findings

    def _report(self, tenant_id: str | None, findings: Sequence[Finding]) -> None:
        for finding in findings:
            logger.critical("INTEGRITY_VIOLATION", tenant_id=tenant_id, **asdict(finding))
        count("IntegrityViolations", len(findings))

    def _check_checkpoints(self, tenant_id: str | None, state: Document) -> Iterator[Finding]:
        """Compares the newest checkpoint, and the next ones of the witness, with the tree of the tiles."""
        head = self._published(tenant_id)
        if head is None:
            return
        log, size = head["log"], head["publishedSize"]
        root_of = reader(self.tiles.fetch(log), size)
        newest = open_checkpoint(head["checkpoint"], self.key.verifier(log), self.key.verify)
        if newest.size != size or newest.root != root_of(0, size):
            yield Finding("the tree does not lead to the root of the newest checkpoint", size)
        if self.tiles.first_witnessed(log, size) != head["checkpoint"]:
            yield Finding("the witness has another checkpoint of this size", size)
        yield from self._check_witness(tenant_id, log, head["size"])
        known = takewhile(lambda old: old < size, self.tiles.witnessed_after(log, state["witnessedSize"]))
        older = list(islice(known, _CHECKPOINTS + 1))
        for old in older[:_CHECKPOINTS]:
            if Checkpoint.unverified(self.tiles.first_witnessed(log, old)).root != root_of(0, old):
                yield Finding("the log is not a continuation of the checkpoint that the witness has", old)
            state["witnessedSize"] = old
        if len(older) <= _CHECKPOINTS:
            state["witnessedSize"] = 0

    def _check_witness(self, tenant_id: str | None, log: str, size: int) -> Iterator[Finding]:
        """A finding where more was published than the database has, once the head is read again."""
        ahead = list(self.tiles.witnessed_after(log, size))
        present = self.store.head(tenant_id)
        if ahead and (present is None or present["size"] < ahead[-1]):
            yield Finding(f"the witness has seen {ahead[-1]} leaves, and the database has {size}", size)

    def _published(self, tenant_id: str | None) -> Document | None:
        head = self.store.head(tenant_id)
        return head if head and head["publishedSize"] else None

    def _check_leaves(self, tenant_id: str | None, state: Document) -> Iterator[Finding]:
        """Compares the next tiles of leaves with the entry bundles, the database's leaves and the records."""
        head = self._published(tenant_id)
        if head is None:
            return
        log, size = head["log"], head["publishedSize"]
        number = state["nextIndex"] // WIDTH if state["nextIndex"] < size else 0
        for _ in range(_TILES):
            tile = tile_at(0, number, size)
            if tile.width <= 0:
                number = 0
                break
            start, state["nextIndex"] = number * WIDTH, (number + 1) * WIDTH
            hashes, bundle = self.tiles.read_all(log, (tile.path, tile.bundle_path))
            entries = unbundle(bundle)
            if list(map(leaf_hash, entries)) != split(hashes):
                yield Finding("the entry bundle does not hash to its tile", start)
            if list(self.store.entries(tenant_id, start, start + tile.width)) != entries:
                yield Finding("the database's leaves are not those that were published", start)
            yield from self._check_sealed_records(tenant_id, start, entries)
            number += 1
        state["nextIndex"] = number * WIDTH if number * WIDTH < size else 0

    def _check_sealed_records(self, tenant_id: str | None, start: int, entries: Sequence[bytes]) -> Iterator[Finding]:
        ref_ids = [_ref_id(entry) for entry in entries]
        records = self.records.get_many(tenant_id, ref_ids)
        for place, (ref_id, entry) in enumerate(zip(ref_ids, entries, strict=True)):
            record = records.get(ref_id)
            if record is None:
                yield Finding("the sealed record is gone", start + place, ref_id)
            elif self._digest(record) != record["digest"]:
                yield Finding("the record's content does not match its digest", start + place, ref_id)
            elif leaf_entry(record) != entry:
                yield Finding("the record is not the one that was sealed", start + place, ref_id)

    def _check_records(self, tenant_id: str | None, state: Document) -> Iterator[Finding]:
        """Looks for records without a leaf: each gets one, or is a finding where its digest does not hold."""
        before, seen = self.clock() - _SETTLED, 0
        while seen < _MAX_RECORDS:
            records = self.records.after(tenant_id, state["nextRefId"], before, _RECORDS)
            known = self.store.leaves_of(tenant_id, [record["refId"] for record in records])
            without = [record for record in records if record["refId"] not in known]
            yield from self._without_leaf(tenant_id, without)
            state["nextRefId"] = records[-1]["refId"] if len(records) == _RECORDS else ""
            seen += len(records)
            if len(records) < _RECORDS:
                break

    def _without_leaf(self, tenant_id: str | None, records: Sequence[Document]) -> Iterator[Finding]:
        good = [record for record in records if self._digest(record) == record["digest"]]
        for record in records:
            if record not in good:
                yield Finding("a record without a leaf does not match its digest", ref_id=record["refId"])
        added = self.sequencer.reconcile(good)
        if added:
            count("RecordsWithoutLeaf", added)
            logger.error("RECORDS_WITHOUT_LEAF", tenant_id=tenant_id, records=added, first=good[0]["refId"])
            self.trigger({tenant_id})

    def _digest(self, record: Document) -> str | None:
        try:
            return self.digest_of(record)
        except (KeyError, TypeError, ValueError):
            return None


def _ref_id(entry: bytes) -> str:
    return str(orjson.loads(entry)["refId"])


class FsckStates:
    """Reads and writes `audit_fsck_states`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database.get_collection(AUDIT_FSCK_STATES.name, write_concern=DURABLE)
        self._clock = clock

    def get(self, tenant_id: str | None) -> Document | None:
        """The state of a tenant's check."""
        with translated():
            return self._collection.find_one({"tenantId": tenant_id}, {"_id": 0})

    def store(self, state: Mapping[str, Any]) -> None:
        """Stores the state of a tenant's check."""
        values = {**state, "updatedOn": self._clock()}
        with translated():
            self._collection.update_one({"tenantId": state["tenantId"]}, {"$set": values}, upsert=True)

    def longest_ago_first(self, tenant_ids: Iterable[str | None]) -> list[str | None]:
        """The tenants, the one that was checked longest ago first."""
        with translated():
            last = {state["tenantId"]: state["updatedOn"] for state in self._collection.find({}, {"_id": 0})}
        return sorted(tenant_ids, key=lambda tenant_id: (str(last.get(tenant_id, "")), str(tenant_id)))
