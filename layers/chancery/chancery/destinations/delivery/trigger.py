"""Has destinations served: by writers with something new for them, by the API after a change, by the sweep."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.observability import count, logger
from chancery.destinations.delivery.state_store import StateStore
from chancery.destinations.events import SourceName, sources_of

_CACHED = 10.0  # seconds: a new destination is found by its own request or by the sweep
LOOKED_AT = 0.2  # seconds in which a tenant is looked at once; a run looks again later than that after its lease


class Run(NamedTuple):
    """A message of the queue: the destination to serve, and the token of the run that hands over."""

    item: ItemRef
    former: str | None = None

    def to_message(self) -> str:
        """The body of the message."""
        body = {"tenantId": self.item.tenant_id, "refId": self.item.ref_id, "former": self.former}
        return orjson.dumps(body).decode()


@dataclass(slots=True)
class DeliveryTrigger:
    """Sends a message for each destination that no run serves. Its lease is reserved for the run."""

    states: StateStore
    queue: Queue
    monotonic: Callable[[], float] = time.monotonic
    _subscribed: Mapping[tuple[str, SourceName], Sequence[str]] = field(default_factory=dict)
    _read_at: float | None = None
    _looked_at: dict[tuple[str, SourceName], float] = field(default_factory=dict)

    def trigger(self, tenant_id: str | None, source: SourceName) -> None:
        """Has the destinations of a tenant served that select events of a source. Never raises: the sweep does it, too.

        Cheap to call for every write: who has destinations is read each ten seconds, and who is served five times a
        second.
        """
        if tenant_id is None:
            return
        try:
            for ref_id in self._to_serve(tenant_id, source):
                self.start(ItemRef(tenant_id, ref_id))
        except ChanceryError as exc:
            count("DeliveryTriggersFailed")
            logger.warning("DELIVERY_TRIGGER_FAILED", tenant_id=tenant_id, reason=exc.detail)

    def start(self, item: ItemRef) -> None:
        """Has one destination served that no run serves. Raises Unavailable."""
        if not self.states.reserve(item):
            return
        try:
            self.queue.send(Run(item).to_message())
        except Unavailable:
            self.states.cancel(item)
            raise

    def _to_serve(self, tenant_id: str, source: SourceName) -> Sequence[str]:
        moment = self.monotonic()
        if self._read_at is None or moment - self._read_at > _CACHED:
            self._subscribed, self._looked_at = _by_source(self.states.enabled()), {}
            self._read_at = moment
        found = self._subscribed.get((tenant_id, source), ())
        looked_at = self._looked_at.get((tenant_id, source))
        if not found or (looked_at is not None and moment - looked_at < LOOKED_AT):
            return ()
        served = self.states.served(tenant_id, found)
        self._looked_at[tenant_id, source] = moment
        return [ref_id for ref_id in found if ref_id not in served]


def _by_source(destinations: Sequence[Mapping[str, Any]]) -> dict[tuple[str, SourceName], list[str]]:
    found: dict[tuple[str, SourceName], list[str]] = {}
    for destination in destinations:
        for source in sources_of(destination["events"]):
            found.setdefault((destination["tenantId"], source), []).append(destination["refId"])
    return found
