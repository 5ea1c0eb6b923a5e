"""Writes the proofs of exports: the lines that lead each record of an export to a checkpoint (`tlog.export_proof`)."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import batched
from typing import TYPE_CHECKING

import orjson

from chancery.core.aws.objects import PART_BYTES, Objects
from chancery.core.errors import Unavailable
from chancery.core.mongo.client import Document
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog import export_proof
from chancery.tlog.export_proof import MEDIA_TYPE, ProofHead

if TYPE_CHECKING:
    from hashlib import _Hash

_RECORDS = 1000  # looked up at once


@dataclass(frozen=True, slots=True)
class ExportProof:
    """The key of the proof of an export, and the hex SHA-256 of the export."""

    key: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportProofs:
    """Writes the proof of an export next to it. `objects`: the bucket of the exports."""

    store: LogStore
    tiles: TileStorage
    objects: Objects
    part_bytes: int = PART_BYTES

    def prove(self, tenant_id: str | None, key: str) -> ExportProof | None:
        """Writes the proof of the NDJSON export of one tenant at `key`; None for an empty export without a log.

        Safe to repeat: it depends on the export and the log alone. Raises Unavailable, also while a record waits for
        its checkpoint, which takes seconds.
        """
        digest, positions = self._read(tenant_id, key)
        head = self.store.head(tenant_id)
        size = head["publishedSize"] if head else 0
        if positions and max(positions) >= size:
            raise _not_sealed_yet()
        if head is None or not size:
            return None
        proof = ExportProof(f"{key}.proof", digest)
        lines = proof_lines(self.tiles, head, len(positions), positions, digest)
        self.objects.write(proof.key, lines, MEDIA_TYPE, self.part_bytes)
        return proof

    def _read(self, tenant_id: str | None, key: str) -> tuple[str, array[int]]:
        """The export's SHA-256, and the index in the log of each of its records."""
        digest, positions = sha256(), array("Q")
        for ref_ids in batched(self._ref_ids(key, digest), _RECORDS, strict=False):
            indexes = self.store.indexes_of(tenant_id, ref_ids)
            if len(indexes) < len(ref_ids):
                raise _not_sealed_yet()
            positions.extend(indexes[ref_id] for ref_id in ref_ids)
        return digest.hexdigest(), positions

    def _ref_ids(self, key: str, digest: "_Hash") -> Iterator[str]:
        for line in self.objects.lines(key):
            digest.update(line)
            yield orjson.loads(line)["refId"]


def proof_lines(
    tiles: TileStorage, head: Document, records: int, positions: Iterable[int], digest: str | None = None
) -> Iterator[bytes]:
    """The lines of the proof that records are under the checkpoint of a tree head. Raises Unavailable.

    `positions`, iterated twice: the index of each, or NO_LEAF. `digest`: hex SHA-256 of the export.
    """

    def read_tiles(paths: list[str]) -> list[bytes]:
        try:
            return tiles.read_all(head["log"], paths)
        except LookupError as exc:
            raise Unavailable("The log bucket misses a tile of the log.") from exc

    first = ProofHead(head["checkpoint"], records, digest)
    return export_proof.proof_lines(first, head["publishedSize"], positions, read_tiles)


def _not_sealed_yet() -> Unavailable:
    return Unavailable("A record of the export is not sealed yet.")
