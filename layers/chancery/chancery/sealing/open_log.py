"""Opens a log to add leaves to it: reads its head, and compares it with what was published."""

from dataclasses import dataclass

from chancery.core.mongo.client import Document
from chancery.sealing.models import LogForked
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log as a run knows it: its head, and the sizes above its checkpoint that the witness has, in order."""

    head: Document
    witnessed: tuple[int, ...]


def open_log(store: LogStore, tiles: TileStorage, tenant_id: str | None) -> OpenLog:
    """The log of a tenant. Lists the witness's checkpoints above the head's.

    Raises LogForked when more was published than the database knows: it was restored from a backup.
    """
    head = store.open(tenant_id)
    witnessed = list(tiles.witnessed_after(head["log"], head["publishedSize"]))
    if witnessed and witnessed[-1] > head["size"]:
        head = store.open(tenant_id)  # leaves may have been sequenced and published since
        if witnessed[-1] > head["size"]:
            known = f"was published with {witnessed[-1]} leaves; the database has {head['size']}"
            raise LogForked(f"The log {head['log']} {known}.")
    return OpenLog(head, tuple(size for size in witnessed if size > head["publishedSize"]))
