"""The fan-out: sends new records to the connections of a tenant, one frame a tick each.

A run holds the tenant's lease and goes on for most of a Lambda invocation; then it hands over to the next one by a
queue message. Where a run is killed, its lease expires, and the next ping of a client, or the schedule, starts another:
it goes on at the stored positions, so a frame may come twice, and none is missing. Clients skip what they have by its
sequence.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import orjson

from chancery.core.aws.queue import Message, Queue, body_of
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import Unavailable, ValidationFailed
from chancery.core.feeds import Feed
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.leases import Leases
from chancery.core.observability import count, gauge
from chancery.live.session import Session, Sockets
from chancery.live.store import ConnectionStore

_TICK = 0.2  # seconds
_RENEWAL = 2.0  # seconds
_TIME_TO_END_MS = 12_000
_WORKERS = 64  # threads that send frames


class Run(NamedTuple):
    """A message of the queue: the tenant to serve, and the token of the run that hands over."""

    tenant_id: str | None
    former: str | None = None

    def to_message(self) -> str:
        """The body of the message."""
        return orjson.dumps({"tenantId": self.tenant_id, "former": self.former}).decode()


@dataclass(frozen=True, slots=True)
class FanOut:
    """Serves the connections of tenants; the worker of the queue `live`."""

    connections: ConnectionStore
    leases: Leases
    feeds: Mapping[str, Feed]
    sockets: Sockets
    queue: Queue
    sleep: Callable[[float], None] = time.sleep

    name: ClassVar[str] = "live"
    rescheduled: ClassVar[bool] = True

    def parse(self, message: Message) -> Run:
        """The run that a message asks for. Raises ValidationFailed."""
        body = body_of(message, "tenantId")
        tenant_id, former = body["tenantId"], body.get("former")
        if not isinstance(tenant_id, str | None) or not isinstance(former, str | None):
            raise ValidationFailed("The message names no tenant: tenantId is text or null.")
        return Run(tenant_id, former)

    def work(self, run: Run, delivery: Delivery) -> None:
        """Serves a tenant until time is short or nobody is connected. Raises Unavailable."""
        token = new_ref_id()
        if not self.leases.take(_lease(run.tenant_id), token, run.former):
            return
        try:
            is_left = self._serve(run.tenant_id, token, delivery)
        except Exception:
            self.leases.release(_lease(run.tenant_id), token)  # the next delivery of the message takes it
            raise
        if is_left:
            self.queue.send(Run(run.tenant_id, token).to_message())
            return
        self.leases.release(_lease(run.tenant_id), token)
        if self.connections.count(run.tenant_id, 1):  # subscribed since the last look
            self.start(run.tenant_id)

    def _serve(self, tenant_id: str | None, token: str, delivery: Delivery) -> bool:
        """Serves a tenant while there is time, connections, and the lease; whether there are connections left."""
        renewed = time.monotonic()
        with ThreadPoolExecutor(_WORKERS) as pool:
            session = Session(tenant_id, self.connections, self.feeds, self.sockets, pool)
            while session.tick():
                if delivery.remaining_ms() < _TIME_TO_END_MS:
                    session.settle()
                    gauge("LiveDelay", session.longest_delay)
                    return True
                if time.monotonic() - renewed > _RENEWAL:
                    if not self.leases.renew(_lease(tenant_id), token):
                        return False
                    renewed = time.monotonic()
                self.sleep(_TICK)
        return False

    def failed(self, run: Run, reason: str) -> None:
        """Stores nothing: the schedule starts another run."""

    def start(self, tenant_id: str | None) -> None:
        """Has a tenant served that no run serves. Raises Unavailable."""
        if not self.leases.reserve(_lease(tenant_id)):
            return
        try:
            self.queue.send(Run(tenant_id).to_message())
        except Unavailable:
            self.leases.release(_lease(tenant_id))
            raise

    def start_all(self) -> None:
        """Has every tenant with subscriptions served, and counts these. Raises Unavailable."""
        for tenant_id in self.connections.tenants():
            self.start(tenant_id)
        count("LiveConnections", self.connections.count_all())


def _lease(tenant_id: str | None) -> dict[str, Any]:
    """The key of a tenant's lease."""
    return {"tenantId": tenant_id}
