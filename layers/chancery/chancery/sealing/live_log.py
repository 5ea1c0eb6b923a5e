"""The order of a tenant's records for live views, which do not wait for the sealer: it runs a second after a record.

The sealer's guarantees hold: the sequencer assigns indexes under an optimistic lock on the head, and the head was
compared with what was published before leaves are added to it. Signing remains with the sealer.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from chancery.core.errors import ChanceryError
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.sealing.models import StaleHead
from chancery.sealing.open_log import open_log
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage

_REOPENED_AFTER = 60.0  # seconds: how long the comparison with what was published is relied on
_BACKOFF = 5.0  # seconds after a failure


class _Opened(NamedTuple):
    head: Document
    at: float


class LiveLog:
    """Implements `audit.feed.RecordSequence`: sequences waiting leaves before it says how many there are."""

    def __init__(
        self,
        store: LogStore,
        sequencer: Sequencer,
        tiles: TileStorage,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sequencer = sequencer
        self._tiles = tiles
        self._monotonic = monotonic
        self._opened: dict[str | None, _Opened] = {}
        self._retry_at: dict[str | None, float] = {}

    def size(self, tenant_id: str | None) -> int:
        """How many leaves of a tenant have an index, waiting ones among them. Raises Unavailable.

        Where leaves cannot be sequenced they wait for the sealer; a forked log is left to it, too.
        """
        if self._retry_at.get(tenant_id, 0.0) <= self._monotonic():
            try:
                self._sequence(tenant_id)
            except StaleHead:
                self._opened.pop(tenant_id, None)  # the sealer was faster
            except ChanceryError as exc:
                self._opened.pop(tenant_id, None)
                self._retry_at[tenant_id] = self._monotonic() + _BACKOFF
                count("LiveSequencingDeferred")
                logger.warning("LIVE_SEQUENCING_DEFERRED", tenant_id=tenant_id, reason=exc.detail)
        return self._store.size(tenant_id)

    def ref_ids_after(self, tenant_id: str | None, size: int, limit: int) -> list[str]:
        """As `LogStore.ref_ids_after`."""
        return self._store.ref_ids_after(tenant_id, size, limit)

    def _sequence(self, tenant_id: str | None) -> None:
        if not self._sequencer.is_waiting(tenant_id):
            return
        opened, moment = self._opened.get(tenant_id), self._monotonic()
        if opened is None or moment - opened.at > _REOPENED_AFTER:
            opened = _Opened(open_log(self._store, self._tiles, tenant_id).head, moment)
        self._opened[tenant_id] = opened._replace(head=self._sequencer.sequence(opened.head).head)
