"""The proof of one record: C2SP tlog-proof text, or the JSON form of the API."""

from dataclasses import dataclass

from chancery.tlog.merkle import leaf_hash, root_from_inclusion
from chancery.tlog.signed_notes import Checkpoint, OpenCheckpoint, Proof, decode
from chancery.tlog.strict_json import hashes, members, parse_object


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof whose checkpoint is signed. `claimed`: size and leaf entry that the JSON form states."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    claimed: tuple[int, bytes] | None

    @classmethod
    def parse(cls, text: bytes, open_checkpoint: OpenCheckpoint) -> "InclusionProof":
        """The proof in a text, of either form. Raises ValueError."""
        if text.lstrip().startswith(b"{"):
            types = {"index": int, "size": int, "leaf": str, "path": list, "checkpoint": str}
            index, size, leaf, path, note = members(parse_object(text)[0], **types)
            return cls(index, tuple(hashes(path)), open_checkpoint(note), (size, decode(leaf)))
        proof = Proof.parse(text.decode())
        return cls(proof.index, proof.path, open_checkpoint(proof.checkpoint), None)

    def leads_to_root(self, entry: bytes) -> bool:
        """Whether the log has a leaf entry at the index. Raises ValueError where the proof cannot be about it."""
        if self.claimed not in (None, (self.checkpoint.size, entry)):
            raise ValueError("its size or leaf is not that of its checkpoint and this record")
        root = root_from_inclusion(self.index, self.checkpoint.size, leaf_hash(entry), self.path)
        return root == self.checkpoint.root
