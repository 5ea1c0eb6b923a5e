"""Waking the sealer: a queue message a tenant and second, and a schedule behind it."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from chancery.core.aws.queue import GroupMessage, Queue
from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.observability import count, logger
from chancery.sealing.models import log_name


@dataclass(frozen=True, slots=True)
class SealTrigger:
    """Tells the sealer, over a FIFO queue, whose outbox has something in it.

    Messages of one second are one (SQS drops the others), and the queue delays each by more than a second: so every
    record of that second is stored when the sealer comes, and it comes once. A group is a log, so that no two sealers
    work on the same one.
    """

    queue: Queue
    clock: Clock = now

    def wake(self, tenant_ids: Iterable[str | None]) -> None:
        """Never raises: what nobody is told of is sealed by the schedule, within a minute."""
        second = int(self.clock().timestamp())
        messages = [
            GroupMessage(orjson.dumps({"tenantId": tenant_id}).decode(), log, f"{log}.{second}")
            for tenant_id, log in {tenant_id: log_name(tenant_id) for tenant_id in tenant_ids}.items()
        ]
        try:
            self.queue.send_in_groups(messages)
        except Unavailable:
            count("SealerNotWoken", len(messages))
            logger.warning("SEALER_NOT_WOKEN", logs=len(messages))
