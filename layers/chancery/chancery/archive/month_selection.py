"""Which months are due for the archive, and what of them: read from the records and the partitions, changing nothing.

A month is looked at as cheaply as its state allows, since most of them are archived for good:

- One that is archived is compared by number: as many records happened in it as its partitions hold, or not. Records
  are never removed and each is in one partition at most, so equal numbers mean the same records. The count reads
  index keys and no record. Only where the numbers differ are its records read for one that came late: up to the first
  that did, or all of them where the difference was recorded after the cutoff. A difference that was recorded neither
  before nor after it is in no file, and is reported.
- One that is under way, or has failed, needs no look at its records at all.
- One that is new needs a single record from before the cutoff.

The months themselves are found by jumping from the end of one to the next record, so empty ones cost nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chancery.archive.months import Month
from chancery.archive.store import ArchiveStore
from chancery.core.errors import ChanceryError
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger


class Records(Protocol):
    """What knows of the records: `audit.store.AuditStore`."""

    def tenants(self) -> list[str | None]: ...
    def first_created(self, tenant_id: str | None, since: datetime | None = None) -> datetime | None: ...
    def count_created(self, tenant_id: str | None, created: tuple[datetime, datetime]) -> int: ...
    def has_recorded(
        self,
        tenant_id: str | None,
        created: tuple[datetime, datetime],
        recorded: tuple[datetime | None, datetime | None],
    ) -> bool: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Months up to `until`, of one tenant (None: the platform) unless `every_tenant`, or one month only."""

    until: Month
    recorded_to: datetime
    every_tenant: bool = True
    tenant_id: str | None = None
    month: Month | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant's month, in the order in which they are gone through: the platform first, then tenants by their id."""

    tenant_id: str | None
    month: Month

    @property
    def of_tenant(self) -> tuple[bool, str]:
        return _order(self.tenant_id)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be archived of a month: a `partition` that is still open, or a new one with this number and period."""

    supplement: int
    recorded_from: datetime | None
    recorded_to: datetime
    archived: int  # records that are in the archive already
    partition: Document | None = None


@dataclass(frozen=True, slots=True)
class DueMonths:
    """Finds what is due."""

    records: Records
    store: ArchiveStore

    def find(
        self, wanted: Wanted, after: Place | None = None, failed: list[ChanceryError] | None = None
    ) -> Iterator[tuple[Place, Due | None]]:
        """Every month that is old enough and has records, in order, each with what is due of it, if anything.

        With `failed`, a month that cannot be looked at adds its error there and holds up no other.
        """
        for tenant_id in self._tenants(wanted, after):
            began = after is not None and after.tenant_id == tenant_id
            for month in self._months(tenant_id, wanted, after.month if after and began else None):
                try:
                    due = self._of_month(tenant_id, month, wanted.recorded_to)
                except ChanceryError as exc:
                    if failed is None:
                        raise
                    logger.error("ARCHIVE_MONTH_SKIPPED", tenant_id=tenant_id, month=str(month), reason=exc.detail)
                    failed.append(exc)
                    due = None
                yield Place(tenant_id, month), due

    def waiting(self, place: Place, due: Due) -> int:
        """How many records of the month are not in the archive yet."""
        return self.records.count_created(place.tenant_id, (place.month.start, place.month.end)) - due.archived

    def _tenants(self, wanted: Wanted, after: Place | None) -> Sequence[str | None]:
        tenants = sorted(self.records.tenants(), key=_order) if wanted.every_tenant else [wanted.tenant_id]
        return [tenant for tenant in tenants if after is None or _order(tenant) >= after.of_tenant]

    def _months(self, tenant_id: str | None, wanted: Wanted, after: Month | None) -> Iterator[Month]:
        since = after.end if after else None
        last = wanted.until
        if wanted.month is not None:
            since = max(since, wanted.month.start) if since else wanted.month.start
            last = min(last, wanted.month)
        while (found := self.records.first_created(tenant_id, since)) and (month := Month.of(found)) <= last:
            yield month
            since = month.end

    def _of_month(self, tenant_id: str | None, month: Month, cutoff: datetime) -> Due | None:
        parts = self.store.of_month(tenant_id, str(month))
        newest = parts[-1] if parts else None
        archived = sum(part["records"] for part in parts if is_archived(part))
        if newest is not None and not is_archived(newest):
            return Due(newest["supplement"], newest["recordedFrom"], newest["recordedTo"], archived, newest)
        period, recorded_from = (month.start, month.end), newest["recordedTo"] if newest else None
        if newest is not None and self.records.count_created(tenant_id, period) == archived:
            return None
        if recorded_from is not None and recorded_from >= cutoff:
            return None
        if not self.records.has_recorded(tenant_id, period, (recorded_from, cutoff)):
            if newest is not None and not self.records.has_recorded(tenant_id, period, (cutoff, None)):
                count("ArchiveMonthsIncomplete")
                logger.error("ARCHIVE_INCOMPLETE", tenant_id=tenant_id, month=str(month))
            return None
        return Due(len(parts), recorded_from, cutoff, archived)


def is_archived(partition: Document) -> bool:
    """Whether a partition's file, manifest, proof and index are written."""
    return bool(partition["state"] == "archived")


def _order(tenant_id: str | None) -> tuple[bool, str]:
    return tenant_id is not None, tenant_id or ""
