"""The sealer: from the outbox to a signed checkpoint, safe to kill anywhere and to run beside others.

1. `LogStore.sequence` gives waiting leaves their indexes, in one transaction.
2. Tiles for them are written, once each, from what has an index; then the witness's copy of the checkpoint, the
   checkpoint itself, the fact on the bus; last the head in MongoDB by compare-and-set.
A crash in between has the next run do the same again with the same bytes (Ed25519 signatures are deterministic too).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chancery.core.merkle import leaf_hash
from chancery.core.mongo import Document
from chancery.core.observability import count, logger
from chancery.sealing.logbook import LogBook, LogForked
from chancery.sealing.notes import Checkpoint, encode
from chancery.sealing.signing import LogKey
from chancery.sealing.store import MOST_OUTBOX_ENTRIES, LogStore
from chancery.sealing.tiles import WIDTH, Growth, right_edge, split, unbundle

SEALED = "Audit Checkpoint Sealed"
_MOST_LEAVES = 64 * WIDTH  # under one checkpoint


class Publisher(Protocol):
    """What publishes events: `core.bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the logs of every tenant."""

    store: LogStore
    book: LogBook
    key: LogKey
    bus: Publisher

    def seal(self, tenant_id: str | None) -> int:
        """Seals what waits of a tenant; how many leaves got their place. Raises LogForked, Unavailable."""
        sealed, sequenced = 0, MOST_OUTBOX_ENTRIES
        while sequenced >= MOST_OUTBOX_ENTRIES:  # a full transaction: there may be more
            sequenced = self.store.sequence(tenant_id)
            while (head := self.store.head(tenant_id)) and head["publishedSize"] < head["size"]:
                self._publish(head)
            sealed += sequenced
        count("LeavesSealed", sealed)
        return sealed

    def _publish(self, head: Document) -> None:
        """Puts the next leaves of a log under a checkpoint; gives way where another sealer has."""
        log, old = head["log"], head["publishedSize"]
        size = min(head["size"], old + _MOST_LEAVES)
        # Published before, but the head does not know: another sealer, a crash, a database restored from a backup.
        ahead = self.book.witnessed_after(log, old)
        if ahead:
            size = ahead[0]
        if size > head["size"]:
            self._refuse_to_fork(head, size)
            return
        growth = self._grown(head, size)
        if ahead and Checkpoint.unverified(self.book.witnessed(log, size)).root != growth.root():
            raise LogForked(f"The leaves of the log {log} are not those that were published with size {size}.")
        self.book.write(log, growth.files())
        note = self.key.sign(log, size, growth.root())
        self.book.witness(log, size, note)
        self.book.show_newest(log, size, note)
        self.bus.publish(SEALED, [sealed_fact(head, size, growth.root(), note)])
        if self.store.publish(head["tenantId"], old, size, note):
            logger.info("CHECKPOINT_SEALED", log=log, size=size)

    def _refuse_to_fork(self, head: Document, published: int) -> None:
        """Raises LogForked unless another sealer has published these leaves since the head was read."""
        present = self.store.head(head["tenantId"])
        if present is None or present["size"] < published:
            reached = present["size"] if present else 0
            raise LogForked(f"The log {head['log']} was published with {published} leaves; the database has {reached}.")

    def _grown(self, head: Mapping[str, Any], size: int) -> Growth:
        """The log grown from what is published to `size`. Raises LogForked where S3 and the head disagree."""
        log, old = head["log"], head["publishedSize"]
        edge = right_edge(old)
        paths = [tile.path for tile in edge]
        partial = [tile.bundle_path for tile in edge if tile.level == 0]
        try:
            found = self.book.read_all(log, paths + partial)
        except LookupError as exc:
            raise LogForked(f"The log {log} lacks what was published: {exc}") from exc
        rows = {tile.level: split(content) for tile, content in zip(edge, found, strict=False)}
        entries = unbundle(found[-1]) if partial else []
        growth = Growth(old, rows, entries)
        published = growth.root() if list(map(leaf_hash, entries)) == rows.get(0, []) else None
        if old and Checkpoint.unverified(head["checkpoint"]).root != published:
            raise LogForked(f"The checkpoint of the log {log} in the database is not what was published.")
        try:
            growth.append(self.store.entries(head["tenantId"], old, size))
        except LookupError as exc:
            raise LogForked(f"The log {log} cannot grow: {exc}") from exc
        return growth


def sealed_fact(head: Mapping[str, Any], size: int, root: bytes, note: str) -> dict[str, Any]:
    """The detail of `Audit Checkpoint Sealed`: a signed watermark for whoever keeps it."""
    return {
        "tenantId": head["tenantId"],
        "log": head["log"],
        "size": size,
        "previousSize": head["publishedSize"],
        "root": encode(root),
        "checkpoint": note,
    }
