"""That the log of one checkpoint is the beginning of that of another."""

from typing import Any

from chancery.tlog.merkle import EMPTY_ROOT, roots_from_consistency
from chancery.tlog.signed_notes import Checkpoint, VerifierKey
from chancery.verification.failure import DoesNotHold, at
from chancery.verification.parsing import hashes, members, open_note, parse


def verify_consistency(
    older: Checkpoint, newer: Checkpoint, answer: bytes | None, key: VerifierKey, name: str = "proof"
) -> None:
    """Checks that the newer log begins with the older one, both of `key`. Raises DoesNotHold.

    `answer`: that of GET /v1/audit-consistency, `{from, to, path, checkpoint}`; None will do where both are of one
    size, or the older is empty.
    """
    if newer.size < older.size:
        raise DoesNotHold(f"the log has shrunk: it had {older.size} records, and now {newer.size}")
    with at(None if answer is None else name):
        path = [] if answer is None else _path(answer, older, newer, key)
        if older.size:
            roots = roots_from_consistency(older.size, newer.size, older.root, path)
        else:
            roots = (EMPTY_ROOT, newer.root)
        if roots != (older.root, newer.root):
            raise ValueError(f"the log of {newer.size} records is not a continuation of that of {older.size}")


def _path(answer: bytes, older: Checkpoint, newer: Checkpoint, key: VerifierKey) -> list[bytes]:
    value, _ = parse(answer)
    note = value.get("checkpoint")
    types: dict[str, type[Any]] = {"from": int, "to": int, "path": list, "checkpoint": type(note)}
    from_, to, path, _ = members(value, **types)
    if (from_, to) != (older.size, newer.size):
        raise ValueError(f"is a proof from {from_} to {to}, not from {older.size} to {newer.size}")
    if note is not None and (type(note) is not str or open_note(note, key) != newer):
        raise ValueError("its checkpoint is not the newer one")
    return hashes(path)
