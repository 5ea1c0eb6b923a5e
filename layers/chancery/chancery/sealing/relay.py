"""The relay of the outbox: publishes the events of records whose writer could not.

The writer publishes right after its commit and marks the entry. Entries that are unmarked after a while had a
writer that was killed, or a bus that was unavailable.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chancery.core.errors import ChanceryError
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.sealing.outbox import OutboxReader

_GRACE = timedelta(seconds=20)  # a writer publishes within a second or two of its commit
_TIME_TO_PUBLISH_MS = 15_000

PublishRecorded = Callable[[str | None, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class OutboxRelay:
    """Publishes what writers left behind, at least once: consumers drop repetitions by refId.

    `publish` publishes the events of a tenant's records, named by refId; it raises Unavailable.
    """

    outbox: OutboxReader
    publish: PublishRecorded

    def run(self, tenant_ids: Iterable[str | None], remaining_ms: Callable[[], int]) -> None:
        """Publishes the tenants' old entries and removes finished ones, until time is short or the bus is away.

        Never raises a ChanceryError: entries that remain are published by a later run.
        """
        try:
            for entry in self._entries(tenant_ids):
                if remaining_ms() < _TIME_TO_PUBLISH_MS:
                    return
                if not entry["marked"]:
                    self.publish(entry["tenantId"], entry["refIds"])
                    count("EventsRelayed", len(entry["refIds"]))
                self.outbox.finish(entry)
        except ChanceryError as exc:
            logger.warning("OUTBOX_RELAY_DEFERRED", reason=exc.detail)

    def _entries(self, tenant_ids: Iterable[str | None]) -> Iterator[Document]:
        """The entries to look at; a finished one is not listed again."""
        for tenant_id in tenant_ids:
            while entries := self.outbox.unpublished(tenant_id, _GRACE):
                yield from entries
