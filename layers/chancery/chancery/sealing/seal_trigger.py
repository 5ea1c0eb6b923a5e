"""Triggers the sealer: one queue message a tenant and second; a schedule catches what no message names."""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from chancery.core.aws.queue import GroupMessage, Queue
from chancery.core.errors import Unavailable
from chancery.core.formats.times import Clock, now
from chancery.core.observability import count, logger
from chancery.sealing.models import log_name


class SealTrigger(NamedTuple):
    """Names tenants with new outbox entries to the sealer, over a FIFO queue.

    SQS drops all messages of a tenant and second but the first (deduplication), and the queue delays each by more than
    a second: when the sealer runs, every record of that second is stored. The message group is the log, so that no two
    sealers work on the same one.
    """

    queue: Queue
    clock: Clock = now

    def trigger(self, tenant_ids: Iterable[str | None]) -> None:
        """Never raises: a tenant that no message names is sealed by the schedule, within a minute."""
        second = int(self.clock().timestamp())
        messages = [
            GroupMessage(orjson.dumps({"tenantId": tenant_id}).decode(), log, f"{log}.{second}")
            for tenant_id, log in {tenant_id: log_name(tenant_id) for tenant_id in tenant_ids}.items()
        ]
        try:
            self.queue.send_in_groups(messages)
        except Unavailable:
            count("SealTriggersFailed", len(messages))
            logger.warning("SEAL_TRIGGER_FAILED", logs=len(messages))
