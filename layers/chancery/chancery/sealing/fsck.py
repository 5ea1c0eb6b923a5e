"""The self-audit: what an auditor would check, run all the time, a part of every log at each run.

Three questions. Does the newest checkpoint hold, and is every earlier one the beginning of it? Do database, tiles and
records say the same about each leaf? Has every record a leaf? Each finding is logged and counted; alarms do the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
from pymongo.database import Database

from chancery.core.errors import ChanceryError
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import DURABLE, Document, translated
from chancery.core.observability import count, logger
from chancery.sealing.collections import AUDIT_SELF_AUDITS
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.signed_notes import Checkpoint, open_checkpoint
from chancery.tlog.tiles import WIDTH, reader, split, tile_at, unbundle

_CHECKPOINTS, _TILES = 200, 40  # of a log in one run
_RECORDS, _MOST_RECORDS = 1000, 50_000  # looked for at once, and of a tenant in one run
_SETTLED = timedelta(minutes=2)  # older records should have their leaf
_TIME_TO_AUDIT_MS = 60_000
_START: Document = {"nextIndex": 0, "nextRefId": "", "witnessedSize": 0}


class Records(Protocol):
    """What finds records: `audit.store.AuditStore`."""

    def get_many(self, tenant_id: str | None, ref_ids: Sequence[str]) -> dict[str, Document]: ...
    def after(self, tenant_id: str | None, ref_id: str, before: datetime, limit: int) -> list[Document]: ...
    def tenants(self) -> list[str | None]: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not match: at which leaf or checkpoint size, of which record, and what."""

    what: str
    index: int | None = None
    ref_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fsck:
    """Audits logs. `digest_of` recomputes the digest of a stored record; `wake` tells the sealer about a tenant."""

    store: LogStore
    book: TileStorage
    key: LogKey
    records: Records
    states: "FsckStates"
    digest_of: Callable[[Document], str]
    wake: Callable[[set[str | None]], None]
    clock: Clock = now

    def run(self, remaining_ms: Callable[[], int]) -> list[Finding]:
        """Audits part after part of every log until it has come round or time runs short; what was found.

        Who waits longest comes first, so that no log is left out for good.
        """
        found = self._lost_logs()
        known = {*self.records.tenants(), *(head["tenantId"] for head in self.store.heads())}
        tenants = self.states.longest_ago_first(known)
        while tenants and remaining_ms() > _TIME_TO_AUDIT_MS:
            tenant_id = tenants.pop(0)
            findings, came_round = self.audit(tenant_id)
            found += findings
            if not came_round and not findings:
                tenants.append(tenant_id)
        return found

    def audit(self, tenant_id: str | None) -> tuple[list[Finding], bool]:
        """Audits the next part of a tenant's log and records; what was found, and whether it was the last part.

        Never raises: a part that cannot be looked at now is logged and counted, and looked at by the next run.
        """
        state = self.states.get(tenant_id) or {"tenantId": tenant_id, **_START}
        findings: list[Finding] = []
        for part in (self._checkpoints, self._leaves, self._records):
            try:
                findings += part(tenant_id, state)
            except ChanceryError as exc:
                count("SelfAuditsDeferred")
                logger.warning("SELF_AUDIT_DEFERRED", tenant_id=tenant_id, reason=exc.detail)
            except (LookupError, ValueError) as exc:
                findings.append(Finding(str(exc)))
        self._report(tenant_id, findings)
        self.states.put({**state, "findings": len(findings)})
        return findings, all(state[cursor] == start for cursor, start in _START.items())

    def _lost_logs(self) -> list[Finding]:
        """Logs that were published, and of which the database knows nothing any more."""
        lost = set(self.book.logs()) - {head["log"] for head in self.store.heads()}
        findings = [Finding(f"the log {log} was published, and the database has none") for log in sorted(lost)]
        self._report(None, findings)
        return findings

    def _report(self, tenant_id: str | None, findings: Sequence[Finding]) -> None:
        for finding in findings:
            logger.critical("INTEGRITY_VIOLATION", tenant_id=tenant_id, **asdict(finding))
        count("IntegrityViolations", len(findings))

    # ---- the log

    def _checkpoints(self, tenant_id: str | None, state: Document) -> Iterator[Finding]:
        """The newest checkpoint, and the next ones of the witness, against the tree as the tiles have it."""
        head = self._published(tenant_id)
        if head is None:
            return
        log, size = head["log"], head["publishedSize"]
        root_of = reader(self.book.fetch(log), size)
        newest = open_checkpoint(head["checkpoint"], self.key.verifier(log), self.key.verify)
        if newest.size != size or newest.root != root_of(0, size):
            yield Finding("the tree does not lead to the root of the newest checkpoint", size)
        if self.book.first_witnessed(log, size) != head["checkpoint"]:
            yield Finding("the witness has another checkpoint of this size", size)
        yield from self._behind(tenant_id, log, head["size"])
        older = [old for old in self.book.witnessed_after(log, state["witnessedSize"]) if old < size]
        for old in older[:_CHECKPOINTS]:
            if Checkpoint.unverified(self.book.first_witnessed(log, old)).root != root_of(0, old):
                yield Finding("the log is not a continuation of the checkpoint that the witness has", old)
            state["witnessedSize"] = old
        if len(older) <= _CHECKPOINTS:
            state["witnessedSize"] = 0

    def _behind(self, tenant_id: str | None, log: str, size: int) -> Iterator[Finding]:
        """Whether more was published than the database has: of what was sealed meanwhile it knows by now."""
        ahead = self.book.witnessed_after(log, size)
        present = self.store.head(tenant_id)
        if ahead and (present is None or present["size"] < ahead[-1]):
            yield Finding(f"the witness has seen {ahead[-1]} leaves, and the database has {size}", size)

    def _published(self, tenant_id: str | None) -> Document | None:
        head = self.store.head(tenant_id)
        return head if head and head["publishedSize"] else None

    def _leaves(self, tenant_id: str | None, state: Document) -> Iterator[Finding]:
        """The next tiles of leaves: database, entry bundle, tile and records must agree."""
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
            hashes, bundle = self.book.read_all(log, (tile.path, tile.bundle_path))
            entries = unbundle(bundle)
            if list(map(leaf_hash, entries)) != split(hashes):
                yield Finding("the entry bundle does not hash to its tile", start)
            if list(self.store.entries(tenant_id, start, start + tile.width)) != entries:
                yield Finding("the database's leaves are not those that were published", start)
            yield from self._sealed_records(tenant_id, start, entries)
            number += 1
        state["nextIndex"] = number * WIDTH if number * WIDTH < size else 0

    def _sealed_records(self, tenant_id: str | None, start: int, entries: Sequence[bytes]) -> Iterator[Finding]:
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

    # ---- records

    def _records(self, tenant_id: str | None, state: Document) -> Iterator[Finding]:
        """The next records: whatever has no leaf gets one, and is a finding when its digest does not hold."""
        before, seen = self.clock() - _SETTLED, 0
        while seen < _MOST_RECORDS:
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
        added = self.store.reconcile(good)
        if added:
            count("RecordsWithoutLeaf", added)
            logger.error("RECORDS_WITHOUT_LEAF", tenant_id=tenant_id, records=added, first=good[0]["refId"])
            self.wake({tenant_id})

    def _digest(self, record: Document) -> str | None:
        try:
            return self.digest_of(record)
        except (KeyError, TypeError, ValueError):
            return None


def _ref_id(entry: bytes) -> str:
    return str(orjson.loads(entry)["refId"])


class FsckStates:
    """Reads and writes `audit_self_audits`."""

    def __init__(self, database: Database[Document], clock: Clock = now) -> None:
        self._collection = database.get_collection(AUDIT_SELF_AUDITS.name, write_concern=DURABLE)
        self._clock = clock

    def get(self, tenant_id: str | None) -> Document | None:
        """How far the audit of a tenant has come."""
        with translated():
            return self._collection.find_one({"tenantId": tenant_id}, {"_id": 0})

    def put(self, state: Mapping[str, Any]) -> None:
        """Remembers it."""
        values = {**state, "updatedOn": self._clock()}
        with translated():
            self._collection.update_one({"tenantId": state["tenantId"]}, {"$set": values}, upsert=True)

    def longest_ago_first(self, tenant_ids: Iterable[str | None]) -> list[str | None]:
        """The tenants in the order to audit them."""
        with translated():
            last = {state["tenantId"]: state["updatedOn"] for state in self._collection.find({}, {"_id": 0})}
        return sorted(tenant_ids, key=lambda tenant_id: (str(last.get(tenant_id, "")), str(tenant_id)))
