"""Who is sealed when: the tenants of queue messages, and on a schedule everybody who waits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.errors import ChanceryError
from chancery.core.observability import count, gauge, logger
from chancery.sealing.logbook import LogForked
from chancery.sealing.sealer import Sealer
from chancery.sealing.store import LogStore

_TIME_TO_SEAL_MS = 30_000


@dataclass(frozen=True, slots=True)
class SealingService:
    """Seals tenant by tenant, each failing for itself only."""

    sealer: Sealer
    store: LogStore

    def consume(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """Seals the tenants that SQS `messages` name; the ids of the messages to deliver again."""
        by_tenant: dict[str | None, list[str]] = {}
        for message in messages:
            by_tenant.setdefault(orjson.loads(message["body"])["tenantId"], []).append(message["messageId"])
        return [message_id for tenant_id, ids in by_tenant.items() if not self._sealed(tenant_id) for message_id in ids]

    def sweep(self, remaining_ms: Callable[[], int]) -> None:
        """Seals everybody who waits, as far as time allows: what no message told of, and what was left half done."""
        for tenant_id in self.store.waiting():
            if remaining_ms() < _TIME_TO_SEAL_MS:
                break
            self._sealed(tenant_id)
        gauge("SealingDelay", self.store.oldest_wait().total_seconds())

    def _sealed(self, tenant_id: str | None) -> bool:
        try:
            self.sealer.seal(tenant_id)
        except LogForked as exc:
            count("LogsForked")
            logger.critical("LOG_FORKED", tenant_id=tenant_id, reason=exc.detail)
            return False
        except ChanceryError as exc:
            logger.warning("SEALING_DEFERRED", tenant_id=tenant_id, reason=exc.detail)
            return False
        return True
