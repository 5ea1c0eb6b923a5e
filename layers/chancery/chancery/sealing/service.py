"""Who is sealed when: the tenants of queue messages, and on a schedule everybody who waits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.aws.queue import Queue
from chancery.core.errors import ChanceryError
from chancery.core.observability import count, gauge, logger
from chancery.sealing.models import LogForked
from chancery.sealing.relay import OutboxRelay
from chancery.sealing.sealer import Sealer
from chancery.sealing.store import LogStore

_TIME_TO_SEAL_MS = 30_000


@dataclass(frozen=True, slots=True)
class SealingService:
    """Seals tenant by tenant, each failing for itself only."""

    sealer: Sealer
    store: LogStore
    queue: Queue
    relay: OutboxRelay

    def consume(self, messages: Sequence[Mapping[str, Any]], remaining_ms: Callable[[], int]) -> list[str]:
        """Seals the tenants that SQS `messages` name; the ids of the messages to deliver again."""
        by_tenant: dict[str | None, list[Mapping[str, Any]]] = {}
        for message in messages:
            by_tenant.setdefault(orjson.loads(message["body"])["tenantId"], []).append(message)
        left = [
            message
            for tenant_id, own in by_tenant.items()
            if not self._sealed(tenant_id, remaining_ms)
            for message in own
        ]
        if left:
            self.queue.pause(left)
        self.relay.run(by_tenant, remaining_ms)
        return [message["messageId"] for message in left]

    def sweep(self, remaining_ms: Callable[[], int]) -> None:
        """Seals everybody who waits, as far as time allows: what no message told of, and what was left half done."""
        for tenant_id in self.store.waiting():
            self._sealed(tenant_id, remaining_ms)
        self.relay.run(self.relay.outbox.tenants(), remaining_ms)
        gauge("SealingDelay", self.store.oldest_wait().total_seconds())
        gauge("OutboxDelay", self.relay.outbox.oldest_age().total_seconds())

    def _sealed(self, tenant_id: str | None, remaining_ms: Callable[[], int]) -> bool:
        """Whether a tenant was reached and sealed; nothing that is wrong with one may hold up another."""

        def in_time() -> bool:
            return remaining_ms() > _TIME_TO_SEAL_MS

        if not in_time():
            return False
        try:
            self.sealer.seal(tenant_id, in_time)
        except LogForked as exc:
            count("LogsForked")
            logger.critical("LOG_FORKED", tenant_id=tenant_id, reason=exc.detail)
            return False
        except ChanceryError as exc:
            count("SealingDeferred")
            logger.warning("SEALING_DEFERRED", tenant_id=tenant_id, reason=exc.detail)
            return False
        except Exception as exc:
            count("SealingDeferred")
            logger.error("SEALING_CRASHED", tenant_id=tenant_id, error=type(exc).__name__)
            return False
        return True
