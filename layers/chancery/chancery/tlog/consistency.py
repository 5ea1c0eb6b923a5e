"""The consistency proof: the log of one checkpoint is the beginning of that of another."""

from typing import Any

from chancery.tlog.errors import VerificationError, located
from chancery.tlog.merkle import EMPTY_ROOT, roots_from_consistency
from chancery.tlog.signed_notes import Checkpoint, OpenCheckpoint
from chancery.tlog.strict_json import hashes, members, parse_object


def verify_consistency(
    older: Checkpoint, newer: Checkpoint, answer: bytes | None, open_checkpoint: OpenCheckpoint
) -> None:
    """Checks that the newer log, of the same key, begins with the older one. Raises VerificationError.

    `answer` of GET /v1/audit-consistency, `{from, to, path, checkpoint}`; None where both have the same size, or the
    older is empty.
    """
    if newer.size < older.size:
        raise VerificationError(f"the log has shrunk: it had {older.size} records, and now {newer.size}")
    with located(None if answer is None else "proof"):
        path = [] if answer is None else _path(answer, older, newer, open_checkpoint)
        if older.size:
            roots = roots_from_consistency(older.size, newer.size, older.root, path)
        else:
            roots = (EMPTY_ROOT, newer.root)
        if roots != (older.root, newer.root):
            raise ValueError(f"the log of {newer.size} records is not a continuation of that of {older.size}")


def _path(answer: bytes, older: Checkpoint, newer: Checkpoint, open_checkpoint: OpenCheckpoint) -> list[bytes]:
    value, _ = parse_object(answer)
    note = value.get("checkpoint")
    types: dict[str, type[Any]] = {"from": int, "to": int, "path": list, "checkpoint": type(note)}
    from_, to, path, _ = members(value, **types)
    if (from_, to) != (older.size, newer.size):
        raise ValueError(f"is a proof from {from_} to {to}, not from {older.size} to {newer.size}")
    if note is not None and (type(note) is not str or open_checkpoint(note) != newer):
        raise ValueError("its checkpoint is not the newer one")
    return hashes(path)
