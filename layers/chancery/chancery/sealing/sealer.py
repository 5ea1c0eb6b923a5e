"""The sealer: from the outbox to a signed checkpoint; safe to kill at any step and to run in parallel.

1. The sequencer assigns indexes to waiting leaves, in one transaction.
2. Their tiles are written, once each, from leaves that have an index; then the witness's copy of the checkpoint, the
   newest checkpoint, the event on the bus; last the head in MongoDB, under an optimistic lock.
After a crash the next run repeats these steps with the same bytes (Ed25519 signatures are deterministic too).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chancery.core.errors import Unavailable
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.sealing.models import LogForked, StaleHead
from chancery.sealing.open_log import OpenLog, open_log
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.merkle import leaf_hash
from chancery.tlog.signed_notes import Checkpoint, encode
from chancery.tlog.tiles import WIDTH, Growth, right_edge, split, unbundle

SEALED = "Audit Checkpoint Sealed"
_MAX_NEW_LEAVES = 64 * WIDTH  # of one checkpoint: more are not held in memory


class Publisher(Protocol):
    """Publishes events: `core.aws.event_bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the logs of every tenant."""

    store: LogStore
    sequencer: Sequencer
    tiles: TileStorage
    key: LogKey
    bus: Publisher

    def seal(self, tenant_id: str | None, in_time: Callable[[], bool] = lambda: True) -> int:
        """Seals the leaves that wait of a tenant; how many were sequenced. Raises LogForked, Unavailable.

        Reads the head and lists the witness once, and again only where another sealer has changed the head. Ends early
        when more waits than one transaction takes and `in_time` returns False.
        """
        sealed, more, log = 0, True, None
        while more and in_time():
            log = log or open_log(self.store, self.tiles, tenant_id)
            try:
                sequenced = self.sequencer.sequence(log.head)
                sealed, more = sealed + sequenced.leaves, sequenced.more
                log = self._publish_all(replace(log, head=sequenced.head))
            except StaleHead:
                log, more = None, True
        return sealed

    def _publish_all(self, log: OpenLog) -> OpenLog:
        """Publishes checkpoints until the newest covers every leaf that has an index. Raises StaleHead."""
        if log.head["publishedSize"] == log.head["size"] and log.head.get("eventSize") is not None:
            return replace(log, head=self._publish_late(log.head))
        while log.head["publishedSize"] < log.head["size"]:
            log = self._publish(log)
        return log

    def _publish(self, log: OpenLog) -> OpenLog:
        """Publishes the next checkpoint; one that the witness has from a run that crashed is published as it is."""
        head, name = log.head, log.head["log"]
        size = log.witnessed[0] if log.witnessed else min(head["size"], head["publishedSize"] + _MAX_NEW_LEAVES)
        growth = self._grown(head, size)
        root = growth.root()
        known = self.tiles.witnessed(name, size) if log.witnessed else None
        if known and Checkpoint.unverified(known) != Checkpoint(self.key.verifier(name).name, size, root):
            raise LogForked(f"The leaves of the log {name} are not those that were published with size {size}.")
        self.tiles.write(name, growth.files())
        note = known or self.key.sign(name, size, root)
        self.tiles.witness(name, size, note)
        self.tiles.put_newest(name, size, note)
        published = self._publish_event(sealed_event(head, size, root, note))
        event_size = None if published else _event_size(head)
        newest = self.store.publish(head, size, note, event_size)
        count("LeavesSealed", size - head["publishedSize"])
        logger.info("CHECKPOINT_SEALED", log=name, size=size)
        return OpenLog(newest, log.witnessed[1:])

    def _publish_event(self, detail: dict[str, Any]) -> bool:
        """Whether the bus has accepted the event. If not, sealing continues, and a later event covers this one."""
        try:
            self.bus.publish(SEALED, [detail])
        except Unavailable as exc:
            logger.warning("SEALED_EVENT_DEFERRED", log=detail["log"], size=detail["size"], reason=exc.detail)
            return False
        return True

    def _publish_late(self, head: Document) -> Document:
        """Publishes the event of the newest checkpoint, which was sealed while the bus was away; the head."""
        size, note = head["publishedSize"], head["checkpoint"]
        if self._publish_event(sealed_event(head, size, Checkpoint.unverified(note).root, note)):
            head = self.store.publish(head, size, note, None)
        return head

    def _grown(self, head: Mapping[str, Any], size: int) -> Growth:
        """The log grown from its checkpoint to `size`. Raises LogForked where S3 and the head disagree."""
        log, old = head["log"], head["publishedSize"]
        edge = right_edge(old)
        paths = [tile.path for tile in edge]
        partial = [tile.bundle_path for tile in edge if tile.level == 0]
        try:
            found = self.tiles.read_all(log, paths + partial)
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


def sealed_event(head: Mapping[str, Any], size: int, root: bytes, note: str) -> dict[str, Any]:
    """The detail of `Audit Checkpoint Sealed`: a signed watermark. `previousSize` is that of the event before it."""
    return {
        "tenantId": head["tenantId"],
        "log": head["log"],
        "size": size,
        "previousSize": _event_size(head),
        "root": encode(root),
        "checkpoint": note,
    }


def _event_size(head: Mapping[str, Any]) -> int:
    """The size in the newest event that the bus has taken."""
    size: int | None = head.get("eventSize")
    return head["publishedSize"] if size is None else size
