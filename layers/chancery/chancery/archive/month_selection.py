"""Selects the months that are due for the archive: reads records and partitions, changes nothing.

Most months are archived already, so a month is examined as cheaply as its state allows:

- An archived month is compared by number: its records against those of its partitions. Records are never removed and
  each is in one partition at most, so equal numbers mean equal records. The count reads index keys only. Where the
  numbers differ, the records are read up to the first one that was recorded late. A difference that was recorded
  neither before nor after the cutoff is in no file, and is reported (`ARCHIVE_INCOMPLETE`).
- A month that is under way or has failed needs no read of its records.
- A new month needs one record from before the cutoff.

Months are found by seeking from the end of one to the next record, so empty months cost nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from chancery.archive.store import ArchiveStore
from chancery.core.errors import ChanceryError
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger

_TEXT = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month of a moment with a time zone."""
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """The month in `2024-03`. Raises ValueError."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError("A month looks like 2024-03.")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def plus(self, months: int) -> "Month":
        """The month so many months later, or earlier for a negative number."""
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment that is no longer of the month."""
        return self.plus(1).start


def last_due(now: datetime, after_months: int) -> Month:
    """The newest month that ended `after_months` months ago or earlier."""
    return Month.of(now).plus(-after_months - 1)


class Records(Protocol):
    """Counts and finds records; see `audit.store.AuditStore`."""

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
class Scope:
    """The months that a run looks at: up to `until`, or one month; of every tenant, or of one (None: the platform).

    Records that were recorded from `recorded_to` on are left to later runs.
    """

    until: Month
    recorded_to: datetime
    every_tenant: bool = True
    tenant_id: str | None = None
    month: Month | None = None


@dataclass(frozen=True, slots=True)
class TenantMonth:
    """A tenant's month. Runs go through them in order: the platform first, then tenants by their ids."""

    tenant_id: str | None
    month: Month

    @property
    def tenant_order(self) -> tuple[bool, str]:
        return _order(self.tenant_id)


@dataclass(frozen=True, slots=True)
class PendingMonth:
    """The part of a month that is due: an open `partition`, or a new one with this number and period."""

    supplement: int
    recorded_from: datetime | None
    recorded_to: datetime
    archived: int  # records that are in the archive already
    partition: Document | None = None


@dataclass(frozen=True, slots=True)
class MonthSelection:
    """Finds the months that are due."""

    records: Records
    store: ArchiveStore

    def find(
        self, scope: Scope, after: TenantMonth | None = None
    ) -> Iterator[tuple[TenantMonth, PendingMonth | ChanceryError | None]]:
        """Every month of a scope that has records, in order, with its part that is due, or None.

        A month that cannot be examined has its error instead, and delays no other.
        """
        for tenant_id in self._tenants(scope, after):
            began = after is not None and after.tenant_id == tenant_id
            for month in self._months(tenant_id, scope, after.month if after and began else None):
                pending: PendingMonth | ChanceryError | None
                try:
                    pending = self._examine(tenant_id, month, scope.recorded_to)
                except ChanceryError as exc:
                    logger.error("ARCHIVE_MONTH_NOT_EXAMINED", tenant_id=tenant_id, month=str(month), reason=exc.detail)
                    pending = exc
                yield TenantMonth(tenant_id, month), pending

    def waiting(self, place: TenantMonth, pending: PendingMonth) -> int:
        """The number of records of a month that are not in the archive yet."""
        return self.records.count_created(place.tenant_id, (place.month.start, place.month.end)) - pending.archived

    def _tenants(self, scope: Scope, after: TenantMonth | None) -> Sequence[str | None]:
        tenants = sorted(self.records.tenants(), key=_order) if scope.every_tenant else [scope.tenant_id]
        return [tenant for tenant in tenants if after is None or _order(tenant) >= after.tenant_order]

    def _months(self, tenant_id: str | None, scope: Scope, after: Month | None) -> Iterator[Month]:
        since = after.end if after else None
        last = scope.until
        if scope.month is not None:
            since = max(since, scope.month.start) if since else scope.month.start
            last = min(last, scope.month)
        while (found := self.records.first_created(tenant_id, since)) and (month := Month.of(found)) <= last:
            yield month
            since = month.end

    def _examine(self, tenant_id: str | None, month: Month, cutoff: datetime) -> PendingMonth | None:
        parts = self.store.of_month(tenant_id, str(month))
        newest = parts[-1] if parts else None
        archived = sum(part["records"] for part in parts if is_archived(part))
        if newest is not None and not is_archived(newest):
            return PendingMonth(newest["supplement"], newest["recordedFrom"], newest["recordedTo"], archived, newest)
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
        return PendingMonth(len(parts), recorded_from, cutoff, archived)


def is_archived(partition: Document) -> bool:
    """Whether a partition's file, proof, index and manifest are written."""
    return bool(partition["state"] == "archived")


def _order(tenant_id: str | None) -> tuple[bool, str]:
    return tenant_id is not None, tenant_id or ""
