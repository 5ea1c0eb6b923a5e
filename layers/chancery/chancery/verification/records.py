"""A record as the API shows it: its digest, its leaf, the proof that the leaf is in the log."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.audit.digest import digest
from chancery.audit.models import ERASABLE
from chancery.sealing.models import leaf_entry
from chancery.tlog.merkle import leaf_hash, root_from_inclusion
from chancery.tlog.signed_notes import Proof, VerifierKey, decode
from chancery.verification.failure import DoesNotHold, at, ref_id_of
from chancery.verification.parsing import hashes, members, open_note, parse

_ERASABLE = frozenset(ERASABLE)
_SALT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record that holds: where it is in which log."""

    log: str
    size: int
    index: int
    ref_id: str


def entry_of(record: Mapping[str, Any]) -> bytes:
    """The leaf entry of a record with dates as RFC 3339 text and salts in hex. Raises ValueError.

    Nothing of the record may be outside of what the digest says: so no `_id`, and no salt too many.
    """
    salts = record.get("salts")
    if type(salts) is not dict or salts.keys() != _ERASABLE & record.keys():
        raise ValueError("the salts are not those of the erasable fields that the record has")
    if not all(type(salt) is str and _SALT.fullmatch(salt) for salt in salts.values()):
        raise ValueError("a salt is not 32 lowercase hex digits")
    for field, value in record.items():
        if type(value) is not str and value is not None and field not in _ERASABLE and field != "salts":
            raise ValueError("a field that must be text or null is something else")
    if "_id" in record or not all(record.get(field) for field in ("digest", "recordedOn", "refId")):
        raise ValueError("is not a record: it lacks digest, recordedOn or refId, or has an _id")
    if digest(record, {field: bytes.fromhex(salt) for field, salt in salts.items()}) != record["digest"]:
        raise ValueError("the record was changed: its content does not have its digest")
    return leaf_entry(record)


def verify_record(
    record: bytes, proof: bytes, key: VerifierKey, names: tuple[str, str] = ("record", "proof")
) -> SealedRecord:
    """Checks a record (JSON) against its proof (tlog-proof, or the API's JSON form). Raises DoesNotHold."""
    record_name, proof_name = names
    with at(proof_name):
        found, claims = _proof(proof)
        checkpoint = open_note(found.checkpoint, key)
    with at(record_name):
        content, _ = parse(record)
    ref_id = ref_id_of(content)
    with at(record_name, index=found.index, ref_id=ref_id):
        entry = entry_of(content)
    with at(proof_name, index=found.index, ref_id=ref_id):
        if claims not in (None, (checkpoint.size, entry)):
            raise ValueError("its size or leaf is not that of its checkpoint and this record")
        root = root_from_inclusion(found.index, checkpoint.size, leaf_hash(entry), found.path)
    if root != checkpoint.root:
        raise DoesNotHold(
            "the log has no such record at this index", file=record_name, index=found.index, ref_id=ref_id
        )
    return SealedRecord(key.name, checkpoint.size, found.index, content["refId"])


def _proof(text: bytes) -> tuple[Proof, tuple[int, bytes] | None]:
    """A proof, and the size and leaf that its JSON form claims. Raises ValueError."""
    if not text.lstrip().startswith(b"{"):
        return Proof.parse(text.decode()), None
    types = {"index": int, "size": int, "leaf": str, "path": list, "checkpoint": str}
    index, size, leaf, path, checkpoint = members(parse(text)[0], **types)
    return Proof(index, tuple(hashes(path)), checkpoint), (size, decode(leaf))
