"""The sealer: from the outbox to a signed checkpoint, safe to kill anywhere and to run beside others.

1. `LogStore.sequence` gives waiting leaves their indexes, in one transaction.
2. Tiles for them are written, once each, from what has an index; then the witness's copy of the checkpoint, the
   checkpoint itself, the fact on the bus; last the head in MongoDB by compare-and-set.
A crash in between has the next run do the same again with the same bytes (Ed25519 signatures are deterministic too).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.sealing.models import LogForked
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.signed_notes import Checkpoint, encode
from chancery.tlog.tiles import WIDTH, Growth, right_edge, split, unbundle

SEALED = "Audit Checkpoint Sealed"
_MOST_UNDER_A_CHECKPOINT = 64 * WIDTH  # more leaves than one run takes into memory


class Publisher(Protocol):
    """What publishes events: `core.bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the logs of every tenant."""

    store: LogStore
    book: TileStorage
    key: LogKey
    bus: Publisher

    def seal(self, tenant_id: str | None, in_time: Callable[[], bool] = lambda: True) -> int:
        """Seals what waits of a tenant; how many leaves got their place. Raises LogForked, Unavailable.

        It ends when more waits than one transaction takes and `in_time` says that time is short.
        """
        sealed, more = 0, True
        while more and in_time():
            self._refuse_to_fork(tenant_id)
            sequenced = self.store.sequence(tenant_id)
            while (head := self.store.head(tenant_id)) and head["publishedSize"] < head["size"]:
                self._publish(head)
            sealed, more = sealed + sequenced.leaves, sequenced.more
        count("LeavesSealed", sealed)
        return sealed

    def _refuse_to_fork(self, tenant_id: str | None) -> None:
        """Raises LogForked when more was published than the database knows: it was restored from a backup."""
        self.store.ensure_head(tenant_id)
        head = self.store.head(tenant_id)
        ahead = self.book.witnessed_after(head["log"], head["size"]) if head else []
        if not ahead or head is None:
            return
        present = self.store.head(tenant_id)  # another sealer may have published them since
        if present is None or present["size"] < ahead[0]:
            reached = present["size"] if present else 0
            raise LogForked(f"The log {head['log']} was published with {ahead[0]} leaves; the database has {reached}.")

    def _publish(self, head: Document) -> None:
        """Puts the next leaves of a log under a checkpoint; gives way where another sealer has."""
        log, old = head["log"], head["publishedSize"]
        # Published before, but this head does not know: a crash, or another sealer that was faster.
        ahead = self.book.witnessed_after(log, old)
        size = ahead[0] if ahead else min(head["size"], old + _MOST_UNDER_A_CHECKPOINT)
        if size > head["size"]:
            return
        growth = self._grown(head, size)
        known = self.book.witnessed(log, size) if ahead else None
        if known and Checkpoint.unverified(known) != Checkpoint(self.key.verifier(log).name, size, growth.root()):
            raise LogForked(f"The leaves of the log {log} are not those that were published with size {size}.")
        self.book.write(log, growth.files())
        note = known or self.key.sign(log, size, growth.root())
        self.book.witness(log, size, note)
        self.book.show_newest(log, size, note)
        self.bus.publish(SEALED, [sealed_fact(head, size, growth.root(), note)])
        if self.store.publish(head["tenantId"], old, size, note):
            logger.info("CHECKPOINT_SEALED", log=log, size=size)

    def _grown(self, head: Mapping[str, Any], size: int) -> Growth:
        """The log grown from what is published to `size`. Raises LogForked where S3 and the head disagree."""
        log, old = head["log"], head["publishedSize"]
        edge = right_edge(old)
        paths = [tile.path for tile in edge]
        partial = [tile.bundle_path for tile in edge if tile.level == 0]
        try:
            found = self.book.read_all(log, paths + partial)
            rows = {tile.level: split(content) for tile, content in zip(edge, found, strict=False)}
            entries = unbundle(found[-1]) if partial else []
            growth = Growth(old, rows, entries)
            published = Checkpoint.unverified(head["checkpoint"]) if old else None
        except (LookupError, ValueError) as exc:
            raise LogForked(f"The log {log} lacks what was published: {exc}") from exc
        whole = list(map(leaf_hash, entries)) == rows.get(0, [])
        if published and not (whole and published == Checkpoint(self.key.verifier(log).name, old, growth.root())):
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
