"""A log as Chancery publishes it, with a key, and exports of it with their proofs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from hashlib import sha256
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chancery.audit.digest import stored_digest
from chancery.audit.responses import to_response
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.merkle import EMPTY_ROOT, consistency_proof, inclusion_proof
from chancery.tlog.signed_notes import Checkpoint, Proof, VerifierKey, encode, encode_all
from chancery.tlog.tiles import WIDTH, Growth, reader, tile_at, tiles_of
from tests.builders import NOON, record

ORIGIN = "log.example/chancery/tenant-acme"
_STRANGERS = 65_000


def records(count: int) -> list[dict[str, Any]]:
    """Records with all kinds of values, recorded a second apart."""
    made = []
    for number in range(count):
        after = {"n": number, "share": number / 8 + 0.5, "small": 1e-7, "ключ": ["é", None, True, {"a": {"b": -1}}]}
        one = record(resourceId=f"p{number}", after=after, metadata=None if number % 3 else {"n": [number]})
        made.append(again_sealed(one | {"recordedOn": NOON + timedelta(seconds=number)}))
    return made


def again_sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stored record with the digest of its present content, as an intruder who knows the format would forge it."""
    return {**record, "digest": stored_digest(record)}


def line(record: Mapping[str, Any]) -> bytes:
    """A record as a line of an export."""
    return orjson.dumps(to_response(record), option=orjson.OPT_APPEND_NEWLINE)


class Signer:
    """A key and the log it signs for."""

    def __init__(self, name: str = ORIGIN) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.key = VerifierKey(name, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def checkpoint(self, size: int, root: bytes) -> str:
        return Checkpoint(self.key.name, size, root).signed(self.key, self.sign)


@dataclass(frozen=True)
class SealedLog:
    """Stored records, sealed in their order after `strangers` leaves without records here."""

    signer: Signer
    records: Sequence[dict[str, Any]]
    strangers: int = 0

    @property
    def size(self) -> int:
        return self.strangers + len(self.records)

    @cached_property
    def entries(self) -> list[bytes]:
        return [*map(_stranger, range(self.strangers)), *map(leaf_entry, self.records)]

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Every tile and bundle of the log as it is now."""
        growth = _strangers() if self.strangers >= _STRANGERS else Growth(0, {}, [])
        growth.append(self.entries[growth.size :])
        return growth.files()

    def at(self, size: int) -> "SealedLog":
        """The log as it was with a size."""
        return SealedLog(self.signer, self.records[: size - self.strangers], self.strangers)

    def tree_head(self, size: int | None = None) -> Checkpoint:
        """The checkpoint of a size, not signed."""
        return self._heads[self.size if size is None else size]

    @cached_property
    def _heads(self) -> "_Heads":
        return _Heads(self)

    def checkpoint(self, size: int | None = None) -> str:
        """The checkpoint of a size as a signed note."""
        head = self.tree_head(size)
        return self.signer.checkpoint(head.size, head.root)

    def proof(self, index: int) -> Proof:
        root_of = reader(self.files.__getitem__, self.size)
        return Proof(index, tuple(inclusion_proof(index, self.size, root_of)), self.checkpoint())

    def json_proof(self, index: int) -> dict[str, Any]:
        proof = self.proof(index)
        about = {"index": index, "size": self.size, "leaf": encode(self.entries[index])}
        return {**about, "path": encode_all(proof.path), "checkpoint": proof.checkpoint}

    def consistency(self, old: int, new: int) -> dict[str, Any]:
        path = consistency_proof(old, new, reader(self.files.__getitem__, self.size))
        return {"from": old, "to": new, "path": encode_all(path), "checkpoint": self.checkpoint(new)}

    def record(self, index: int) -> bytes:
        """The record of a leaf as a line of JSON."""
        return line(self.records[index - self.strangers])

    def export(self, positions: Sequence[int]) -> bytes:
        return b"".join(map(self.record, positions))

    def export_proof(self, positions: Sequence[int], batch: int = 1000) -> bytes:
        """The proof of the export of these positions, as the server writes it."""
        export = self.export(positions)
        about = {"format": "chancery-export-proof@v1", "checkpoint": self.checkpoint(), "records": len(positions)}
        lines: list[dict[str, Any]] = [about | {"sha256": sha256(export).hexdigest()}]
        last = {self.size // WIDTH} if self.size % WIDTH else set()
        below = [tile_at(0, number, self.size) for number in sorted({index // WIDTH for index in positions} | last)]
        for tile in [tile for tile in tiles_of(self.size) if tile.level] + below:
            lines.append({"level": tile.level, "number": tile.number, "hashes": encode(self.files[tile.path])})
        lines += [{"positions": list(positions[at : at + batch])} for at in range(0, len(positions), batch)]
        return b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in lines)


class _Heads(dict[int, Checkpoint]):
    """Tree heads of a log by size, each computed once."""

    def __init__(self, log: SealedLog) -> None:
        super().__init__()
        self._log, self._root_of = log, reader(log.files.__getitem__, log.size)

    def __missing__(self, size: int) -> Checkpoint:
        root = self._root_of(0, size) if size else EMPTY_ROOT
        self[size] = Checkpoint(self._log.signer.key.name, size, root)
        return self[size]


@cache
def _stranger(number: int) -> bytes:
    """The entry of a leaf without a record here."""
    return leaf_entry({"digest": "0", "recordedOn": "-", "refId": str(number)})


@cache
def _many_strangers() -> Growth:
    growth = Growth(0, {}, [])
    growth.append(map(_stranger, range(_STRANGERS)))
    return growth


def _strangers() -> Growth:
    """A log of strangers alone, to append to: made once, since tests of three levels of tiles need so many."""
    return deepcopy(_many_strangers())
