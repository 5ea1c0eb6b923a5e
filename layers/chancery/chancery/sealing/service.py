"""Runs the sealer and the outbox relay: for the tenant of a queue message, and by schedule for every waiting tenant."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from chancery.core.aws.queue import Message, body_of
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import Unavailable, ValidationFailed, reason_of
from chancery.core.observability import count, gauge, logger
from chancery.sealing.models import LogForked
from chancery.sealing.relay import OutboxRelay
from chancery.sealing.sealer import Sealer
from chancery.sealing.store import LogStore

_TIME_TO_SEAL_MS = 30_000


@dataclass(frozen=True, slots=True)
class SealingService:
    """Seals one tenant a message, and every tenant that waits on a schedule. No tenant delays another.

    `sealed` is called with each tenant whose records have their places in the log; it raises nothing.
    """

    sealer: Sealer
    store: LogStore
    relay: OutboxRelay
    sealed: Callable[[str | None], None] = lambda _: None

    name: ClassVar[str] = "seal"
    rescheduled: ClassVar[bool] = True  # `sweep` seals every tenant that waits, once a minute

    def parse(self, message: Message) -> str | None:
        """The tenant that a message is about. Raises ValidationFailed."""
        tenant_id = body_of(message, "tenantId")["tenantId"]
        if not isinstance(tenant_id, str | None):
            raise ValidationFailed("The message names no tenant: tenantId is text or null.")
        return tenant_id

    def work(self, tenant_id: str | None, delivery: Delivery) -> None:
        """Seals a tenant and relays its outbox. Raises Unavailable, also where no time is left, and LogForked."""
        if not _in_time(delivery.remaining_ms):
            raise Unavailable("There was no time left to seal the tenant.")
        try:
            self._seal(tenant_id, delivery.remaining_ms)
        finally:
            self.relay.run([tenant_id], delivery.remaining_ms)

    def failed(self, tenant_id: str | None, reason: str) -> None:
        """Stores nothing: the outbox still has the tenant's records, and the schedule seals them."""

    def sweep(self, remaining_ms: Callable[[], int]) -> None:
        """Seals tenants with unsealed records, as far as time allows: lost messages, and work left half done."""
        for tenant_id in self.store.waiting():
            if not _in_time(remaining_ms):
                break
            try:
                self._seal(tenant_id, remaining_ms)
            except Exception as exc:
                logger.error("SEALING_DEFERRED", tenant_id=tenant_id, reason=reason_of(exc))
        self.relay.run(self.relay.outbox.tenants(), remaining_ms)
        gauge("SealingDelay", self.store.oldest_wait().total_seconds())
        gauge("OutboxDelay", self.relay.outbox.oldest_age().total_seconds())

    def _seal(self, tenant_id: str | None, remaining_ms: Callable[[], int]) -> None:
        try:
            self.sealer.seal(tenant_id, lambda: _in_time(remaining_ms))
            self.sealed(tenant_id)  # also where another process gave the records their places
        except LogForked as exc:
            count("LogsForked")
            logger.critical("LOG_FORKED", tenant_id=tenant_id, reason=exc.detail)
            raise
        except Exception:
            count("SealingDeferred")
            raise


def _in_time(remaining_ms: Callable[[], int]) -> bool:
    return remaining_ms() > _TIME_TO_SEAL_MS
