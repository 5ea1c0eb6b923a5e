"""Archived months as the archive writes them: file, manifest and proof."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

import orjson

from chancery.archive import files
from chancery.archive.month_selection import Month
from chancery.audit.archived import archived_line
from chancery.cli.verification import SealedArchive, verify_archive
from chancery.sealing.models import log_name
from chancery.tlog.archive_manifest import log_range, serialize_manifest
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import NO_LEAF, CompactRange
from chancery.tlog.signed_notes import VerifierKey
from tests.sealed import SealedLog, again_sealed, records

START = datetime(2024, 2, 1, tzinfo=UTC)
CUT = datetime(2026, 3, 1, tzinfo=UTC)
Record = dict[str, Any]


def month_records(count: int, start: datetime = START) -> list[Record]:
    """Records of a month, one a second, recorded when they happened."""
    made = []
    for number, record in enumerate(records(count)):
        moment = start + timedelta(seconds=number)
        made.append(again_sealed(record | {"createdOn": moment, "recordedOn": moment}))
    return made


@dataclass(frozen=True)
class Archive:
    """What belongs to an archived month."""

    file: bytes
    manifest: bytes
    proof: bytes
    key: VerifierKey

    def changed(self, **changes: bytes) -> "Archive":
        return replace(self, **changes)

    def described(self, **changes: Any) -> "Archive":
        """With members of the manifest changed."""
        found = orjson.loads(self.manifest)
        for name, value in changes.items():
            found[name] = found[name] | value if isinstance(value, dict) else value
        return replace(self, manifest=orjson.dumps(found))

    def proof_lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.proof.splitlines()]

    def proven(self, lines: Sequence[dict[str, Any]]) -> "Archive":
        """With another proof."""
        return replace(self, proof=written(lines))

    def verify(self, *, key: VerifierKey | None = None, proven: bool = True, **options: Any) -> SealedArchive:
        proof = (BytesIO(self.proof), key or self.key) if proven else ()
        return verify_archive(BytesIO(self.file), self.manifest, *proof, **options)


def archive(
    stored: Sequence[Record],
    log: SealedLog,
    *,
    tenant_id: str | None = "acme",
    month: str = "2024-02",
    part_bytes: int = 1,
    **changes: Any,
) -> Archive:
    """The archive of a month's records, in their order, each with its position in the log if it has a leaf."""
    index_of = {record["refId"]: index for index, record in enumerate(log.records, log.strangers)}
    positions = [index_of.get(record["refId"], NO_LEAF) for record in stored]
    lines = files.Lines(
        archived_line, leaf_entry, lambda _, ref_ids: {r: index_of[r] for r in ref_ids if r in index_of}
    )
    copies = iter([dict(record) for record in stored])
    tree, body, parts = CompactRange(), b"", list[Record]()
    for number, part in enumerate(files.parts(copies, lines, tree, part_bytes), 1):
        body += part.body
        sizes = {"records": part.records, "bytes": len(part.body), "rawBytes": part.raw_bytes}
        about = {"number": number, "sha256": sha256(part.body).hexdigest(), "first": part.first, "last": part.last}
        parts.append(sizes | about)
    partition = {
        "tenantId": tenant_id,
        "month": month,
        "supplement": 0,
        "recordedFrom": None,
        "recordedTo": CUT,
        "key": f"archives/{log_name(tenant_id)}/{month}/000.ndjson.zst",
        "storageClass": "GLACIER",
        "versions": {"chancery": "test"},
        **changes,
    }
    head = {"log": log_name(tenant_id), "checkpoint": log.checkpoint()} if log.size else {}
    described = serialize_manifest(partition, parts, tree.root(), log_range(head, positions), "key")
    assert Month.parse(month)
    return Archive(body, described, archive_proof(log, positions), log.signer.key)


def archive_proof(log: SealedLog, positions: Sequence[int]) -> bytes:
    """The proof of an archive: an export's proof without the hash, and with null for records without a leaf."""
    head, *rest = map(orjson.loads, log.export_proof([at for at in positions if at != NO_LEAF]).splitlines())
    listed = [None if position == NO_LEAF else position for position in positions]
    return written(
        [
            head | {"records": len(positions), "sha256": None},
            *(line for line in rest if "positions" not in line),
            *({"positions": listed[at : at + 1000]} for at in range(0, len(listed), 1000)),
        ]
    )


def written(lines: Sequence[Any]) -> bytes:
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
